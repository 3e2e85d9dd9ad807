"""The line to the server: one connection after the other, from Start until nothing more is wanted of it.

What a connection that broke was given and did not answer, the next one is given again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from voice_ui.conversation import Conversation
from voice_ui.errors import ConnectionFailed, Problem
from voice_ui.models import Prices
from voice_ui.protocol import Dialect, ServerEvent, SessionConfig
from voice_ui.session.alarm import Alarm
from voice_ui.session.backoff import Backoff
from voice_ui.session.connection import Connection
from voice_ui.session.events import ItemChanged, ItemForgotten, SessionEvent, StateChanged
from voice_ui.session.outbox import Entry, Flush, Outbox
from voice_ui.session.tap import Tap, tapped
from voice_ui.session.turns import OpenTurn
from voice_ui.state import Input, State
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


class Host(Protocol):
    """Whose line it is: who knows what was said, and is told what happens."""

    state: State
    conversation: Conversation
    tap: Tap | None

    def step(self, event: Input) -> None: ...
    def say(self, event: SessionEvent) -> None: ...
    def report(self, problem: Problem, number: int | None = None) -> None: ...
    async def handle(self, event: ServerEvent) -> None: ...
    def handle_sent(self, entry: Entry) -> None: ...


class Line:
    """Holds connections; what is put into the outbox goes into the one there is, or the next."""

    def __init__(self, host: Host, target: Target, ids: Iterator[str], clock: Callable[[], float]) -> None:
        """`ids` are for the events that we send; `clock` returns seconds."""
        self.config = target.config
        """What is asked of a connection, or was confirmed by it."""
        self.facts = {"server": target.server, "model": target.model}
        """For the words of a problem."""
        self.outbox = Outbox()
        self.connection: Connection | None = None
        """The last one that was configured."""
        self.flushed_at: float | None = None
        """When all that was said before Stop had been sent."""
        self._host, self._target, self._ids, self._clock = host, target, ids, clock
        self._flush: Flush | None = None  # put into the outbox by the last Stop
        self._stopped_at = 0.0
        self._leave = asyncio.Event()  # the connection: it is no longer wanted, or a new one is
        self._over = False
        self._backoff = Backoff()
        self._was_stable = False  # the last connection held for a while
        self._owed: OpenTurn | None = None  # a turn whose reply the next connection must ask for
        self._renewal, self._renewal_due = Alarm(), False

    async def hold(self) -> None:
        """Hold connections until `end`; raises SessionError when one is lost and not worth another try."""
        while not self._over:
            try:
                await self._hold_connection()
            except ConnectionFailed as error:
                if not self._worth_another_try(error.problem):
                    raise
                await self._wait_before_reconnecting(error.problem)
            if not self._over:
                self._rewind()

    def finish(self) -> None:
        """Nothing more is going to be said; what waits is sent, and answered."""
        self._stopped_at = self._clock()
        self._put_flush()

    def resume(self) -> None:
        """More is going to be said after all."""
        self._flush = None

    def end(self) -> None:
        """No connection is wanted any more."""
        self._over = True
        self._leave.set()

    def renew_when_quiet(self, due: bool = False) -> None:
        """Begin a new session before this one expires, as soon as nobody speaks; `due` says it is time to."""
        self._renewal_due = self._renewal_due or due
        if self._renewal_due and self._host.state is State.LISTENING:
            _log.info("session renewed before it expires")
            self._leave.set()

    async def _hold_connection(self) -> None:
        """Connect, and converse until the session is over or wants another connection; raises what ends it else."""
        async with tapped(self._target.connect(), self._host) as transport:
            connection = Connection(transport, self.config, self._target.dialect, self._ids, self.facts)
            await connection.configure()
            await connection.seed(self._host.conversation.known, self._owed)
            self.connection = connection
            configured_at = self._clock()
            self._leave.clear()
            self._host.step(Input.CONFIGURED)
            if self._owed:
                self._host.step(connection.turns.await_response())
                self._owed = None
            if transport.problem:
                self._host.report(transport.problem)
            if connection.differs:
                differs = Problem("config-differs", facts={"param": connection.differs, **self.facts})
                self._host.report(differs, self._host.tap and self._host.tap.received)
            self._schedule_renewal(connection.expires_in)
            try:
                await connection.converse(self.outbox, self._host.handle, self._handle_sent, self._leave)
            finally:
                self._renewal.stop()
                self._was_stable = self._clock() - configured_at >= STABLE_SECONDS
                if self._was_stable:
                    self._backoff = Backoff()

    def _schedule_renewal(self, expires_in: float | None) -> None:
        self._renewal_due = False
        if expires_in is not None:
            self._renewal.set(expires_in * (1 - RENEW_MARGIN), partial(self.renew_when_quiet, True))

    def _handle_sent(self, entry: Entry) -> None:
        if entry is self._flush:
            self.flushed_at = self._clock()
        self._host.handle_sent(entry)

    def _put_flush(self) -> None:
        self._flush, self.flushed_at = Flush(), None
        self.outbox.put(self._flush)

    # Recovery.

    def _worth_another_try(self, problem: Problem) -> bool:
        """A connection that never was is reported at once; one that was is worth trying for, unless it was refused."""
        state = self._host.state
        held_before = state not in {State.CONNECTING, State.CONNECTING_LAST}
        after_stop = 0.0 if state.capturing else self._clock() - self._stopped_at
        in_time = self._backoff.waited < RECOVER_SECONDS and after_stop < LAST_WORDS_SECONDS
        return held_before and problem.retry and in_time

    async def _wait_before_reconnecting(self, problem: Problem) -> None:
        self._leave.clear()
        for item in self._host.conversation.break_off():
            self._host.say(ItemChanged(replace(item)))
        expired = problem.code == "session-expired" and self._was_stable
        delay = 0.0 if expired else self._backoff.next_delay()
        _log.warning("connection lost (%s), attempt %d in %.1f s", problem.code, self._backoff.attempt, delay)
        self._host.step(Input.LOST)
        self._host.say(StateChanged(self._host.state, self._backoff.attempt))
        if self._backoff.attempt > 1:  # a short break is not worth an alarm
            self._host.report(replace(problem, recovering=True), self._host.tap and self._host.tap.error)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leave.wait(), delay)

    def _rewind(self) -> None:
        """Take back what the last connection was given and did not answer, for the next one."""
        if self.connection is None:
            return
        turns, tape, owed = self.connection.turns, self.connection.tape, self.connection.owed
        place = self.connection.unanswered_ms
        self.connection = None
        conversation = self._host.conversation
        if turns.open and any(item.id == turns.open.item_id for item in conversation.known):
            place, owed = turns.open.end_ms, turns.open  # it is known in writing, so nobody need say it again
        elif turns.open:
            self._host.say(ItemForgotten(turns.open.item_id))
            conversation.forget(turns.open.item_id)
        self._owed = owed
        unanswered, lost_ms = tape.since(place)
        self.outbox.put_first(unanswered)
        if self._flush:
            self._put_flush()
        if lost_ms:
            self._host.report(Problem("audio-lost", facts={"seconds": f"{lost_ms / 1000:.1f}", **self.facts}))
