"""The practice server's sockets: address, access checks, and one `ClientConnection` per client.

At `ws://host:port/v1/realtime?model=…`, with or without a bearer token.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve as serve_websocket
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voice_ui.offline import defaults, origins
from voice_ui.offline.connection import ClientConnection, refuse
from voice_ui.offline.parts import Brain, Parts, SpeechRecognizer, Voice

PATH = "/v1/realtime"

DEFAULT_MODEL = "offline-practice"
"""The model of a session that names none; a name that is given is kept."""

SESSION_SECONDS = 3600.0
"""OpenAI's limit."""

MAX_SESSIONS = 32
"""Maximum number of clients; more than the seats of a shared page."""

MESSAGE_BYTES = 5 * 1024 * 1024
"""Room for the longest append, so that a longer one is refused by name; what is even longer closes the connection."""

KEEPALIVE_SECONDS = 20.0
"""Between two pings; as on the live service."""

CLOSE_SECONDS = 0.5
"""For the closing handshake; then the connection is dropped."""

log = logging.getLogger(__name__)

_websockets_log = logging.getLogger("voice_ui.offline.websockets")
_websockets_log.setLevel(logging.CRITICAL)  # a probe that hangs up early is no error of ours; ours are logged here


class PracticeServer:
    """A server, once it is listening; see `listen`."""

    def __init__(self, parts: Parts, session_seconds: float = SESSION_SECONDS) -> None:
        self.url = ""
        """`ws://host:port/v1/realtime`"""
        self.only_loopback = True
        """Whether only this machine can reach it."""
        self.sessions = 0
        """Clients connected now."""
        self.parts = parts
        self.session_seconds = session_seconds
        self._floor = asyncio.Lock()
        self._serving: dict[asyncio.Task[Any], Callable[[], None]] = {}

    async def warm(self) -> None:
        """Load what the first spoken turn would have to wait for; raises RecognizerUnavailable."""
        await self.parts.warm()

    async def stop(self) -> None:
        """End all sessions; a client that does not take part in the closing handshake is dropped."""
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving, timeout=CLOSE_SECONDS)
        for abort in self._serving.values():
            abort()
        if self._serving:
            await asyncio.wait(self._serving)

    async def admit(self, websocket: ServerConnection, request: Request) -> Response | None:
        """Accept a websocket (None), or refuse a request that is not one, is not allowed or has another path."""
        if refused := self._refusal(request):
            return websocket.respond(HTTPStatus.FORBIDDEN, f"{refused}\n")
        if urlsplit(request.path).path.rstrip("/") != PATH:
            return websocket.respond(HTTPStatus.NOT_FOUND, f"Nothing here. The realtime endpoint is {PATH}.\n")
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            text = "This is the practice server of Voice UI. Connect with a websocket, not with plain HTTP.\n"
            response = websocket.respond(HTTPStatus.UPGRADE_REQUIRED, text)
            response.headers["Upgrade"] = "websocket"
            return response
        return None

    def _refusal(self, request: Request) -> str | None:
        headers = request.headers
        return origins.refusal(headers.get("Host"), headers.get("Origin"), only_loopback=self.only_loopback)

    async def handle(self, websocket: ServerConnection) -> None:
        """Serve one client until it leaves."""
        assert websocket.request is not None
        query = parse_qs(urlsplit(websocket.request.path).query)
        await self.converse(websocket, query.get("model", [""])[0])

    async def converse(self, websocket: ServerConnection, model: str) -> None:
        """Serve one client, who asks for a model."""
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = websocket.transport.abort
        self.sessions += 1
        try:
            if self.sessions > MAX_SESSIONS:
                await refuse(websocket, "session_limit_reached", "All sessions of this server are taken.", 1013)
                return
            await self.connection(websocket, (model or DEFAULT_MODEL)[:256]).run()
        except ConnectionClosed:
            pass
        except asyncio.CancelledError:
            await websocket.close(1001, "")
            raise
        except Exception:
            log.exception("a session of the practice server failed")
            await websocket.close(1011, "server_error")
        finally:
            self.sessions -= 1
            del self._serving[task]

    def connection(self, websocket: ServerConnection, model: str) -> ClientConnection:
        """Return the connection of a new client."""
        return ClientConnection(
            websocket, self.parts, model=model, session_seconds=self.session_seconds, floor=self._floor
        )


@asynccontextmanager
async def listen(
    server: PracticeServer, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> AsyncIterator[PracticeServer]:
    """Listen until the context is left; port 0 takes a free one. Raises OSError if it cannot listen.

    `options` go to `websockets.serve`.
    """
    usual: dict[str, Any] = {"ping_interval": KEEPALIVE_SECONDS, "max_queue": 1}
    listening: Server
    try:
        async with serve_websocket(
            server.handle,
            host,
            port,
            process_request=server.admit,
            select_subprotocol=_select_subprotocol,
            compression=None,
            max_size=MESSAGE_BYTES,
            close_timeout=CLOSE_SECONDS,
            logger=_websockets_log,
            **(usual | options),
        ) as listening:
            server.url = _url(host, listening)
            server.only_loopback = all(ip_address(each.getsockname()[0]).is_loopback for each in listening.sockets)
            try:
                yield server
            finally:
                await server.stop()
    finally:
        await server.parts.close()


@asynccontextmanager
async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    recognizer: SpeechRecognizer | None = None,
    brain: Brain | None = None,
    voice: Voice | None = None,
    session_seconds: float = SESSION_SECONDS,
) -> AsyncIterator[PracticeServer]:
    """Run a practice server until the context is left, with this machine's parts for those that are None."""
    server = PracticeServer(defaults.parts(recognizer, brain, voice), session_seconds)
    async with listen(server, host, port):
        yield server


def _select_subprotocol(websocket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Browsers offer "realtime" beside their key, and hang up if none is taken."""
    return Subprotocol("realtime") if "realtime" in offered else None


def _url(host: str, server: Server) -> str:
    port = server.sockets[0].getsockname()[1]
    return f"ws://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
