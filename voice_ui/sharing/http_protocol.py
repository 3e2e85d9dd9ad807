"""uvicorn's HTTP protocol with limits, because everybody who reaches the port talks to it before any code is asked for.

uvicorn itself takes headers of any length, waits for them for ever, and holds any number of connections.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from voice_ui.sharing.capacity import Capacity

HEAD_BYTES = 64 * 1024
"""Of the request line and all headers."""

HEAD_SECONDS = 10.0
"""For the first request after a connection was made, and from the first byte of any request to the end of its head."""

BODY_SECONDS = 30.0
"""From there to the end of its body; the largest is a megabyte (guard.BODY_BYTES)."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection; see `bounded`."""

    capacity: ClassVar[Capacity]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = self._unread_bytes = 0
        self._in_head = True
        self._was_completed = False
        self._is_too_large = False
        self._is_counted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._is_counted = self.capacity.take(self._address)
        if self._is_counted:
            self._set_deadline(HEAD_SECONDS)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_too_large or not self._is_counted:
            return
        if self._in_head and self._deadline is None:
            self._set_deadline(HEAD_SECONDS)
        self._was_completed = False
        super().data_received(data)
        # Still in a head: the parser may hold all of it back, waiting for the end of a line. After a body, the next
        # head has not begun, or only in this piece.
        if self._in_head and not self._was_completed:
            self._unread_bytes += len(data)
            if self._unread_bytes > HEAD_BYTES and not self._is_too_large:
                self._refuse_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._release()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._set_deadline(None)
        super().handle_websocket_upgrade()
        # From here on another protocol has the connection; it is still the one that was counted.
        protocol: Any = self.transport.get_protocol()
        lost = protocol.connection_lost

        def connection_lost(exc: Exception | None) -> None:
            self._release()
            lost(exc)

        protocol.connection_lost = connection_lost

    # What the parser finds.

    def on_message_begin(self) -> None:
        self._head_bytes, self._unread_bytes, self._in_head = 0, 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def _count(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > HEAD_BYTES:
            raise ValueError("the head is too large")  # ends the parsing: see send_400_response

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._set_deadline(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._set_deadline(None)
        self._was_completed = True
        self._in_head, self._head_bytes, self._unread_bytes = True, 0, 0  # of the next one
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        self._is_too_large = True
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _release(self) -> None:
        self._set_deadline(None)
        if self._is_counted:
            self._is_counted = False
            self.capacity.release(self._address)


def bounded(capacity: Capacity) -> type[BoundedProtocol]:
    """Return the protocol class for a server whose connections all count for one capacity."""
    return type("BoundedProtocol", (BoundedProtocol,), {"capacity": capacity})
