"""A realtime server that does exactly what a test says, over a real socket on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.servers.wire import Wire
from voice_ui.protocol import Dialect
from voice_ui.servers import Endpoint
from voice_ui.settings import Secret

Script = Callable[[Wire], Awaitable[None]]
Gate = Callable[[ServerConnection, Request], Response | None]


async def holds(wire: Wire) -> None:
    """Accept the configuration and listen, until the client leaves, however early."""
    with suppress(ConnectionClosed):
        await wire.configure()
        await wire.until_closed()


class ScriptedServer:
    """Plays one script for each connection, the last one again for all that follow."""

    def __init__(self, *scripts: Script, beta: bool = False) -> None:
        self._scripts = list(scripts)
        self._beta = beta
        self.wires: list[Wire] = []
        self.url = ""
        self.failures: list[BaseException] = []
        self.open = 0
        self.asked = 0
        """How many connections were asked for, refused ones included."""
        self._refusing = False
        self._playing: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.split(":")[2].split("/")[0])

    @property
    def endpoint(self) -> Endpoint:
        """Leads to it."""
        return self.endpoint_through(self.port)

    def endpoint_through(self, port: int) -> Endpoint:
        """Lead to it through a cable that listens on `port`."""
        url = f"ws://127.0.0.1:{port}/v1/realtime?model=test-model"
        headers = {"Authorization": Secret("Bearer sk-test-0123456789")}
        return Endpoint("the test server", url, "test-model", headers, Dialect.BETA if self._beta else Dialect.GA)

    @property
    def complaints(self) -> list[str]:
        """What clients sent and should not have."""
        return [complaint for wire in self.wires for complaint in wire.judge.complaints]

    async def _play(self, websocket: ServerConnection) -> None:
        wire = Wire(websocket, beta=self._beta)
        self.wires.append(wire)
        self.open += 1
        task = asyncio.current_task()
        assert task
        self._playing.add(task)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        try:
            await script(wire)
        except BaseException as error:
            self.failures.append(error)
            raise
        finally:
            self.open -= 1
            self._playing.discard(task)
            wire.open = False

    def refuse_from_now_on(self) -> None:
        """Break all connections, and answer new ones with an error of the server."""
        self._refusing = True
        for wire in self.wires:
            wire.abort()

    def welcome_again(self) -> None:
        """Play the scripts again."""
        self._refusing = False

    @asynccontextmanager
    async def running(self, refuse: Gate | None = None, *, strict: bool = True) -> AsyncIterator[ScriptedServer]:
        """Serve; at the end no script may have failed and, if `strict`, no client misbehaved."""

        def gate(connection: ServerConnection, request: Request) -> Response | None:
            self.asked += 1
            if self._refusing:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
            return refuse(connection, request) if refuse else None

        server: Server
        # A script that reads no further gets no answer to its goodbye.
        async with serve(self._play, "127.0.0.1", 0, process_request=gate, compression=None, close_timeout=1) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/v1/realtime?model=test-model"
            try:
                yield self
            finally:
                for wire in self.wires:
                    wire.abort()
                if self._playing:  # most end now; what waits for something else is not waited for
                    await asyncio.wait(self._playing, timeout=0.1)
                for task in self._playing:
                    task.cancel()
        failures = [error for error in self.failures if not isinstance(error, asyncio.CancelledError)]
        assert not failures, failures
        if strict:
            assert not self.complaints, self.complaints
