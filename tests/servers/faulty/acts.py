"""What a fault does to the websocket, or to a call, instead of sending an event."""

from __future__ import annotations

import asyncio
from typing import Any

from voice_ui.offline.connection import Act


def close(code: int, reason: str) -> Act:
    """Close the connection."""

    async def act(websocket: Any) -> None:
        await websocket.close(code, reason)

    return act


async def abort(websocket: Any) -> None:
    """Drop the connection without a word."""
    websocket.transport.abort()


async def freeze(websocket: Any) -> None:
    """Neither read nor write any more, and leave the connection open."""
    websocket.recv_messages.resume = lambda: None  # or what is taken from its queue meanwhile resumes it
    websocket.transport.pause_reading()
    await asyncio.Event().wait()


def pause(seconds: float) -> Act:
    """Send what follows this much later."""

    async def act(websocket: Any) -> None:
        await asyncio.sleep(seconds)

    return act


def raw(message: str | bytes) -> Act:
    """Send what need not be an event; bytes as a binary frame."""

    async def act(websocket: Any) -> None:
        await websocket.send(message)

    return act
