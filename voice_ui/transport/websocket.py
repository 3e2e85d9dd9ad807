"""Events as JSON text frames over one websocket: fast, cheap, and in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect as websocket_connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State

from voice_ui import text_frame
from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError, code_from_wire
from voice_ui.protocol import Dialect
from voice_ui.redaction import redact_message
from voice_ui.servers import Endpoint
from voice_ui.transport import trust
from voice_ui.transport.interface import PATIENCE_SECONDS
from voice_ui.transport.proxy import Proxy, proxy_for
from voice_ui.transport.refusals import proxy_problem, refused_by_http, unreachable

CONNECT_SECONDS = 10.0
"""For name look-up, TCP, TLS and the upgrade together."""

PING_SECONDS = 2.0
"""From the answer to one ping to the next. The keepalive of websockets does not notice a dead link while audio is being
sent (measured: 150 s and still nothing), so we keep our own."""

LOOK_SECONDS = 1.0
"""Between two looks at whether the other side was heard."""

CLOSE_SECONDS = 1.0
"""How long a closing handshake may take before the socket is dropped."""

MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest message taken; OpenAI's own limit for one event is 15 MiB."""

_QUIET = logging.getLogger("voice_ui.transport.websockets")
_QUIET.setLevel(logging.INFO)  # at DEBUG, websockets writes the handshake's headers, and so the key, into the log


class _Connection(ClientConnection):
    """A connection that knows when it last heard anything: a message, a pong, or a part of one on a slow network."""

    heard_at = 0.0

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        if self.protocol.state is State.OPEN:
            texts, data = text_frame.read(self.protocol, data)
            for text in texts:
                self.recv_messages.put(Frame(Opcode.TEXT, text))
        if data:
            super().data_received(data)

    def send_at_once(self, message: bytes) -> bool:
        """Send a text frame; False if it would have to wait. `send` does the same with forty calls more."""
        if self.protocol.state is not State.OPEN or self.transport.get_write_buffer_size():
            return False
        self.transport.write(text_frame.write(message, masked=True))
        return True


class WebsocketTransport:
    """Events as JSON text frames over one websocket."""

    def __init__(self, websocket: _Connection, endpoint: Endpoint) -> None:
        self.alive_at = websocket.heard_at = time.monotonic()
        self.round_trip_ms: float | None = None
        self.problem: Problem | None = None
        self.patience = PATIENCE_SECONDS
        self._websocket = websocket
        self._endpoint = endpoint

    async def watch(self) -> None:
        """Break a connection whose other end gives no sign of life: what waits for it then learns that it is lost.

        So does a send that cannot go on. A time-out for each send would cost 3 % of what a chunk costs.
        """
        pinging = asyncio.create_task(self._ping_loop(), name="realtime ping")
        try:
            looks = 0
            while looks < 2:  # the second look is for a program that was busy itself, and has not read yet
                await asyncio.sleep(min(LOOK_SECONDS, self.patience / 4))
                looks = looks + 1 if self._is_silent else 0
            self._websocket.transport.abort()
        finally:
            pinging.cancel()

    @property
    def _is_silent(self) -> bool:
        # While we do not read what has come, nobody can be heard.
        return self._websocket.transport.is_reading() and time.monotonic() - self._websocket.heard_at > self.patience

    async def _ping_loop(self) -> None:
        try:
            while True:
                asked = time.monotonic()
                self.round_trip_ms = 1000 * await (await self._websocket.ping())
                self.alive_at = asked
                await asyncio.sleep(PING_SECONDS)
        except ConnectionClosed:
            pass

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event; see `Transport`."""
        message = orjson.dumps(event)
        try:
            if not self._websocket.send_at_once(message):
                await self._websocket.send(message, text=True)
        except ConnectionClosed as error:
            raise _closed(error, self._endpoint) from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the server's messages; see `Transport`."""
        try:
            while True:
                yield redact_message(await self._websocket.recv())
        except ConnectionClosed as error:
            raise _closed(error, self._endpoint) from error


