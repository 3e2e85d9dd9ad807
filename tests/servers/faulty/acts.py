"""What a fault does at the door instead of sending an event."""

from __future__ import annotations

import asyncio
from typing import Any

from voice_ui.offline.connection import Act


def close(code: int, reason: str) -> Act:
    """Close the connection."""

    async def act(door: Any) -> None:
        await door.close(code, reason)

    return act


async def abort(door: Any) -> None:
    """Drop the connection without a word."""
    door.abort()


async def freeze(door: Any) -> None:
    """Neither read nor write any more, and leave the connection open."""
    door.freeze()
    await asyncio.Event().wait()


def pause(seconds: float) -> Act:
    """Send what follows this much later."""

    async def act(door: Any) -> None:
        await asyncio.sleep(seconds)

    return act


def raw(message: str | bytes) -> Act:
    """Send what need not be an event; bytes as a binary frame."""

    async def act(door: Any) -> None:
        await (door.send_binary(message) if isinstance(message, bytes) else door.send(message))

    return act
