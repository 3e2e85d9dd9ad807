"""Events as JSON text frames over one websocket: quick, cheap, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)
from websockets.frames import CloseCode

from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError, code_from_wire
from voice_ui.protocol import Dialect
from voice_ui.servers import Endpoint
from voice_ui.transport.refusals import refused_by_http, unreachable

CONNECT_SECONDS = 10.0
"""For name look-up, TCP, TLS and the upgrade together."""

PING_SECONDS = 5.0
"""Between two pings, and for the answer to one. The keepalive of websockets does not notice a dead link while audio
is being sent (measured: 150 s and still nothing), so we keep our own."""

CLOSE_SECONDS = 1.0
"""How long a closing handshake may take before the socket is dropped."""

MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest message taken; OpenAI's own limit for one event is 15 MiB."""

_QUIET = logging.getLogger("voice_ui.transport.websockets")
_QUIET.setLevel(logging.INFO)  # at DEBUG, websockets writes the handshake's headers, and so the key, into the log


class WebsocketTransport:
    """Events as JSON text frames over one websocket."""

    def __init__(self, websocket: ClientConnection, endpoint: Endpoint) -> None:
        self.alive_at = time.monotonic()
        self.round_trip_ms: float | None = None
        self.problem: Problem | None = None
        self.patience = 10.0
        self._websocket = websocket
        self._endpoint = endpoint

    async def watch(self) -> None:
        """Break a connection whose other end does not answer: what waits for it then learns that it is lost.

        So does a send that cannot go on: a ping waits behind it. A time-out for each send would cost three of a
        hundred parts of all that is done for a chunk.
        """
        try:
            while True:
                asked = time.monotonic()
                async with asyncio.timeout(PING_SECONDS):
                    self.round_trip_ms = 1000 * await (await self._websocket.ping())
                self.alive_at = asked
                await asyncio.sleep(PING_SECONDS)
        except ConnectionClosed:
            pass
        except TimeoutError:
            self._websocket.transport.abort()

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event; see `Transport`."""
        try:
            await self._websocket.send(orjson.dumps(event), text=True)
        except ConnectionClosed as error:
            raise _closed(error, self._endpoint) from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the server's messages; see `Transport`."""
        try:
            while True:
                yield await self._websocket.recv()
        except ConnectionClosed as error:
            raise _closed(error, self._endpoint) from error


class _Connect(websocket_connect):
    """A connect that follows no redirect: it could carry the key to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def connect(endpoint: Endpoint) -> AsyncIterator[WebsocketTransport]:
    """Open a websocket to `endpoint` and close it at the end; raises Refused or ConnectionFailed."""
    try:
        websocket = await _Connect(
            endpoint.url,
            additional_headers={name: secret.reveal() for name, secret in endpoint.headers.items()},
            compression=None,  # base64 of speech hardly compresses
            open_timeout=CONNECT_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MESSAGE_BYTES,
            ping_interval=None,
            logger=_QUIET,
        )
    except (OSError, WebSocketException, TimeoutError, ValueError) as error:
        raise _not_connected(error, endpoint) from error
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


def _not_connected(error: Exception, endpoint: Endpoint) -> SessionError:
    facts = endpoint.facts | {"seconds": f"{CONNECT_SECONDS:.0f}"}
    host = urlsplit(endpoint.url).netloc.rpartition("@")[2]
    match error:
        case InvalidStatus(response=response):
            status = f"{response.status_code} {response.reason_phrase}"
            return refused_by_http(status, response.headers, bytes(response.body or b""), endpoint, facts)
        case InvalidProxyStatus(response=response):
            return ConnectionFailed("proxy-refused", f"it answered {response.status_code}", **facts)
        case ProxyError():
            return ConnectionFailed("proxy-refused", f"{error}", **facts)
        case InvalidMessage(__cause__=EOFError() | OSError()):
            return ConnectionFailed("server-unreachable", f"{host} hung up before it answered", **facts)
        case InvalidHandshake():
            return Refused("not-realtime", f"{error}", **facts)
        case TimeoutError():
            return ConnectionFailed("server-timeout", host, **facts)
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
        return ConnectionFailed("connection-lost", "the connection ended without a goodbye", **facts)
    detail = f"closed with {close.code} {close.reason}".rstrip()
    if 3000 <= close.code < 5000 or close.code == CloseCode.POLICY_VIOLATION:
        beta = close.code == 4000 and endpoint.dialect is Dialect.BETA
        code = code_from_wire(close.reason, close.code, default="beta-disabled" if beta else "server-refused")
        return Refused(code, detail, **facts)
    return ConnectionFailed(code_from_wire(close.reason, close.code, default="connection-lost"), detail, **facts)
