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
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from voice_ui import audio
from voice_ui.conversation import Conversation
from voice_ui.diagnosis import problem_of
from voice_ui.errors import ConnectionFailed, Problem, SessionError
from voice_ui.latency import Stage, TurnTimer
from voice_ui.models import Prices
from voice_ui.protocol import Dialect, ServerEvent, SessionConfig, server
from voice_ui.session.alarm import Alarm
from voice_ui.session.attention import QUIET_PEAK, SILENT_SERVER_SECONDS, Attention
from voice_ui.session.backoff import Backoff
from voice_ui.session.connection import Connection
from voice_ui.session.events import (
    ItemChanged,
    ItemForgotten,
    ProblemRaised,
    SessionEvent,
    StateChanged,
    TurnTimed,
    UsageCounted,
)
from voice_ui.session.limits import Bill, Limits
from voice_ui.session.outbox import Commit, Entry, Flush, Interrupt, Message, Outbox, Reconfigure, Sound
from voice_ui.session.tap import Tap, tapped
from voice_ui.session.turns import OpenTurn
from voice_ui.state import PATIENCE, Input, State, after
from voice_ui.transport import Transport

RECOVER_SECONDS = 60.0
"""How long a lost connection is tried for again: as long as the outbox keeps what is said meanwhile."""

LAST_WORDS_SECONDS = 20.0
"""How long after Stop a lost connection is tried for again, for the words that are not answered yet."""

STABLE_SECONDS = 30.0
"""A connection that held so long ends an outage; one that breaks sooner is part of it, or a reply could be asked for,
and paid, again and again."""

RENEW_MARGIN = 0.1
"""The share of a session's life before its end in which a quiet moment is used to begin a new one: at OpenAI and
Azure 6 of 60 minutes (protocol facts, section 3)."""

LEAST_COMMIT_MS = 100.0
"""Servers refuse to take a turn with less sound (protocol facts, section 5)."""

EVENTS_KEPT = 1000
"""Events a page may be behind; the connection is not read any further until it catches up."""

_log = logging.getLogger("voice_ui.session")


Connect = Callable[[], AbstractAsyncContextManager[Transport]]


