"""A realtime server that does exactly what a test says, over a real socket on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.patience import SECOND
from voice_ui.servers import Endpoint
from voice_ui.settings import Secret


class Wire:
    """One accepted connection, from the server's side."""

    def __init__(self, websocket: ServerConnection) -> None:
        self.websocket = websocket
        self.received: list[dict[str, Any]] = []

    async def say(self, type: str, **fields: Any) -> None:
        await self.websocket.send(json.dumps({"type": type, "event_id": "event_x", **fields}))

    async def hear(self, type: str | None = None) -> dict[str, Any]:
        """Wait for the next event, or for the next of a type; everything is kept in `received`."""
        async with asyncio.timeout(5 * SECOND):
            while True:
                event: dict[str, Any] = json.loads(await self.websocket.recv())
                self.received.append(event)
                if type is None or event["type"] == type:
                    return event

    async def configure(self) -> None:
        """Greet, and accept the configuration."""
        await self.say("session.created", session={"type": "realtime", "id": "sess_1"})
        update = await self.hear("session.update")
        await self.say("session.updated", session=update["session"])

    async def reply(
        self, *deltas: str, response: str = "resp_1", item: str = "item_a", status: str = "completed"
    ) -> None:
        await self.say("response.created", response={"id": response, "status": "in_progress"})
        for delta in deltas:
            await self.say("response.output_text.delta", response_id=response, item_id=item, delta=delta)
        await self.say("response.done", response={"id": response, "status": status, "status_details": None})

    async def heard_speech(self, item: str = "item_u", transcript: str = "hello", end_ms: int = 1000) -> None:
        await self.say("input_audio_buffer.speech_started", item_id=item, audio_start_ms=0)
        await self.say("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=end_ms)
        await self.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        name = "conversation.item.input_audio_transcription.completed"
        await self.say(name, item_id=item, content_index=0, transcript=transcript)

    async def until_closed(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self.websocket:
                self.received.append(json.loads(message))


Script = Callable[[Wire], Awaitable[None]]


class ScriptedServer:
    """Plays one script per connection, the last one again for all that follow."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.wires: list[Wire] = []
        self.url = ""
        self.failures: list[BaseException] = []
        self.open = 0
        self._refusing = False

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            "the test server", self.url, "test-model", {"Authorization": Secret("Bearer sk-test-0123456789")}
        )

    async def _play(self, websocket: ServerConnection) -> None:
        wire = Wire(websocket)
        self.wires.append(wire)
        self.open += 1
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        try:
            await script(wire)
        except BaseException as error:
            self.failures.append(error)
            raise
        finally:
            self.open -= 1

    def refuse_from_now_on(self) -> None:
        """Break all connections, and answer new ones with an error of the server."""
        self._refusing = True
        for wire in self.wires:
            wire.websocket.transport.abort()

    def welcome_again(self) -> None:
        """Play the scripts again."""
        self._refusing = False

    @asynccontextmanager
    async def running(
        self, refuse: Callable[[ServerConnection, Request], Response | None] | None = None
    ) -> AsyncIterator[ScriptedServer]:
        def gate(connection: ServerConnection, request: Request) -> Response | None:
            if self._refusing:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
            return refuse(connection, request) if refuse else None

        server: Server
        # A script that reads no further gets no answer to its goodbye.
        async with serve(self._play, "127.0.0.1", 0, process_request=gate, compression=None, close_timeout=1) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/v1/realtime?model=test-model"
            yield self
        assert not self.failures, self.failures
