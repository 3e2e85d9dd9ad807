"""One timer that can be set anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls something once, later, unless it is set anew or stopped before."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def set(self, seconds: float, ring: Callable[[], object]) -> None:
        """Ring in so many seconds; what it was set to before is forgotten."""
        self.stop()
        self._handle = asyncio.get_running_loop().call_later(seconds, ring)

    def stop(self) -> None:
        """Do not ring."""
        if self._handle:
            self._handle.cancel()
            self._handle = None
