"""What a fault does at the channel instead of sending an event."""

from __future__ import annotations

import asyncio
from typing import Any

from voice_ui.offline.connection import Act


def close(code: int, reason: str) -> Act:
    """Close the connection."""

    async def act(channel: Any) -> None:
        await channel.close(code, reason)

    return act


async def abort(channel: Any) -> None:
    """Drop the connection without a word."""
    channel.abort()


async def freeze(channel: Any) -> None:
    """Neither read nor write any more, and leave the connection open."""
    channel.freeze()
    await asyncio.Event().wait()


def pause(seconds: float) -> Act:
    """Send what follows this much later."""

    async def act(channel: Any) -> None:
        await asyncio.sleep(seconds)

    return act


def raw(message: str | bytes) -> Act:
    """Send what need not be an event; bytes as a binary frame."""

    async def act(channel: Any) -> None:
        await (channel.send_binary(message) if isinstance(message, bytes) else channel.send(message))

    return act
