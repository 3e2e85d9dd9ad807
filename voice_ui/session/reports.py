"""The queue of a session's events, for one reader."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator

from voice_ui.errors import Problem
from voice_ui.session.brake import BURST
from voice_ui.session.events import ProblemRaised, ProblemSolved, SessionEvent
from voice_ui.session.tracer import Tracer

EVENTS_KEPT = 1000
"""How many events may wait. Beyond that, the connection is not read until the reader catches up; the calls of the user
may add as many again."""

_log = logging.getLogger("voice_ui.session")


class Reports(AsyncIterator[SessionEvent]):
    """A bounded queue of events."""

    def __init__(self) -> None:
        self.tracer: Tracer | None = None
        """Sees every event of both directions, while there is one."""
        self._events: deque[SessionEvent] = deque()
        self._reader: asyncio.Future[None] | None = None  # waits for an event
        self._writer: asyncio.Future[None] | None = None  # waits for room
        self._raised: set[str] = set()
        self._read = 0

    @property
    def received(self) -> int | None:
        """The number of the message that was received last, in the trace."""
        return self.tracer.received if self.tracer else None

    @property
    def closing_error(self) -> int | None:
        """The number of the `error` event right before the end of a connection, in the trace."""
        return self.tracer.error if self.tracer else None

    def say(self, *events: SessionEvent) -> None:
        """Report without waiting; drops the event if nobody reads."""
        for event in events:
            if len(self._events) < 2 * EVENTS_KEPT:
                self._events.append(event)
        if self._reader and self._events and not self._reader.done():
            self._reader.set_result(None)

    async def room(self) -> None:
        """Wait until the reader has caught up; called before a server event is handled, so that no state is lost."""
        while len(self._events) >= EVENTS_KEPT:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    def raise_problem(self, problem: Problem, number: int | None = None) -> None:
        """Report a problem, and the event that caused it by its number in the trace."""
        _log.info("problem: %s", problem.code)
        self._raised.add(problem.code)
        self.say(ProblemRaised(problem, number))

    def stands(self, code: str) -> bool:
        """Whether a problem was raised and not solved."""
        return code in self._raised

    def solve(self, code: str) -> None:
        """Mark a problem as solved, if it was raised."""
        if code in self._raised:
            self._raised.remove(code)
            self.say(ProblemSolved(code))

    def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Yield events until cancelled."""
        return self

    async def __anext__(self) -> SessionEvent:
        """Return the next event, when there is one."""
        self._read += 1
        if self._read % BURST == 0:
            await asyncio.sleep(0)
        while not self._events:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        if self._writer and not self._writer.done():
            self._writer.set_result(None)
        return self._events.popleft()