class _Connect(websocket_connect):
    """A connect that follows no redirect: it could carry the key to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def connect(endpoint: Endpoint) -> AsyncIterator[WebsocketTransport]:
    """Open a websocket to `endpoint` and close it at the end; raises Refused or ConnectionFailed."""
    proxy = proxy_for(endpoint.url, endpoint.name)
    secure: dict[str, Any] = {}
    if endpoint.url.startswith("wss:"):
        secure["ssl"] = await asyncio.to_thread(trust.context, endpoint.name)
    if proxy and proxy.url.startswith("https:"):
        secure["proxy_ssl"] = await asyncio.to_thread(trust.context, endpoint.name)
    try:
        websocket = await _Connect(
            endpoint.url,
            additional_headers={name: secret.reveal() for name, secret in endpoint.headers.items()},
            proxy=proxy.url if proxy else None,
            compression=None,  # base64 of speech hardly compresses
            open_timeout=CONNECT_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MESSAGE_BYTES,
            ping_interval=None,
            logger=_QUIET,
            create_connection=_Connection,
            **secure,
        )
    except (OSError, WebSocketException, TimeoutError, ValueError, ImportError) as error:
        raise _not_connected(error, endpoint, proxy) from error
    assert isinstance(websocket, _Connection)
    transport = WebsocketTransport(websocket, endpoint)
    watch = asyncio.create_task(transport.watch(), name="realtime watch")
    try:
        yield transport
    finally:
        watch.cancel()
        try:
            await websocket.close()
        finally:
            websocket.transport.abort()  # if that was cut short: nothing is left behind


def _not_connected(error: Exception, endpoint: Endpoint, proxy: Proxy | None) -> SessionError:
    facts = endpoint.facts | {"seconds": f"{CONNECT_SECONDS:.0f}"}
    host = urlsplit(endpoint.url).netloc.rpartition("@")[2]
    through = f", through the proxy {proxy.address} ({proxy.setting})" if proxy else ""
    match error:
        case InvalidStatus(response=response):
            status = f"{response.status_code} {response.reason_phrase}"
            return refused_by_http(status, response.headers, bytes(response.body or b""), endpoint, facts)
        case InvalidProxyStatus(response=response) if proxy:
            detail = f"it answered {response.status_code} {response.reason_phrase}"
            return ConnectionFailed("proxy-refused", detail, **facts | proxy.facts)
        case ImportError() if proxy:
            return Refused("proxy-unsupported", f"{error}", **facts | proxy.facts)
        case TimeoutError():
            return ConnectionFailed("server-timeout", f"{host}{through}", **facts)
        case ProxyError() | OSError() if proxy and (problem := proxy_problem(error, proxy, facts)):
            return problem
        case InvalidMessage(__cause__=EOFError() | OSError()):
            return ConnectionFailed("server-unreachable", f"{host} hung up before it answered{through}", **facts)
        case InvalidHandshake():
            return Refused("not-realtime", f"{error}", **facts)
        case OSError():
            return unreachable(error, host, facts)
        case _:
            return ConnectionFailed("server-unreachable", f"{host}: {error}", **facts)


def _closed(error: ConnectionClosed, endpoint: Endpoint) -> SessionError:
    """OpenAI says why with close codes of its own, from 3000 on; what it refuses with them it will refuse again."""
    facts = endpoint.facts
    if error.sent and not error.rcvd_then_sent and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
        return ConnectionFailed("message-oversized", error.sent.reason, **facts)
    close = error.rcvd
    if close is None:
        return ConnectionFailed("connection-lost", "the connection ended without a close frame", **facts)
    detail = f"closed with {close.code} {close.reason}".rstrip()
    if 3000 <= close.code < 5000 or close.code == CloseCode.POLICY_VIOLATION:
        beta = close.code == 4000 and endpoint.dialect is Dialect.BETA
        code = code_from_wire(close.reason, close.code, default="beta-disabled" if beta else "server-refused")
        return Refused(code, detail, **facts)
    return ConnectionFailed(code_from_wire(close.reason, close.code, default="connection-lost"), detail, **facts)
