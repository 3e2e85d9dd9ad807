"""One tab's realtime session: chunks out, events in, the timing of turns. Knows no page and no microphone.

`RealtimeSession` is an asynchronous iterator over what a page wants to know: states, items that changed, turns that
were timed, problems. `start`, `stop` and `append_audio` never wait. A connection is open from Start until the last
reply after Stop is written; the next Start opens a new one and gives it the conversation so far.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from voice_ui import audio
from voice_ui.conversation import Conversation
from voice_ui.diagnosis import problem_of
from voice_ui.errors import Problem, SessionError
from voice_ui.latency import Stage, TurnTimer
from voice_ui.protocol import ServerEvent, server
from voice_ui.session.alarm import Alarm
from voice_ui.session.attention import SILENT_SERVER_SECONDS, Attention
from voice_ui.session.connection import Connection
from voice_ui.session.events import (
    ItemChanged,
    ProblemRaised,
    SessionEvent,
    StateChanged,
    TurnTimed,
    UsageCounted,
)
from voice_ui.session.intake import Intake
from voice_ui.session.limits import Bill, Limits
from voice_ui.session.line import Line, Target
from voice_ui.session.outbox import Commit, Entry, Flush, Interrupt, Message, Reconfigure
from voice_ui.session.stopwatch import Stopwatch
from voice_ui.session.tap import Tap
from voice_ui.state import PATIENCE, Input, State, after

EVENTS_KEPT = 1000
"""Events a page may be behind; the connection is not read any further until it catches up."""

_log = logging.getLogger("voice_ui.session")


class RealtimeSession:
    """The session of one conversation, over as many connections as it takes."""

    def __init__(
        self, target: Target, limits: Limits | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.target = target
        """Another one applies to the next Start."""
        self.conversation = Conversation()
        self.state = State.IDLE
        self.bill = Bill(limits.max_cost if limits else None)
        self.unknown_events: Counter[str] = Counter()
        """Events of the server that were no use, by type or by what was wrong with them."""
        self.tap: Tap | None = None
        """Sees every event of both directions, while there is one."""
        self._clock = clock
        self._open_time = Stopwatch(clock)
        self._events: asyncio.Queue[SessionEvent] = asyncio.Queue(EVENTS_KEPT)
        self._task: asyncio.Task[None] | None = None
        self._limits = limits or Limits()
        self._patience, self._time_limit = Alarm(), Alarm()
        self._ids = (f"voice_ui_{number}" for number in count(1))
        self._take_line()

    def _take_line(self) -> None:
        """Have a new one for each press of Start, and forget what belonged to the last."""
        self._line = Line(self, self.target, self._ids, self._clock)
        self._intake = Intake(self._line.outbox, self._clock, self._report_dropped)
        self._attention = Attention()

    # What a page calls.

    @property
    def open_seconds(self) -> float:
        """For how long, over all presses of Start, a connection was open or wanted."""
        return self._open_time.seconds

    def start(self) -> None:
        """Begin to listen; opens a connection unless the last one still finishes a reply."""
        if self._is_spent():
            return
        if minutes := self._limits.max_minutes:
            self._time_limit.set(minutes * 60, partial(self.stop_for, "time-limit", minutes))
        if self.state.at_rest:
            self._open()
        else:
            self._line.resume()
            self.step(Input.START)

    def stop(self) -> None:
        """Stop listening; what was said up to now is still answered, and the running reply finishes."""
        if not self.state.capturing:
            return
        self.end_turn()
        self._finish()

    def begin_turn(self) -> None:
        """The speaker begins, and says so by hand; a reply that is being written is cut short."""
        if self.state.capturing:
            self.interrupt()
            self.step(Input.SPEECH_STARTED)

    def end_turn(self) -> None:
        """The speaker has finished; the reply is asked for at once where the server leaves that to us.

        Where it detects turns it must not be told (a commit of a buffer it took already is an error), but it can be
        shown: with silence behind it, speech ends.
        """
        if not self.state.capturing:
            return
        self._intake.finish()
        if self._line.config.turn_detection != "none":
            self._intake.add_silence(self._line.config.silence_ms + 500)
        elif self._intake.holds_a_turn:
            self._line.outbox.put(Commit())
        else:
            self.step(Input.NOTHING_SAID)
        self._intake.begin_turn()

    def send_text(self, text: str) -> None:
        """Say something in writing; a reply that is being written is cut short. Works without Start, too."""
        if self._is_spent():
            return
        item = self.conversation.write(next(self._ids), text)
        self.say(ItemChanged(replace(item)))
        begins = self.state.at_rest
        if begins:
            self._open()
        self._line.outbox.put(Message(item.id, text))
        if begins:
            self._finish()

    def interrupt(self) -> None:
        """Cut a reply short."""
        if self.state.replying:
            self._line.outbox.put(Interrupt())

    def reconfigure(self, target: Target) -> bool:
        """Go on in another way, and return True; False if nothing is open: then it applies to the next Start.

        Another server or model always does.
        """
        self.target = target
        if self.state.at_rest or target.config == self._line.config:
            return False
        self._line.config = target.config
        self._line.outbox.put(Reconfigure(target.config))
        self._intake.begin_turn()
        self.step(Input.NOTHING_SAID)
        return True

    def stop_for(self, code: str, minutes: float | None = None) -> None:
        """Stop because of a limit, of so many minutes if it is one of time."""
        if self.state.capturing:
            self.report(Problem(code, facts={} if minutes is None else {"minutes": f"{minutes:g}"}))
            self.stop()

    def dismiss(self) -> None:
        """Leave the error state; the person has read it."""
        self.step(Input.DISMISSED)

    def abort(self) -> None:
        """End the connection because of a problem that lies elsewhere, and is told elsewhere: no microphone, say."""
        self._hang_up()
        self.step(Input.FAILED)

    def append_audio(self, pcm: bytes, rate: int = audio.SAMPLE_RATE) -> None:
        """Take in mono 16-bit PCM at `rate` hertz; ignored unless capturing. Never waits."""
        if not self.state.capturing:
            return
        peak = self._intake.take(pcm, rate)
        awaits_a_word = self.state is State.LISTENING and self._line.config.turn_detection != "none"
        if awaits_a_word and self._attention.is_missing_after(audio.milliseconds(pcm, rate), peak):
            seconds = f"{SILENT_SERVER_SECONDS:.0f}"
            self.report(Problem("server-silent", facts={"seconds": seconds, **self._line.facts}))

    async def close(self) -> None:
        """Let go of everything; it could be started again."""
        task = self._task
        self._hang_up()
        self.step(Input.CLOSED)
        if task:
            await asyncio.gather(task, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Yield what happens, for ever; one reader."""
        while True:
            yield await self._events.get()

    async def _run(self, line: Line, before: asyncio.Task[None] | None) -> None:
        """Hold the line until nothing more is wanted of it."""
        if before:
            await asyncio.wait((before,))  # its connection is still being closed
        start = self._clock()
        _log.info("session begins: %s %s", line.facts["server"], line.facts["model"])
        try:
            await line.hold()
        except SessionError as error:
            _log.warning("session failed: %s", error)
            self.report(error.problem, self.tap and self.tap.error)
            self.step(Input.FAILED)
        except Exception as error:
            _log.exception("session ended by a mistake of ours")
            self.report(Problem("program-error", type(error).__name__))
            self.step(Input.FAILED)
        finally:
            cost = f", ${self.bill.cost:.4f}" if self.bill.cost else ""
            _log.info("session ends after %.0f s: %d tokens%s", self._clock() - start, self.bill.usage.total, cost)

    # What the line tells.

    def step(self, event: Input) -> None:
        """Change the state as this wants it."""
        self._attention.paid()
        before, self.state = self.state, after(self.state, event)
        if self.state == before:
            return
        self._open_time.run(not self.state.at_rest)
        self._wait_patiently()
        if self.state.at_rest:
            self._line.end()
        if not self.state.capturing:
            self._time_limit.stop()
        self._line.renew_when_quiet()
        self.say(StateChanged(self.state))

    def report(self, problem: Problem, number: int | None = None) -> None:
        """Tell of a problem, and of the event that caused it by its number at the tap."""
        _log.info("problem: %s", problem.code)
        self.say(ProblemRaised(problem, number))

    def say(self, event: SessionEvent) -> None:
        """Tell the page."""
        with suppress(asyncio.QueueFull):  # nobody has read for a thousand events: nobody is there
            self._events.put_nowait(event)

    async def handle(self, event: ServerEvent) -> None:
        """Take in what the server says."""
        assert (connection := self._line.connection)
        turns = connection.turns
        match event:
            case server.Unknown(type=what) | server.Malformed(reason=what):
                self.unknown_events[what[:80]] += 1
        self._tell_problem(event, connection)
        untimed = Stage.FIRST_TEXT not in turns.timer.moments
        if step := turns.apply(event, self._clock()):
            if step is Input.TEXT:
                if untimed and turns.timer.first_text_ms is not None:
                    self.say(TurnTimed(turns.timer, connection.round_trip_ms))
                self._wait_patiently()  # for the next word
            elif isinstance(event, server.ResponseDone):
                connection.owed = None
                self._log_turn(event.status, turns.timer)
            self.step(step)
        if isinstance(event, server.ResponseDone) and event.usage:
            self._count(event.usage)
        for item in self.conversation.apply(event):
            await self._events.put(ItemChanged(replace(item)))

    def _count(self, told: dict[str, Any]) -> None:
        self.bill.add(told, self.target.prices)
        self.say(UsageCounted(self.bill.usage, self.bill.cost))
        if self.state.capturing and (problem := self.bill.problem):
            self.report(problem)
            self.stop()

    def _tell_problem(self, event: ServerEvent, connection: Connection) -> None:
        problem = problem_of(event, self._line.facts)
        if isinstance(event, server.ErrorEvent) and (refused := connection.refusal(event)):
            problem, self._line.config = refused, connection.config
        if problem and not (problem.code == "response-cancelled" and connection.interrupted):
            self.report(problem, self.tap and self.tap.received)

    def handle_sent(self, entry: Entry) -> None:
        """Something that was put into the outbox is on its way."""
        match entry:
            case Flush():
                self._wait_patiently()
            case Message():
                self.step(Input.TURN_ENDED)

    # Inside.

    def _open(self) -> None:
        """Begin a connection, after the end of the one before."""
        self._take_line()
        self.step(Input.START)
        before = self._task if self._task and not self._task.done() else None
        self._task = asyncio.create_task(self._run(self._line, before), name="realtime session")

    def _finish(self) -> None:
        """Listen no more; what waits is sent, and answered."""
        self._line.finish()
        self.step(Input.STOP)

    def _is_spent(self) -> bool:
        """Whether all that may be spent is spent; if so, it is told."""
        if problem := self.bill.problem:
            self.report(problem)
            self.abort()
        return problem is not None

    def _report_dropped(self, seconds: float) -> None:
        self.report(Problem("audio-dropped", facts={"seconds": f"{seconds:.1f}", **self._line.facts}))

    def _wait_patiently(self) -> None:
        """Arm the timer of the state; what comes after Stop has its time from when all was sent."""
        self._patience.stop()
        seconds = PATIENCE.get(self.state)
        if self.state is State.LISTENING and self._limits.idle_minutes:
            seconds = self._limits.idle_minutes * 60
        if seconds is None:
            return
        if self.state is State.SETTLING:
            if self._line.flushed_at is None:
                return
            seconds = max(0.0, self._line.flushed_at + seconds - self._clock())
        self._patience.set(seconds, partial(self._lose_patience, seconds))

    def _lose_patience(self, seconds: float) -> None:
        if self.state is State.LISTENING:
            self.stop_for("idle-limit", seconds / 60)
            return
        if self.state in {State.THINKING, State.THINKING_LAST}:
            if self._line.connection:
                self._line.connection.turns.give_up()
            self.report(Problem("response-missing", facts={"seconds": f"{seconds:.0f}", **self._line.facts}))
        elif self.state in {State.ANSWERING, State.ANSWERING_LAST}:
            self.report(Problem("response-incomplete", f"no word for {seconds:.0f} s", self._line.facts))
        self.step(Input.WAITED)

    def _hang_up(self) -> None:
        self._patience.stop()
        if self._task:
            self._task.cancel()
            self._task = None

    def _log_turn(self, status: str, timer: TurnTimer) -> None:
        """Times and codes, no words."""
        stages = {stage.value: timer.milliseconds(Stage.SPEECH_END, stage) for stage in Stage}
        told = ", ".join(f"{name} {ms:.0f} ms" for name, ms in stages.items() if ms)
        _log.info("turn %s: %s", status, told or "not timed")
