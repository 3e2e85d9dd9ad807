"""A server that floods us must not take the event loop from everybody else."""

from __future__ import annotations

import asyncio

MESSAGES = 100
SECONDS = 0.05
"""A hundred messages in less than this are a flood; a fast reply sends about 200 a second, speech included."""


class Pace:
    """Slows a loop that handles messages down to 2,000 a second."""

    def __init__(self) -> None:
        self._count = 0
        self._wait = 0.0
        self._since = asyncio.get_running_loop().time()

    def is_flood(self) -> bool:
        """Count a message; True if there were too many, and it is time to slow down."""
        self._count += 1
        if self._count < MESSAGES:
            return False
        now = asyncio.get_running_loop().time()
        self._count, before, self._since = 0, self._since, now
        self._wait = SECONDS - (now - before)
        return self._wait > 0

    async def slow_down(self) -> None:
        """Let the time pass that the messages should have taken."""
        await asyncio.sleep(self._wait)
        self._since = asyncio.get_running_loop().time()
