"""The offline server's sockets: who may come in, at which address, and one `Connection` for each who does.

At `ws://host:port/v1/realtime?model=…`, with or without a bearer token. Heavy libraries are loaded later, see `ears`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voice_ui.offline import events, faults, replies
from voice_ui.offline.beta import Beta
from voice_ui.offline.calls import Calls
from voice_ui.offline.checks import Rejected
from voice_ui.offline.connection import Connection, Door, Session
from voice_ui.offline.dialect import GA
from voice_ui.offline.ears import Ears, Recognizer, detector
from voice_ui.offline.engine import Engine
from voice_ui.offline.faults import Bent, Expiry, Fault, Handshake, Refusal, Reply, Silence
from voice_ui.offline.faulty import FaultyEngine
from voice_ui.offline.posts import Answer, Post, Reception
from voice_ui.offline.recognizer import Recognizer as PocketSphinx

DialectName = Literal["ga", "beta"]

PATH = "/v1/realtime"

DEFAULT_MODEL = "offline-practice"
"""What a session is called that was not asked for by name; a name that was asked for is kept."""

SESSION_SECONDS = 3600.0
"""OpenAI's limit."""

MESSAGE_BYTES = 32 * 1024 * 1024
"""Room for an append that is too long to be refused with an `error` event; what is longer closes the connection."""

KEEPALIVE_SECONDS = 20.0
"""Between two pings; as on the live service."""

CLOSE_SECONDS = 1.0
"""For the closing handshake."""

log = logging.getLogger(__name__)

_websockets_log = logging.getLogger("voice_ui.offline.websockets")
_websockets_log.setLevel(logging.CRITICAL)  # a probe that hangs up early is no error of ours; ours are logged here


class OfflineServer:
    """A server that is listening."""

    def __init__(self, ears: Ears, dialect: DialectName, fault: Fault | None, session_seconds: float) -> None:
        self.url = ""
        """`ws://host:port/v1/realtime`"""
        self.sessions = 0
        """Clients connected now."""
        self._ears = ears
        self._dialect = dialect
        self._behaviour = fault.behaviour if fault else None
        self._session_seconds = session_seconds
        if isinstance(self._behaviour, Expiry):
            self._session_seconds = self._behaviour.seconds
        self._stopping = asyncio.Event()
        self._calls = Calls(f"{PATH}/calls", _new_id, self._converse)

    async def warm(self) -> None:
        """Load what the first spoken turn would have to wait for; raises RecognizerUnavailable."""
        await self._ears.warm()

    async def stop(self) -> None:
        """Let go of those who were never answered, and of those who called."""
        self._stopping.set()
        await self._calls.close()

    async def admit(self, websocket: ServerConnection, request: Request) -> Response | None:
        """Let a client in (None), or answer what is no websocket, or is looking for something else."""
        path = urlsplit(request.path).path.rstrip("/")
        if isinstance(self._behaviour, Silence):
            await self._stopping.wait()
        if isinstance(self._behaviour, Handshake):
            page = faults.WEB_PAGE if path == faults.LOGIN_PATH else self._behaviour
            return _http(websocket, page)
        if path != PATH:
            return websocket.respond(HTTPStatus.NOT_FOUND, f"Nothing here. The realtime endpoint is {PATH}.\n")
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            text = "This is the offline realtime server of Voice UI. It speaks over a websocket, not plain http.\n"
            response = websocket.respond(HTTPStatus.UPGRADE_REQUIRED, text)
            response.headers["Upgrade"] = "websocket"
            return response
        return None

    async def answer(self, post: Post) -> Answer:
        """Take or end a call, or fail as is wanted."""
        match self._behaviour:
            case Silence():
                await self._stopping.wait()
            case Handshake(status, body, content_type, headers):
                return Answer(HTTPStatus(status), body.encode(), {"Content-Type": content_type, **headers})
        return await self._calls.answer(post)

    async def handle(self, websocket: ServerConnection) -> None:
        """Serve one client until it leaves."""
        assert websocket.request is not None
        door = _WebsocketDoor(websocket)
        if self._dialect == "ga" and _wants_beta(websocket.request):
            await _refuse(door, faults.BETA_DISABLED)
            return
        query = parse_qs(urlsplit(websocket.request.path).query)
        await self._converse(door, query.get("model", [""])[0], {})

    async def _converse(self, door: Door, model: str, session: dict[str, Any]) -> None:
        """Serve whoever is at a door, with the session that was asked for there."""
        self.sessions += 1
        try:
            if isinstance(self._behaviour, Refusal):
                await _refuse(door, self._behaviour)
            else:
                engine = self._session(model)
                if session.keys() - {"type", "model"}:
                    engine.receive(orjson.dumps({"type": "session.update", "session": session}))
                await Connection(door, engine, self._ears, self._session_seconds).run()
        except ConnectionClosed:
            pass
        except Exception:
            log.exception("a session of the offline server failed")
            await door.close(1011, "server_error")
        finally:
            self.sessions -= 1

    def _session(self, model: str) -> Session:
        engine = Engine(
            model=(model or DEFAULT_MODEL)[:256],
            expires_at=int(time.time() + self._session_seconds),
            new_id=_new_id,
            now=lambda: datetime.now().astimezone(),
            voice_activity=detector,
            compose=self._compose,
            dialect=Beta() if self._dialect == "beta" else GA(),
        )
        return FaultyEngine(engine, self._behaviour.bend()) if isinstance(self._behaviour, Bent) else engine

    def _compose(self, heard: str, earlier: Sequence[str], now: datetime) -> list[str]:
        if isinstance(self._behaviour, Reply):
            return list(self._behaviour.pieces)
        return replies.pieces(replies.reply(heard, earlier=earlier, now=now))


