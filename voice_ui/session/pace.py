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
        self._since = asyncio.get_running_loop().time()

    async def keep(self) -> None:
        """Count a message; wait where there were too many."""
        self._count += 1
        if self._count < MESSAGES:
            return
        now = asyncio.get_running_loop().time()
        self._count, before, self._since = 0, self._since, now
        if now - before < SECONDS:
            await asyncio.sleep(SECONDS - (now - before))
            self._since = asyncio.get_running_loop().time()
