"""How busy the event loop is, and how large the chunks of microphones should be for that.

Every chunk costs the same, however long it is. While there is room, chunks of 20 ms are worth it: a sample waits least.
Near a full core, the pages send longer ones, and everybody waits a little longer instead of much longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from voice_ui.mic.controls import CHUNK_MS

LOOK_SECONDS = 0.5

FULL = 0.8
"""Busy for this share of the time, the loop is nearly full: what comes in bursts already waits."""

ROOM = 0.65
"""Chunks get as short as they can without keeping the loop busy for more than this: as if it did nothing but chunks."""

LATE_SECONDS = 0.05
"""What is due waits for this long: the core is full, or is taken by another program."""

WORTH_IT = 0.25
"""A loop that is late and less busy than this is kept waiting by other programs: longer chunks would change nothing."""

LOOKS_LATE = 3
"""In a row: one may be a GC pass, or somebody else's moment."""

LOOKS_QUIET = 6
"""In a row before chunks get shorter again: three seconds."""


class Gauge:
    """Turns how busy the loop was into the length of chunks. Pure."""

    def __init__(self) -> None:
        self.chunk_ms = CHUNK_MS[0]
        self._late = self._quiet = 0

    def look(self, busy: float, late_seconds: float) -> int:
        """Take in the share of the time in which the loop ran, and how late it was; return the milliseconds."""
        place = CHUNK_MS.index(self.chunk_ms)
        fitting = next((ms for ms in CHUNK_MS[:place] if busy * self.chunk_ms / ms < ROOM), self.chunk_ms)
        self._late = self._late + 1 if late_seconds > LATE_SECONDS and busy > WORTH_IT else 0
        self._quiet = self._quiet + 1 if not self._late and fitting < self.chunk_ms else 0
        if (busy > FULL or self._late >= LOOKS_LATE) and place + 1 < len(CHUNK_MS):
            self._late = 0
            self.chunk_ms = CHUNK_MS[place + 1]
        elif self._quiet >= LOOKS_QUIET:
            self._quiet = 0
            self.chunk_ms = fitting
        return self.chunk_ms


class Load:
    """Looks at the running event loop twice a second, from `begin` to `end`."""

    def __init__(self, on_change: Callable[[int], object]) -> None:
        """`on_change` gets the milliseconds of a chunk when they change."""
        self.chunk_ms = CHUNK_MS[0]
        """How long chunks should be now."""
        self.busy = 0.0
        """The share of a core that the loop's thread used, when it was last looked at."""
        self.late_seconds = 0.0
        """How late the last look was."""
        self._on_change = on_change
        self._gauge = Gauge()
        self._timer: asyncio.TimerHandle | None = None
        self._looked = self._used = 0.0

    def begin(self) -> None:
        """Look from now on."""
        if self._timer is None:
            self._schedule()

    def end(self) -> None:
        """Look no more; whoever comes next begins with short chunks."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._gauge, self.chunk_ms, self.busy, self.late_seconds = Gauge(), CHUNK_MS[0], 0.0, 0.0

    @property
    def words(self) -> str:
        """In words, for developers."""
        return f"chunks {self.chunk_ms} ms · core {round(self.busy, 1):.0%}"

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._looked, self._used = loop.time(), time.thread_time()
        self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        seconds = asyncio.get_running_loop().time() - self._looked
        self.busy = (time.thread_time() - self._used) / seconds
        self.late_seconds = seconds - LOOK_SECONDS
        self._schedule()
        if (chunk_ms := self._gauge.look(self.busy, self.late_seconds)) != self.chunk_ms:
            self.chunk_ms = chunk_ms
            self._on_change(chunk_ms)
