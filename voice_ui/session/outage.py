"""An outage: when it began, when to give up, and how long to wait between attempts to reconnect."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voice_ui.errors import SessionError

OUTAGE_SECONDS = 60.0
"""How long to try to reconnect after a connection is lost. Speech in this time is kept."""

LAST_WORDS_SECONDS = 20.0
"""The same after Stop, counted from Stop, while something is still unanswered."""

STABLE_SECONDS = 30.0
"""A connection that held for this long ends the outage; one that breaks sooner is part of it."""

FIRST_DELAY, FACTOR, LONGEST_DELAY = 0.25, 2.0, 4.0
"""Seconds between attempts."""

JITTER = 0.3
"""Each delay varies by up to this share, so that many clients do not reconnect at the same moment."""


class Outage:
    """The time in which a session that was connected has no connection."""

    def __init__(self) -> None:
        self.attempt = 0
        """Attempts to reconnect, counted from 1; 0 while there is no outage."""
        self._deadline: float | None = None  # of the event loop's clock
        self._latest = 0.0  # the same, unless Stop is pressed
        self._running: asyncio.Timeout | None = None
        self._cause: SessionError | None = None
        self._connected_at: float | None = None  # of the connection that was made last, until it is lost

    @property
    def is_on(self) -> bool:
        """Whether a connection was lost, and none has held since."""
        return self._deadline is not None and not self._has_held

    @property
    def _has_held(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._connected_at is not None and now - self._connected_at >= STABLE_SECONDS

    def begin(self, cause: SessionError, *, stopped_at: float | None) -> bool:
        """A connection was lost, or could not be made again; return whether this is a new outage.

        `stopped_at` is when Stop was pressed, by the event loop's clock.
        """
        now = asyncio.get_running_loop().time()
        is_new = not self.is_on
        if is_new:
            self.attempt, self._deadline = 0, now + OUTAGE_SECONDS
            self._latest = self._deadline
        self._connected_at, self._cause = None, cause
        self.attempt += 1
        if stopped_at is not None:
            self.hasten(stopped_at)
        return is_new

    def hasten(self, stopped_at: float) -> None:
        """Stop was pressed: only what was said until then is worth waiting for."""
        self._reschedule(min(self._latest, stopped_at + LAST_WORDS_SECONDS))

    def take_time(self) -> None:
        """Start was pressed again."""
        self._reschedule(self._latest)

    def _reschedule(self, deadline: float) -> None:
        if self._deadline is not None:
            self._deadline = deadline
            if self._running and not self._running.expired():
                self._running.reschedule(deadline)

    def connected(self) -> None:
        """A connection was made and configured; the outage is over when it holds."""
        self._connected_at = asyncio.get_running_loop().time()

    def over(self) -> None:
        """The connection has proved itself: a turn was answered over it."""
        self.attempt, self._deadline = 0, None

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Limit the time for reconnecting; raises the cause of the outage when the time is up."""
        if self._has_held:
            self.over()
        try:
            async with asyncio.timeout_at(self._deadline) as self._running:
                yield
        except TimeoutError as error:
            if self._running and self._running.expired() and self._cause:
                raise self._cause from error
            raise
        finally:
            self._running = None

    async def wait(self, *, at_once: bool = False) -> None:
        """Wait before the next attempt, longer each time, with jitter."""
        delay = min(LONGEST_DELAY, FIRST_DELAY * FACTOR ** (self.attempt - 1)) * random.uniform(1 - JITTER, 1 + JITTER)
        await asyncio.sleep(0 if at_once else delay)
