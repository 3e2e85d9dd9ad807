"""The connection to one client: receives and sends messages."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Protocol

import orjson
from websockets.asyncio.server import ServerConnection

from voice_ui.protocol.server import ErrorEvent


class Channel(Protocol):
    """Receives and sends messages; both raise once it is closed."""

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...

    async def send(self, message: str | bytes) -> None:
        """Send text (str, or UTF-8) as a text frame."""

    async def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None:
        """Drop the connection."""


class WebsocketChannel:
    """A websocket as a `Channel`."""

    def __init__(self, websocket: ServerConnection) -> None:
        self._websocket = websocket

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for message in self._websocket:
            yield message

    async def send(self, message: str | bytes) -> None:
        await self._websocket.send(message, text=True)

    async def send_binary(self, message: bytes) -> None:
        await self._websocket.send(message)

    async def close(self, code: int, reason: str) -> None:
        await self._websocket.close(code, reason)

    def abort(self) -> None:
        self._websocket.transport.abort()

    def freeze(self) -> None:
        self._websocket.transport.pause_reading()


async def refuse(
    channel: Channel, code: str, message: str, close_code: int, type: str = "invalid_request_error"
) -> None:
    """Refuse a client as OpenAI does: the upgrade succeeds, then one `error` event and the end."""
    error = ErrorEvent(type, code, message).to_wire()
    await channel.send(orjson.dumps({"type": error.pop("type"), "event_id": new_id("event"), **error}))
    await channel.close(close_code, f"{type}.{code}")


def new_id(prefix: str) -> str:
    """Return a new id in the format of the live service."""
    return f"{prefix}_{uuid.uuid4().hex[:21]}"
