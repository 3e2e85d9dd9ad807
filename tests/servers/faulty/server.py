"""A practice server that fails on demand, and takes WebRTC calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.servers.calls.calls import Calls
from tests.servers.calls.posts import Post, Reception, answer
from tests.servers.faulty import faults
from tests.servers.faulty.bends import Bend, Wire
from tests.servers.faulty.faults import Bent, Expiry, Fault, FixedReply, Handshake, Refusal, Silence
from voice_ui.offline import defaults
from voice_ui.offline.connection import ClientConnection, refuse
from voice_ui.offline.parts import Brain, Invocation, Parts, ReplyRequest, SpeechRecognizer, Voice
from voice_ui.offline.server import PATH, SESSION_SECONDS, PracticeServer, listen


class Bending(ClientConnection):
    """A connection with something between it and its client."""

    bend: Bend

    def healthy(self, message: str) -> None:
        """Take in a message as if there were nothing between."""
        super().receive(message)

    def receive(self, message: str | bytes) -> None:
        try:
            event = orjson.loads(message) if isinstance(message, str) else None
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict) or not self.bend.client(event, self):
            super().receive(message)

    def send(self, wire: Wire) -> None:
        for output in self.bend.server(wire, self):
            if isinstance(output, dict):
                super().send(output)
            else:
                self.act(output)


class FixedBrain:
    """Answers every question with the same pieces."""

    delta_seconds = 0.03

    def __init__(self, pieces: tuple[str, ...]) -> None:
        self._pieces = pieces

    async def reply(self, request: ReplyRequest) -> AsyncIterator[str | Invocation]:
        for piece in self._pieces:
            yield piece

    async def close(self) -> None:
        pass


class FaultyServer(PracticeServer):
    """A server with one fault, or none."""

    def __init__(self, parts: Parts, fault: Fault | None, session_seconds: float) -> None:
        self._behaviour = fault.behaviour if fault else None
        if isinstance(self._behaviour, Expiry):
            session_seconds = self._behaviour.seconds
        if isinstance(self._behaviour, FixedReply):
            parts.brain = FixedBrain(self._behaviour.pieces)
        super().__init__(parts, session_seconds)
        self._stopping = asyncio.Event()
        self.calls = Calls(f"{PATH}/calls", self.converse)

    async def stop(self) -> None:
        self._stopping.set()
        await self.calls.close()
        await super().stop()

    async def admit(self, websocket: ServerConnection, request: Request) -> Response | None:
        if isinstance(self._behaviour, Silence):
            await self._stopping.wait()
        if isinstance(self._behaviour, Handshake):
            path = urlsplit(request.path).path.rstrip("/")
            return _http(faults.WEB_PAGE if path == faults.LOGIN_PATH else self._behaviour)
        return await super().admit(websocket, request)

    async def answer(self, post: Post) -> Response:
        """Take or end a call, or fail."""
        if isinstance(self._behaviour, Silence):
            await self._stopping.wait()
        if isinstance(self._behaviour, Handshake):
            return _http(self._behaviour)
        return await self.calls.answer(post)

    async def handle(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        if _wants_beta(websocket.request):
            await _refuse(websocket, faults.BETA_DISABLED)
        else:
            await super().handle(websocket)

    async def converse(self, websocket: ServerConnection, model: str) -> None:
        if isinstance(self._behaviour, Refusal):
            await _refuse(websocket, self._behaviour)
        else:
            await super().converse(websocket, model)

    def connection(self, websocket: ServerConnection, model: str) -> ClientConnection:
        bend = self._behaviour.bend() if isinstance(self._behaviour, Bent) else Bend()
        connection = Bending(websocket, self.parts, model=model, session_seconds=self.session_seconds)
        connection.bend = bend
        return connection


@asynccontextmanager
async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    fault: str | None = None,
    recognizer: SpeechRecognizer | None = None,
    brain: Brain | None = None,
    voice: Voice | None = None,
    session_seconds: float = SESSION_SECONDS,
    kind: type[FaultyServer] = FaultyServer,
) -> AsyncIterator[FaultyServer]:
    """Run until the context is left; `fault` is `NAME` or `NAME:NUMBER`. Raises ValueError if it does not exist."""
    failing = faults.parse(fault) if fault else None
    server = kind(defaults.parts(recognizer, brain, voice), failing, session_seconds)
    reception = type("_Reception", (Reception,), {"answer": staticmethod(server.answer)})
    patient = {"open_timeout": None, "ping_interval": None} if failing else {}
    async with listen(server, host, port, create_connection=reception, **patient):
        yield server


def _http(fault: Handshake) -> Response:
    return answer(
        HTTPStatus(fault.status), fault.body.encode(), **{"Content-Type": fault.content_type, **fault.headers}
    )


async def _refuse(websocket: ServerConnection, refusal: Refusal) -> None:
    await refuse(websocket, refusal.code, refusal.message, refusal.close_code, refusal.kind)


def _wants_beta(request: Request) -> bool:
    """Whether a client asks for the dialect that was switched off, by header or by subprotocol."""
    headers = request.headers
    asked = [*headers.get_all("OpenAI-Beta"), *headers.get_all("Sec-WebSocket-Protocol")]
    return any("realtime=v1" in value or "openai-beta.realtime-v1" in value for value in asked)
