"""Where the messages of one client come in and go out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from websockets.asyncio.server import ServerConnection


class Channel(Protocol):
    """Where messages come in and go out; reading and writing raise once it is shut."""

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
