"""A timer that can be reset."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timer:
    """Calls a function once, later, unless it is reset or stopped first."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def set(self, seconds: float, on_elapsed: Callable[[], object]) -> None:
        """Call `on_elapsed` in this many seconds; replaces an earlier setting."""
        self.stop()
        self._handle = asyncio.get_running_loop().call_later(seconds, on_elapsed)

    def stop(self) -> None:
        """Cancel the timer."""
        if self._handle:
            self._handle.cancel()
            self._handle = None
