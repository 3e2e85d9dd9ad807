"""Slows down reading from a server that floods us, so that it cannot block the event loop."""

from __future__ import annotations

import asyncio

MESSAGES = 100
SECONDS = 0.05
"""A hundred messages in less than this are a flood; a fast reply sends about 200 a second, speech included."""


class Brake:
    """Slows a loop that handles messages down to 2,000 a second."""

    def __init__(self) -> None:
        self._count = 0
        self._wait = 0.0
        self._since = asyncio.get_running_loop().time()

    def is_flood(self) -> bool:
        """Count a message; return True if there were too many."""
        self._count += 1
        if self._count < MESSAGES:
            return False
        now = asyncio.get_running_loop().time()
        self._count, before, self._since = 0, self._since, now
        self._wait = SECONDS - (now - before)
        return self._wait > 0

    async def slow_down(self) -> None:
        """Sleep for the time the messages should have taken."""
        await asyncio.sleep(self._wait)
        self._since = asyncio.get_running_loop().time()
