"""One run of a schedule, and what it comes to: words said, delivered, reported lost, and what must never happen."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from tests.nothing_left import left_in_the_stream, tasks_of_ours
from tests.protocol.reader import BY_HAND, CONFIG, Reader
from tests.servers.realtime import Behaviour
from tests.servers.words import whole_words, word
from tests.soak.account import Outcome, Said, account
from tests.soak.functions import Functions
from tests.soak.network import Line, Network
from tests.soak.schedule import Act, Schedule, Trouble
from tests.soak.speaker import LoudSpeaker
from tests.virtual_time import Stuck, run as run_in_virtual_time
from voice_ui import audio
from voice_ui.conversation import FunctionCall
from voice_ui.protocol import Dialect
from voice_ui.servers import Endpoint
from voice_ui.session import ItemChanged, Phase, PlaybackCut, ProblemRaised, RealtimeSession, ReplyAudio, Seats

ENDPOINT = Endpoint("the soak", "ws://127.0.0.1:1/v1/realtime?model=m", "m", {}, Dialect.GA)

SILENCE = audio.silence(100)

COUGH = b"\x00\x08" * 2400
"""100 ms of sound that is no word."""

REPLY_IS_OVER = {
    "response-missing", "response-incomplete", "response-failed", "reply-empty", "server-said", "server-failed",
    "response-cancelled", "server-error",
}  # fmt: skip
"""Codes after which nobody waits any longer for the reply to what was said before."""

LIVELINESS_SECONDS = 240.0
"""With a network and servers that are well again: the longest anything may take to end. Of two spoken replies that
never end, one after the other, each is given up a minute after it was played."""

MOST_SECONDS = 20
"""Of real time, for one schedule: most take less than a tenth of one."""


class SoakReader(Reader):
    """A reader that tells its run of every problem."""

    def __init__(self, session: RealtimeSession, run: Run) -> None:
        super().__init__(session)
        self._run = run

    def take(self, event: Any) -> None:
        """Take in one event."""
        with suppress(KeyError):  # a page that was loaded anew knows nothing of the items of before
            super().take(event)
        shown = f"problem {event.problem}" if isinstance(event, ProblemRaised) else str(event)
        self._run.note(f"    {shown[:300]}")
        match event:
            case ProblemRaised():
                self._run.hear_of(event)
            case ItemChanged(FunctionCall() as call):
                self._run.see_call(call)
            case ReplyAudio(item_id, pcm):
                self._run.play(item_id, pcm)
            case PlaybackCut():
                self._run.speaker.stop(self.session)


class Run:
    """One run."""

    def __init__(self, schedule: Schedule, *, traced: bool = False) -> None:
        self.schedule = schedule
        self.outcome = Outcome(schedule.seed)
        self.dice = random.Random(schedule.seed + 1)
        self.seats = Seats(1)
        self.network = Network(random.Random(schedule.seed + 2), self._next_behaviour)
        self.words: list[Said] = []
        self.typed: list[Said] = []
        self._order = 0
        self.forgotten: list[int] = []
        """When, in the order of the run, the person took back all that was said and not answered."""
        self.over: list[tuple[int, float]] = []
        """When, in that order and in seconds, the reply to all turns so far was given up, or no longer wanted."""
        self.failed: list[int] = []
        self.dropped: list[int] = []
        """When, in that order, the person wanted no more of the calls that ran then."""
        self.calls: dict[str, int] = {}
        """When, in that order, each call began; by its id."""
        self.functions = Functions()
        self.speaker = LoudSpeaker(schedule.speaker or "plays", self.dice)
        self._asking: dict[str, None] = {}  # calls that wait for approval
        self.lost_seconds = 0.0
        self._dropped_seconds = 0.0
        self._traced = traced
        self._behaviours = [*schedule.behaviours]
        output = "audio" if schedule.spoken else "text"
        self._config = replace(BY_HAND if schedule.by_hand else CONFIG, barge_in=schedule.barge_in, output=output)
        self._endpoint = ENDPOINT
        self._pieces = schedule.chunk_ms * 48
        self.session_number = 0
        self._next_word = self._next_line = 0

    # What is looked at.

    def note(self, what: str) -> None:
        """Keep a line of what happened."""
        if self._traced:
            self.outcome.trace.append(f"{self.network.now():7.2f} {what}")

    def _now_in_order(self) -> int:
        self._order += 1
        return self._order

    def fault(self, what: str) -> None:
        """Something happened that must not."""
        if what not in self.outcome.faults:
            self.note(f"FAULT {what}")
            self.outcome.faults.append(what)

    def hear_of(self, event: ProblemRaised) -> None:
        """A problem was reported."""
        code, facts, now = event.problem.code, event.problem.facts, self.network.now()
        match code:
            case "program-error":
                self.fault(f"program-error: {event.problem.detail}")
            case "audio-lost":
                self.lost_seconds += float(facts["seconds"])
            case "audio-dropped":
                seconds = float(facts["seconds"])
                self.lost_seconds += seconds if seconds < self._dropped_seconds else seconds - self._dropped_seconds
                self._dropped_seconds = seconds
        if code in REPLY_IS_OVER:
            self.over.append((self._now_in_order(), now))
        if not event.problem.recovering:
            self.failed.append(self._now_in_order())

    def see_call(self, call: FunctionCall) -> None:
        """A call stands on the page."""
        self.calls.setdefault(call.call_id, self._now_in_order())
        if call.status == "waiting":
            self._asking[call.call_id] = None
        else:
            self._asking.pop(call.call_id, None)

    def play(self, item_id: str, pcm: bytes) -> None:
        """Audio of a reply came."""
        if item_id in self.speaker.cut:
            self.fault(f"audio of {item_id}, which is to be heard no more")
        if self.schedule.speaker:
            self.speaker.take(item_id, pcm)

    def check_rest(self) -> None:
        """At rest there is no socket, no task, no seat, and nothing in the stream; else there is a seat."""
        if not self.session.state.at_rest:
            if self.seats.taken != 1:
                self.fault(f"{self.seats.taken} seats are taken by a session that is {self.session.state}")
            return
        if self.network.open:
            self.fault(f"{self.network.open} connections at rest")
        if self.seats.taken:
            self.fault("a seat is taken at rest")
        if tasks := [name for name in tasks_of_ours() if not name.startswith("soak")]:
            self.fault(f"tasks at rest: {tasks}")
        if left := left_in_the_stream(self.session):
            self.fault(f"left in the stream: {left}")
        for item in self.session.conversation.items:
            if isinstance(item, FunctionCall) and not item.is_over:
                self.fault(f"{item.call_id} is {item.status} at rest")

    # The run.

    async def run(self) -> Outcome:
        """Go through the schedule, then let everything become well, and come to rest."""
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.fault(f"unhandled: {context.get('exception') or context['message']}")
        )
        self._open_session()
        trouble = asyncio.create_task(self._make_trouble(), name="soak trouble")
        try:
            for act in self.schedule.acts:
                self.note(str(act))
                await self._do(act)
                self.check_rest()
                await self._quiet(self.dice.choice((0.0, 0.0, 0.1, 0.4)))
            trouble.cancel()
            await self._end()
        finally:
            trouble.cancel()
            await self.session.close()
            await asyncio.sleep(0.1)  # for the page to read the end
            self._reading.cancel()
            self._playing.cancel()
            for line in self.network.lines:
                line.serving.cancel()
            serving = [line.serving for line in self.network.lines]
            await asyncio.gather(self._reading, self._playing, trouble, *serving, return_exceptions=True)
        self.check_rest()
        account(self)
        return self.outcome

    async def _end(self) -> None:
        """The network and the servers are well again."""
        self.network.become("up")
        self.network.latency = 0.0
        self._behaviours.clear()
        self.note("all is well")
        if not await self._settles(lambda: self.session.state.at_rest or self.session.state.phase is Phase.LISTENING):
            self.fault(f"it stays {self.session.state}")
        await self._quiet(2.0)
        self.dropped.append(self._now_in_order())
        self.session.stop()
        if not await self._settles(lambda: self.session.state.at_rest):
            self.fault(f"after Stop it stays {self.session.state}")
        self.check_rest()

    async def _settles(self, condition: Any) -> bool:
        deadline = self.network.now() + LIVELINESS_SECONDS
        while not condition():
            if self.network.now() > deadline:
                return False
            for call_id in self._asking:
                self.session.approve(call_id)
            await self._quiet(0.5)
        return True

    def _open_session(self) -> None:
        clock = asyncio.get_running_loop().time
        self.session = RealtimeSession(
            self._endpoint,
            self._config,
            seats=self.seats,
            connect=self.network.connect,
            clock=clock,
            plays=self.schedule.speaker is not None,
            tools=self.functions.all() if self.schedule.tools else (),
        )
        self._read()

    def _read(self) -> None:
        self.reader = SoakReader(self.session, self)
        self._reading = asyncio.create_task(self.reader.read(), name="soak reader")
        self._playing = asyncio.create_task(self.speaker.play(self.session), name="soak speaker")

    def _next_behaviour(self) -> Behaviour:
        return self._behaviours.pop(0) if self._behaviours else Behaviour()

    # The person.

    async def _do(self, act: Act) -> None:
        session, now = self.session, self.network.now()
        by_hand = self._config.turn_detection == "none"
        match act.what:
            case "start":
                session.start()
            case "stop":
                self.dropped.append(self._now_in_order())
                session.stop()
            case "speak":
                await (self._quiet(act.number / 5) if by_hand else self._speak(int(act.number), pace=True))
            case "burst":
                if not by_hand:
                    await self._speak(int(act.number), pace=False)
            case "cough":
                await self._hear(COUGH * int(act.number / 100))
                await self._quiet(0.7)
            case "barge-in":
                self._config = replace(self._config, barge_in=self.dice.choice(("words", "at-once", "never")))
                session.reconfigure(self._endpoint, self._config)
            case "hold":
                if by_hand:
                    self.over.append((self._now_in_order(), now))
                    session.begin_turn()
                    await self._speak(int(act.number), pace=True)
                    session.end_turn()
            case "quiet":
                await self._quiet(act.number)
            case "mute":
                session.end_turn()
                await asyncio.sleep(act.number)
            case "type":
                self._next_line += 1
                text = f"line {self._next_line}"
                self.over.append((self._now_in_order(), now))
                session.send_text(text)
                self.typed.append(Said(text, now, self._now_in_order(), self.session_number))
            case "escape":  # by hand, also what is committed and waits to be sent
                self.over.append((self._now_in_order(), math.inf if by_hand else now))
                session.interrupt()
            case "reconfigure":
                self._config = replace(self._config, instructions=f"Be brief, {now:.1f}.")
                session.reconfigure(self._endpoint, self._config)
            case "turn-detection":
                self._config = replace(self._config, turn_detection="server_vad" if by_hand else "none")
                self.forgotten.append(self._now_in_order())
                session.reconfigure(self._endpoint, self._config)
            case "another-model":
                self._endpoint = replace(self._endpoint, model=f"m{now:.0f}")
                session.reconfigure(self._endpoint, self._config)
            case "reload":
                self._reading.cancel()
                self._playing.cancel()
                await asyncio.sleep(0)
                self._read()
                self.speaker.leave(session)
            case "close":
                self.forgotten.append(self._now_in_order())
                await session.close()
                self.check_rest()
                await asyncio.sleep(0.1)
                self._reading.cancel()
                self._playing.cancel()
                self.session_number += 1
                self._open_session()
            case "abort":
                self.forgotten.append(self._now_in_order())
                session.abort()
                await asyncio.sleep(1.5)
            case "dismiss":
                session.dismiss()
            case "stop-for":
                self.dropped.append(self._now_in_order())
                session.stop_for("stopped-by-owner")
            case "approve" | "refuse":
                for call_id in list(self._asking)[:1]:
                    (session.approve if act.what == "approve" else session.refuse)(call_id)
            case "output":
                self._config = replace(self._config, output="text" if self._config.output == "audio" else "audio")
                session.reconfigure(self._endpoint, self._config)

    async def _speak(self, count: int, *, pace: bool) -> None:
        for _ in range(count):
            number, self._next_word = self._next_word, self._next_word + 1
            pcm, heard, connecting, order = word(number), True, False, self._now_in_order()
            for at in range(0, len(pcm), self._pieces):
                heard = heard and self.session.state.microphone
                connecting = connecting or self.session.state.phase is Phase.CONNECTING
                self.session.append_audio(pcm[at : at + self._pieces])
                if pace:
                    await asyncio.sleep(len(pcm[at : at + self._pieces]) / 48_000)
            if heard:
                self.words.append(Said(number, self.network.now(), order, self.session_number, connecting))

    async def _hear(self, pcm: bytes) -> None:
        """Let the microphone hear something that is no word, if it is open."""
        for at in range(0, len(pcm), self._pieces):
            self.session.append_audio(pcm[at : at + self._pieces])
            await asyncio.sleep(len(pcm[at : at + self._pieces]) / 48_000)

    async def _quiet(self, seconds: float) -> None:
        """Let the microphone hear nothing, if it is open."""
        end = self.network.now() + seconds
        while (left := end - self.network.now()) > 1e-6:
            if self.session.state.microphone:
                self.session.append_audio(SILENCE)
            await asyncio.sleep(min(left, 0.1))

    # The wire.

    async def _make_trouble(self) -> None:
        for trouble in self.schedule.troubles:
            await asyncio.sleep(trouble.after_seconds)
            self.note(f"  wire: {trouble}")
            await self._trouble(trouble)

    async def _trouble(self, trouble: Trouble) -> None:
        network, number = self.network, trouble.number
        running = network.running
        match trouble.what:
            case "cut":
                self._cut()
            case "flap":
                for _ in range(int(number)):
                    self._cut()
                    await asyncio.sleep(self.dice.choice((0.0, 0.01, 0.3, 1.0)))
            case "cut-after":
                for line in running:
                    line.cut_at = line.sent + int(number)
            case "half-open":
                for line in running:
                    line.die()
            case "down" | "long-outage":
                await self._away("down" if trouble.what == "down" else self.dice.choice(("down", "hanging")), number)
            case "hang":
                await self._away("hanging", number)
            case "busy":
                await self._away("busy", number)
            case "refuse":
                network.become("refusing")
                self._cut()
                await asyncio.sleep(1.0)
                network.become("up")
            case "latency":
                network.latency = number
            case "close":
                for line in running:
                    line.close(int(number), "")
            case "expire":
                for line in running:
                    await self._say_quietly(line, "session_expired", close=1001)
            case "error":
                for line in running:
                    await self._say_quietly(line, self.dice.choice(("server_error", "invalid_value", "rate_limited")))

    async def _away(self, mode: Any, seconds: float) -> None:
        self.network.become(mode)
        self._cut()
        await asyncio.sleep(seconds)
        self.network.become("up")

    def _cut(self) -> None:
        for line in self.network.running:
            line.cut()

    async def _say_quietly(self, line: Line, code: str, close: int | None = None) -> None:
        with suppress(Exception):
            await line.wire.error(code, "As the schedule says.")
            if close:
                line.close(close, "")


def play(schedule: Schedule, *, traced: bool = False) -> Outcome:
    """Run one schedule in virtual time."""
    run: Run | None = None

    async def main() -> Outcome:
        nonlocal run
        run = Run(schedule, traced=traced)
        return await run.run()

    random.seed(schedule.seed + 3)  # the product's own jitter
    signal.signal(signal.SIGALRM, _raise_endless)
    signal.alarm(MOST_SECONDS)
    try:
        with _quiet("voice_ui"), _quiet("asyncio"):
            return run_in_virtual_time(main())
    except (Stuck, _Endless) as error:
        outcome = run.outcome if run else Outcome(schedule.seed)
        outcome.faults.append(f"{type(error).__name__}: it is not over, and {error}")
        return outcome
    finally:
        signal.alarm(0)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Log nothing less than critical for a run; other tests of the same process read the log."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Endless(BaseException):
    """A run takes far longer than any run may."""


def _raise_endless(*_: object) -> None:
    raise _Endless("it works without end")


def unheard(lines: list[Line]) -> list[int]:
    """Return the words that are whole in what any server heard, for a closer look."""
    return [number for line in lines for number in whole_words(bytes(line.server.sound))]
