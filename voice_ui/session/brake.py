"""Keeps a connection from blocking the event loop: by a flood of messages, or by much that is sent or read at once."""

from __future__ import annotations

import asyncio

BURST = 10
"""So much is read or sent before others get the event loop, where nothing has to be waited for because all of it has
come already. It takes 1 ms, up to 5 where a transcript has become very long. Each loop counts for itself: a call to do
so would be one more for each chunk and each delta."""

MESSAGES = 100
SECONDS = 0.05
"""A hundred messages in less than this are a flood; a fast reply sends about 200 a second, speech included."""


class Brake:
    """Slows a loop that handles messages down to 2,000 a second; it pauses after each `BURST` of them."""

    def __init__(self) -> None:
        self._count = 0
        self._since = asyncio.get_running_loop().time()

    async def pause(self) -> None:
        """Let others have the event loop, after a flood for the time that its messages should have taken."""
        self._count += BURST
        if self._count < MESSAGES:
            await asyncio.sleep(0)
            return
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._since + SECONDS - clock()))
        self._count, self._since = 0, clock()