@asynccontextmanager
async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    dialect: DialectName = "ga",
    fault: str | None = None,
    recognizer: Recognizer | None = None,
    session_seconds: float = SESSION_SECONDS,
) -> AsyncIterator[OfflineServer]:
    """Listen until the context is left; port 0 takes a free one.

    `fault` is `NAME` or `NAME:NUMBER`, see `faults`. Raises OSError if it cannot listen, ValueError for a fault that
    does not exist.
    """
    failing = faults.parse(fault) if fault else None
    ears = Ears(recognizer or PocketSphinx())
    offline = OfflineServer(ears, dialect, failing, session_seconds)
    server: Server
    try:
        async with serve_websocket(
            offline.handle,
            host,
            port,
            process_request=offline.admit,
            select_subprotocol=_select_subprotocol,
            compression=None,
            max_size=MESSAGE_BYTES,
            create_connection=type("_Reception", (Reception,), {"answer": staticmethod(offline.answer)}),
            open_timeout=None if failing else 10,
            ping_interval=None if failing else KEEPALIVE_SECONDS,
            close_timeout=CLOSE_SECONDS,
            logger=_websockets_log,
        ) as server:
            offline.url = _url(host, server)
            try:
                yield offline
            finally:
                await offline.stop()
    finally:
        await ears.close()


class _WebsocketDoor:
    """The one door there is; see `connection.Door`."""

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


def _http(websocket: ServerConnection, answer: Handshake) -> Response:
    response = websocket.respond(HTTPStatus(answer.status), answer.body)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = answer.content_type
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response


async def _refuse(door: Door, refusal: Refusal) -> None:
    """Say no as OpenAI does: the upgrade succeeds, one `error` event, and the end."""
    error = events.error(Rejected(refusal.code, refusal.message), None, kind=refusal.kind)
    await door.send(orjson.dumps({"type": "error", "event_id": _new_id("event"), **error}))
    await door.close(refusal.close_code, refusal.close_reason)


def _wants_beta(request: Request) -> bool:
    """Whether a client asks for the dialect that was switched off, by header or by subprotocol."""
    headers = request.headers
    asked = [*headers.get_all("OpenAI-Beta"), *headers.get_all("Sec-WebSocket-Protocol")]
    return any("realtime=v1" in value or "openai-beta.realtime-v1" in value for value in asked)


def _select_subprotocol(websocket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Browsers offer "realtime" beside their key, and hang up if none is taken."""
    return Subprotocol("realtime") if "realtime" in offered else None


def _url(host: str, server: Server) -> str:
    port = server.sockets[0].getsockname()[1]
    return f"ws://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


def _new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:21]}"
