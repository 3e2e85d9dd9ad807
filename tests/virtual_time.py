"""Time that passes only when nothing else is left to do: a time-out of a minute costs a test no time at all.

The event loop serves its sockets as ever. When none of them is ready and no callback waits, the clock jumps to the
next timer. On loopback, bytes that were written can be read at once, so nothing is still on its way then.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P, T = ParamSpec("P"), TypeVar("T")

EPOCH = 1_800_000_000.0
"""Time of day at which virtual time begins."""


STUCK_SECONDS = 3.0
"""Real time after which open sockets on which nothing happens, and no timer, are taken for the end of all things."""


LEAST_STEP = 1e-7
"""Virtual seconds that each turn of the loop takes."""


class Stuck(Exception):
    """No timer is set and no socket says anything: nothing can happen any more."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += LEAST_STEP  # no clock stands still while something is done
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        # The loop's own pipe is always registered; more than it is somebody's socket.
        sockets = len(self.get_map()) > 1
        if sockets and (ready := super().select(0)):  # the kernel delivers on loopback within a send, or just after it
            return ready
        if timeout is not None:
            self.now += timeout
        elif not sockets or not (ready := super().select(STUCK_SECONDS)):
            raise Stuck("nothing can happen any more")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps over the time in which nothing happens."""

    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)
        # A timer is due when it is this near: without it, rounding would let the loop spin.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.now


@contextmanager
def clocks_of(loop: VirtualLoop) -> Iterator[None]:
    """Let `time.monotonic` and `time.time` follow the loop."""
    monotonic, of_day = time.monotonic, time.time
    time.monotonic = loop.time
    time.time = lambda: EPOCH + loop.time()
    try:
        yield
    finally:
        time.monotonic, time.time = monotonic, of_day


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    loop = VirtualLoop()
    with clocks_of(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Turn an asynchronous test into one that runs in virtual time."""

    @wraps(test)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return run(test(*args, **kwargs))

    return wrapper
