"""Listens on the network: one port that serves https and redirects http requests to https.

Each connection is looked at before it is taken: TLS begins with a byte that no http request begins with.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Self

from voice_ui import ports
from voice_ui.sharing.capacity import Capacity

TLS_HANDSHAKE = 0x16
"""The first byte of a connection that speaks TLS (RFC 8446, section 5.1: ContentType)."""

PATIENCE_SECONDS = 10.0
"""Time for a new connection to send its first byte, and for the handshake."""

GLANCE_SECONDS = 0.01
"""Not every event loop can wait for a socket without reading from it (that of Windows cannot): it is looked at."""

MOST_WAITING = 200
"""Maximum number of unfinished handshakes; beyond it, the oldest is closed."""

WAITING_PER_ADDRESS = 20
"""The same per address."""

HEAD_BYTES = 8192

_REQUEST = re.compile(rb"^[A-Z]+ (/[!-~]*) HTTP/1\.[01]\r\n", re.ASCII)
_HOST = re.compile(rb"\r\nhost:[ \t]*([A-Za-z0-9._:\[\]-]+)[ \t]*\r\n", re.IGNORECASE)

_log = logging.getLogger("voice_ui.sharing")


class Door:
    """Listens on addresses of the network. Use it with `async with`."""

    def __init__(
        self,
        addresses: Sequence[str],
        port: int,
        context: ssl.SSLContext,
        protocol: Callable[[], asyncio.Protocol],
        *,
        is_closing: Callable[[], bool],
        answers_to: Callable[[str], bool],
        capacity: Capacity,
    ) -> None:
        """`protocol` makes one for each connection, and counts it; http is redirected to hosts we `answer_to` only."""
        self._addresses, self._port = addresses, port
        self._context, self._protocol = context, protocol
        self._is_closing, self._answers_to = is_closing, answers_to
        self._listening: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._capacity = capacity
        self._waiting: dict[asyncio.Task[None], str] = {}
        """By age, with their addresses."""

    async def __aenter__(self) -> Self:
        """Raises OSError if an address cannot be listened on."""
        try:
            for address in self._addresses:
                self._listening.append(ports.listen(address, self._port))
        except OSError:
            self._close()
            raise
        for listener in self._listening:
            self._accepting.append(asyncio.create_task(self._accept(listener), name="door"))
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._accepting, *self._waiting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._close()

    def _close(self) -> None:
        for listener in self._listening:
            listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError as error:  # of that connection, or no file handle is left: there will be another
                _log.warning("a connection could not be taken: %s", error.strerror)
                await asyncio.sleep(1)
                continue
            if self._is_closing() or not self._capacity.take(address := peer[0]):
                connection.close()
                continue
            self._make_room(address)
            task = asyncio.create_task(self._welcome(connection, address), name="welcome")
            self._waiting[task] = address
            task.add_done_callback(self._waiting.pop)

    def _make_room(self, address: str) -> None:
        """Send away whoever waits longest at the most crowded address, if there are too many of them or in all."""
        counts = Counter(self._waiting.values())
        if counts[address] >= WAITING_PER_ADDRESS:
            crowded = address
        elif len(self._waiting) >= MOST_WAITING:
            crowded = counts.most_common(1)[0][0]
        else:
            return
        waiting = (task for task, of in self._waiting.items() if of == crowded and not task.cancelling())
        if oldest := next(waiting, None):
            oldest.cancel()

    async def _welcome(self, connection: socket.socket, address: str) -> None:
        """Pass the connection on, or redirect it to https."""
        taken = False
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(PATIENCE_SECONDS):
                first = await _glance(connection)
                if first == TLS_HANDSHAKE:
                    taken = True  # the loop closes it, whatever happens
                    await asyncio.get_running_loop().connect_accepted_socket(
                        self._protocol, connection, ssl=self._context, ssl_handshake_timeout=PATIENCE_SECONDS
                    )
                elif first is not None:
                    await self._redirect(connection)
        except (OSError, ssl.SSLError, TimeoutError):
            pass  # gone again, silent, or unwilling to trust us
        finally:
            self._capacity.release(address)  # whoever went in is counted there
            if not taken:
                connection.close()

    async def _redirect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES and (more := await loop.sock_recv(connection, 2048)):
            head += more
        await loop.sock_sendall(connection, self._answer(head, connection.getsockname()[0]))
        connection.shutdown(socket.SHUT_WR)
        while await loop.sock_recv(connection, 2048):  # closed with something unread, the answer could be lost
            pass

    def _answer(self, head: bytes, address: str) -> bytes:
        """Return the redirect for the head of an http request."""
        request, host = _REQUEST.match(head), _HOST.search(head)
        if not request:
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        place = host[1].decode() if host else ""
        if not self._answers_to(place):
            place = f"{address}:{self._port}"
        location = f"https://{place}{request[1].decode()}"
        return (
            f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ).encode()


async def _glance(connection: socket.socket) -> int | None:
    """Return the first byte without consuming it; None if the client disconnected."""
    while True:
        try:
            first = connection.recv(1, socket.MSG_PEEK)
            return first[0] if first else None
        except BlockingIOError:
            await asyncio.sleep(GLANCE_SECONDS)