@dataclass(frozen=True)
class Target:
    """Which server to talk to, and what to ask of it."""

    connect: Connect
    config: SessionConfig
    server: str = "the server"
    model: str = "the model"
    dialect: Dialect | None = None
    """None: as the server turns out to speak."""
    prices: Prices | None = None
    """None: not known, or nothing."""


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
        self._events: asyncio.Queue[SessionEvent] = asyncio.Queue(EVENTS_KEPT)
        self._task: asyncio.Task[None] | None = None
        self._limits = limits or Limits()
        self._patience, self._time_limit, self._renewal = Alarm(), Alarm(), Alarm()
        self._ids = (f"voice_ui_{number}" for number in count(1))
        self._begin()

    def _begin(self) -> None:
        """Reset what belongs to one press of Start."""
        self._connect, self._config = self.target.connect, self.target.config
        self._facts = {"server": self.target.server, "model": self.target.model}
        self._outbox = Outbox()
        self._resampler: tuple[int, audio.Resampler] | None = None
        self._flush: Flush | None = None  # put into the outbox by the last Stop
        self._flushed_at: float | None = None  # when all that was said before it had been sent
        self._leave = asyncio.Event()  # the connection: it is no longer wanted, or a new one is
        self._backoff = Backoff()
        self._connection: Connection | None = None  # the last one that was configured
        self._owed: OpenTurn | None = None  # a turn whose reply the next connection must ask for
        self._stopped_at = 0.0
        self._was_stable = False  # the last connection held for a while
        self._renewal_due = False
        self._attention = Attention()
        self._uncommitted_ms = 0.0  # sound since the last turn

    # What a page calls.

    def start(self) -> None:
        """Begin to listen; opens a connection unless the last one still finishes a reply."""
        if self._is_spent():
            return
        if minutes := self._limits.max_minutes:
            self._time_limit.set(minutes * 60, partial(self.stop_for, "time-limit", minutes))
        if self.state.at_rest:
            self._open()
        else:
            self._flush = None
            self._step(Input.START)

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
            self._step(Input.SPEECH_STARTED)

    def end_turn(self) -> None:
        """The speaker has finished; the reply is asked for at once where the server leaves that to us.

        Where it detects turns it must not be told (a commit of a buffer it took already is an error), but it can be
        shown: with silence behind it, speech ends.
        """
        if not self.state.capturing:
            return
        if self._resampler:
            self._put_audio(self._resampler[1].process(b"", last=True))
            self._resampler = None
        if self._config.turn_detection != "none":
            self._put_audio(audio.silence(self._config.silence_ms + 500), quiet=True)
        elif self._uncommitted_ms >= LEAST_COMMIT_MS:
            self._outbox.put(Commit())
        else:
            self._step(Input.NOTHING_SAID)
        self._uncommitted_ms = 0.0

    def send_text(self, text: str) -> None:
        """Say something in writing; a reply that is being written is cut short. Works without Start, too."""
        if self._is_spent():
            return
        item = self.conversation.write(next(self._ids), text)
        self._say(ItemChanged(replace(item)))
        begins = self.state.at_rest
        if begins:
            self._open()
        self._outbox.put(Message(item.id, text))
        if begins:
            self._finish()

    def interrupt(self) -> None:
        """Cut a reply short."""
        if self.state.replying:
            self._outbox.put(Interrupt())

    def reconfigure(self, target: Target) -> bool:
        """Go on in another way, and return True; False if nothing is open: then it applies to the next Start.

        Another server or model always does.
        """
        self.target = target
        if self.state.at_rest or target.config == self._config:
            return False
        self._config = target.config
        self._outbox.put(Reconfigure(target.config))
        self._step(Input.NOTHING_SAID)
        return True

    def stop_for(self, code: str, minutes: float) -> None:
        """Stop because of a limit of so many minutes."""
        if self.state.capturing:
            self._report(Problem(code, facts={"minutes": f"{minutes:g}"}))
            self.stop()

    def dismiss(self) -> None:
        """Leave the error state; the person has read it."""
        self._step(Input.DISMISSED)

    def abort(self) -> None:
        """End the connection because of a problem that lies elsewhere, and is told elsewhere: no microphone, say."""
        self._hang_up()
        self._step(Input.FAILED)

    def append_audio(self, pcm: bytes, rate: int = audio.SAMPLE_RATE) -> None:
        """Take in mono 16-bit PCM at `rate` hertz; ignored unless capturing. Never waits."""
        if not self.state.capturing:
            return
        if rate != audio.SAMPLE_RATE:
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, audio.Resampler(rate))
            pcm = self._resampler[1].process(pcm)
        peak = audio.peak(pcm)
        self._put_audio(pcm, quiet=peak < QUIET_PEAK)
        awaits_a_word = self.state is State.LISTENING and self._config.turn_detection != "none"
        if awaits_a_word and self._attention.is_missing_after(audio.milliseconds(pcm), peak):
            seconds = f"{SILENT_SERVER_SECONDS:.0f}"
            self._report(Problem("server-silent", facts={"seconds": seconds, **self._facts}))

    async def close(self) -> None:
        """Let go of everything; it could be started again."""
        task = self._task
        self._hang_up()
        self._step(Input.CLOSED)
        if task:
            await asyncio.gather(task, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Yield what happens, for ever; one reader."""
        while True:
            yield await self._events.get()

    # The connection.

    async def _run(self, before: asyncio.Task[None] | None) -> None:
        """Hold connections, one after the other, until none is wanted any more."""
        if before:
            await asyncio.wait((before,))  # its connection is still being closed
        start = self._clock()
        _log.info("session begins: %s %s", self._facts["server"], self._facts["model"])
        try:
            while self._wanted():
                try:
                    await self._hold_connection()
                except ConnectionFailed as error:
                    if not self._worth_another_try(error.problem):
                        raise
                    await self._wait_before_reconnecting(error.problem)
                if self._wanted():
                    self._rewind()
        except SessionError as error:
            _log.warning("session failed: %s", error)
            self._report(error.problem, self.tap and self.tap.error)
            self._step(Input.FAILED)
        except Exception as error:
            _log.exception("session ended by a mistake of ours")
            self._report(Problem("program-error", type(error).__name__))
            self._step(Input.FAILED)
        finally:
            cost = f", ${self.bill.cost:.4f}" if self.bill.cost else ""
            _log.info("session ends after %.0f s: %d tokens%s", self._clock() - start, self.bill.usage.total, cost)

    def _wanted(self) -> bool:
        """Whether this run is still to hold a connection: it may be over, and even followed by another."""
        return self._task is asyncio.current_task() and not self.state.at_rest

    async def _hold_connection(self) -> None:
        """Connect, and converse until the session is over or wants another connection; raises what ends it else."""
        async with tapped(self._connect(), self) as transport:
            connection = Connection(transport, self._config, self.target.dialect, self._ids, self._facts)
            await connection.configure()
            await connection.seed(self.conversation.known, self._owed)
            self._connection = connection
            configured_at = self._clock()
            self._leave.clear()
            self._step(Input.CONFIGURED)
            if self._owed:
                self._step(connection.turns.await_response())
                self._owed = None
            if connection.differs:
                differs = Problem("config-differs", facts={"param": connection.differs, **self._facts})
                self._report(differs, self.tap and self.tap.received)
            self._schedule_renewal(connection.expires_in)
            try:
                await connection.converse(self._outbox, self._handle, self._handle_sent, self._leave)
            finally:
                self._renewal.stop()
                self._was_stable = self._clock() - configured_at >= STABLE_SECONDS
                if self._was_stable:
                    self._backoff = Backoff()

    # Recovery.

    def _worth_another_try(self, problem: Problem) -> bool:
        """A connection that never was is reported at once; one that was is worth trying for, unless it was refused."""
        held_before = self.state not in {State.CONNECTING, State.CONNECTING_LAST}
        after_stop = 0.0 if self.state.capturing else self._clock() - self._stopped_at
        in_time = self._backoff.waited < RECOVER_SECONDS and after_stop < LAST_WORDS_SECONDS
        return held_before and problem.entry.retry and in_time

    async def _wait_before_reconnecting(self, problem: Problem) -> None:
        self._leave.clear()
        for item in self.conversation.break_off():
            await self._events.put(ItemChanged(replace(item)))
        expired = problem.code == "session-expired" and self._was_stable
        delay = 0.0 if expired else self._backoff.next_delay()
        _log.warning("connection lost (%s), attempt %d in %.1f s", problem.code, self._backoff.attempt, delay)
        self._step(Input.LOST)
        self._say(StateChanged(self.state, self._backoff.attempt))
        if self._backoff.attempt > 1:  # a short break is not worth an alarm
            self._report(replace(problem, recovering=True), self.tap and self.tap.error)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leave.wait(), delay)

    def _rewind(self) -> None:
        """Take back what the last connection was given and did not answer, for the next one."""
        if self._connection is None:
            return
        turns, tape, owed = self._connection.turns, self._connection.tape, self._connection.owed
        place = self._connection.unanswered_ms
        self._connection = None
        if turns.open and any(item.id == turns.open.item_id for item in self.conversation.known):
            place, owed = turns.open.end_ms, turns.open  # it is known in writing, so nobody need say it again
        elif turns.open:
            self._say(ItemForgotten(turns.open.item_id))
            self.conversation.forget(turns.open.item_id)
        self._owed = owed
        unanswered, lost_ms = tape.since(place)
        self._outbox.put_first(unanswered)
        if self._flush:
            self._flush, self._flushed_at = Flush(), None
            self._outbox.put(self._flush)
        if lost_ms:
            self._report(Problem("audio-lost", facts={"seconds": f"{lost_ms / 1000:.1f}", **self._facts}))

    def _schedule_renewal(self, expires_in: float | None) -> None:
        """See that a new session begins in a quiet moment before this one expires."""
        self._renewal_due = False
        if expires_in is not None:
            self._renewal.set(expires_in * (1 - RENEW_MARGIN), partial(self._renew_when_quiet, True))

    def _renew_when_quiet(self, due: bool = False) -> None:
        self._renewal_due = self._renewal_due or due
        if self._renewal_due and self.state is State.LISTENING:
            _log.info("session renewed before it expires")
            self._leave.set()

    # What the server says.

    async def _handle(self, event: ServerEvent) -> None:
        assert self._connection is not None
        turns = self._connection.turns
        match event:
            case server.Unknown(type=what) | server.Malformed(reason=what):
                self.unknown_events[what[:80]] += 1
        self._tell_problem(event, self._connection)
        untimed = Stage.FIRST_TEXT not in turns.timer.moments
        if step := turns.apply(event, self._clock()):
            if step is Input.TEXT:
                if untimed and turns.timer.first_text_ms is not None:
                    self._say(TurnTimed(turns.timer, self._connection.round_trip_ms))
                self._wait_patiently()  # for the next word
            elif isinstance(event, server.ResponseDone):
                self._connection.owed = None
                self._log_turn(event.status, turns.timer)
            self._step(step)
        if isinstance(event, server.ResponseDone) and event.usage:
            self._count(event.usage)
        for item in self.conversation.apply(event):
            await self._events.put(ItemChanged(replace(item)))

    def _count(self, told: dict[str, Any]) -> None:
        self.bill.add(told, self.target.prices)
        self._say(UsageCounted(self.bill.usage, self.bill.cost))
        if self.state.capturing and (problem := self.bill.problem):
            self._report(problem)
            self.stop()

    def _tell_problem(self, event: ServerEvent, connection: Connection) -> None:
        problem = problem_of(event, self._facts)
        if isinstance(event, server.ErrorEvent) and (refused := connection.refusal(event)):
            problem, self._config = refused, connection.config
        if problem and not (problem.code == "response-cancelled" and connection.interrupted):
            self._report(problem, self.tap and self.tap.received)

    def _handle_sent(self, entry: Entry) -> None:
        match entry:
            case Flush() if entry is self._flush:
                self._flushed_at = self._clock()
                self._wait_patiently()
            case Message():
                self._step(Input.TURN_ENDED)

    # Inside.

    def _open(self) -> None:
        """Begin a connection, after the end of the one before."""
        self._begin()
        self._step(Input.START)
        before = self._task if self._task and not self._task.done() else None
        self._task = asyncio.create_task(self._run(before), name="realtime session")

    def _finish(self) -> None:
        """Listen no more; what waits is sent, and answered."""
        self._flush, self._flushed_at = Flush(), None
        self._outbox.put(self._flush)
        self._stopped_at = self._clock()
        self._step(Input.STOP)

    def _is_spent(self) -> bool:
        """Whether all that may be spent is spent; if so, it is told."""
        if problem := self.bill.problem:
            self._report(problem)
            self.abort()
        return problem is not None

    def _put_audio(self, pcm: bytes, *, quiet: bool = False) -> None:
        self._uncommitted_ms += audio.milliseconds(pcm)
        lost_before = self._outbox.dropped_ms
        self._outbox.put(Sound(pcm, self._clock(), quiet))
        if self._outbox.dropped_ms > lost_before:
            seconds = f"{self._outbox.dropped_ms / 1000:.1f}"
            self._report(Problem("audio-dropped", facts={"seconds": seconds, **self._facts}))

    def _step(self, event: Input) -> None:
        self._attention.paid()
        before, self.state = self.state, after(self.state, event)
        if self.state == before:
            return
        self._wait_patiently()
        if self.state is State.IDLE:
            self._leave.set()
        if not self.state.capturing:
            self._time_limit.stop()
        self._renew_when_quiet()
        self._say(StateChanged(self.state))

    def _wait_patiently(self) -> None:
        """Arm the timer of the state; what comes after Stop has its time from when all was sent."""
        self._patience.stop()
        seconds = PATIENCE.get(self.state)
        if self.state is State.LISTENING and self._limits.idle_minutes:
            seconds = self._limits.idle_minutes * 60
        if seconds is None:
            return
        if self.state is State.SETTLING:
            if self._flushed_at is None:
                return
            seconds = max(0.0, self._flushed_at + seconds - self._clock())
        self._patience.set(seconds, partial(self._lose_patience, seconds))

    def _lose_patience(self, seconds: float) -> None:
        if self.state is State.LISTENING:
            self.stop_for("idle-limit", seconds / 60)
            return
        if self.state in {State.THINKING, State.THINKING_LAST}:
            if self._connection:
                self._connection.turns.give_up()
            self._report(Problem("response-missing", facts={"seconds": f"{seconds:.0f}", **self._facts}))
        elif self.state in {State.ANSWERING, State.ANSWERING_LAST}:
            self._report(Problem("response-incomplete", f"no word for {seconds:.0f} s", self._facts))
        self._step(Input.WAITED)

    def _hang_up(self) -> None:
        self._patience.stop()
        if self._task:
            self._task.cancel()
            self._task = None

    def _report(self, problem: Problem, number: int | None = None) -> None:
        _log.info("problem: %s", problem.code)
        self._say(ProblemRaised(problem, number))

    def _say(self, event: SessionEvent) -> None:
        with suppress(asyncio.QueueFull):  # nobody has read for a thousand events: nobody is there
            self._events.put_nowait(event)

    def _log_turn(self, status: str, timer: TurnTimer) -> None:
        """Times and codes, no words."""
        stages = {stage.value: timer.milliseconds(Stage.SPEECH_END, stage) for stage in Stage}
        told = ", ".join(f"{name} {ms:.0f} ms" for name, ms in stages.items() if ms)
        _log.info("turn %s: %s", status, told or "not timed")
