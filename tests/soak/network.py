"""A network without sockets, which fails as dirtily as a real one: cuts, flaps, half-open links, hanging attempts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Literal

import orjson
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from tests.servers.realtime import Behaviour, Realtime
from tests.servers.wire import Wire
from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.servers import Endpoint
from voice_ui.transport.interface import PATIENCE_SECONDS
from voice_ui.transport.websocket import CLOSE_SECONDS, CONNECT_SECONDS, PING_SECONDS, _closed

Mode = Literal["up", "down", "hanging", "busy", "refusing"]
"""What becomes of attempts to connect: `busy` is HTTP 503, `refusing` a key that is not accepted."""

_GONE = object()


class Line:
    """One connection, seen from both ends: a `Transport` for the session, a websocket for the server's `Wire`."""

    def __init__(self, network: Network, endpoint: Endpoint, behaviour: Behaviour) -> None:
        self.network, self.endpoint = network, endpoint
        self.patience = PATIENCE_SECONDS
        self.problem: Problem | None = None
        self.opened_at = self.heard_at = network.now()
        self.died_at: float | None = None
        self.left = False
        """The session has let go of it."""
        self.server = Realtime(behaviour, network.numbers)
        self.wire = MemoryWire(self)
        self.told: list[dict[str, Any]] = []
        """All that the session was told."""
        self.sent = 0
        self.cut_at: int | None = None
        """The number of the client event after which it breaks."""
        self._up: asyncio.Queue[Any] = asyncio.Queue()
        self._down: asyncio.Queue[Any] = asyncio.Queue()
        self._due = [0.0, 0.0]
        self._error: SessionError | None = None
        self._cut = self._closed = False
        self._serving = asyncio.create_task(self.server(self.wire), name="soak server")

    # The session's end.

    @property
    def alive_at(self) -> float:
        """The last ping that was answered was sent then."""
        until = self.network.now() if self.died_at is None else self.died_at
        pings = int((until - self.opened_at) / PING_SECONDS)
        return self.opened_at + max(0, pings - 1) * PING_SECONDS

    @property
    def round_trip_ms(self) -> float | None:
        """As the network is now."""
        return self.network.latency * 2000

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event to the server."""
        if self._error:
            raise self._error
        self.sent += 1
        if self.died_at is None:
            self._deliver(0, self._up, orjson.dumps(event).decode())
        if self.cut_at is not None and self.sent >= self.cut_at:
            self.cut()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield what the server says."""
        while True:
            message = await self._down.get()
            if isinstance(message, SessionError):
                self._error = message
                raise message
            try:
                self.told.append(orjson.loads(message))
            except orjson.JSONDecodeError:
                pass
            self.heard_at = self.network.now()
            yield message

    # The server's end.

    async def recv(self) -> str:
        """Return what the session sent."""
        message = await self._up.get()
        if message is _GONE:
            self._up.put_nowait(_GONE)
            raise ConnectionClosedError(None, None)
        return str(message)

    def say(self, message: str) -> None:
        """Send something to the session."""
        if self.left or self._closed or self._cut:
            raise ConnectionClosedError(None, None)
        if self.died_at is None:
            self._deliver(1, self._down, message)

    def close(self, code: int, reason: str) -> None:
        """Close it with a goodbye."""
        if not self._closed and not self._cut and not self.left:
            self._closed = True
            self._up.put_nowait(_GONE)
            if self.died_at is None:
                error = _closed(ConnectionClosedError(Close(code, reason), None), self.endpoint)
                self._deliver(1, self._down, error)

    # What happens to it.

    def cut(self) -> None:
        """Break it: both ends notice, and what is on the way is lost."""
        if self._cut or self._error:
            return
        self._cut = True
        facts = {"server": self.endpoint.name, "model": self.endpoint.model, "address": self.endpoint.setting}
        self._error = ConnectionFailed("connection-lost", "cut", **facts)
        for queue in (self._up, self._down):
            while self.network.random.random() < 0.5 and not queue.empty():
                queue.get_nowait()
        self._down.put_nowait(self._error)
        self._up.put_nowait(_GONE)

    def die(self) -> None:
        """Carry nothing any more, and tell nobody: the session notices when its patience is over."""
        if self.died_at is None:
            self.died_at = self.network.now()
            last_pong = self.alive_at + PING_SECONDS
            self.heard_at = max(self.heard_at, min(last_pong, self.died_at))
            self._look()

    def _look(self) -> None:
        if self.left or self._cut or self._error:
            return
        if self.network.now() - self.heard_at > self.patience:
            self.cut()
        else:
            asyncio.get_running_loop().call_later(1.0, self._look)

    def _deliver(self, way: int, queue: asyncio.Queue[Any], what: Any) -> None:
        latency = self.network.latency
        now = self.network.now()
        if not latency and self._due[way] <= now:
            queue.put_nowait(what)
            return
        self._due[way] = max(now + latency * self.network.random.uniform(0.5, 1.0), self._due[way] + 1e-6)
        asyncio.get_running_loop().call_at(self._due[way], self._arrive, way, queue, what)

    def _arrive(self, way: int, queue: asyncio.Queue[Any], what: Any) -> None:
        if not self._cut and self.died_at is None:
            queue.put_nowait(what)

    async def leave(self) -> None:
        """The session lets go: with a closing handshake, or without an answer to it."""
        try:
            if self.died_at is not None and self._error is None:
                await asyncio.sleep(CLOSE_SECONDS)
            elif self.network.latency:
                await asyncio.sleep(2 * self.network.latency)
        finally:
            self.left = True
            self._up.put_nowait(_GONE)

    @property
    def serving(self) -> asyncio.Task[None]:
        """The server's task."""
        return self._serving


class MemoryWire(Wire):
    """The server's side of a line."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)  # type: ignore[arg-type]
        self._line = line

    async def send(self, message: str | bytes) -> None:
        """Send any message."""
        self._line.say(message if isinstance(message, str) else message.decode())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it with a goodbye."""
        self._line.close(code, reason)

    def abort(self) -> None:
        """Break it."""
        self._line.cut()


class Network:
    """Carries the connections of one schedule."""

    def __init__(self, random: random.Random, behaviour: Callable[[], Behaviour]) -> None:
        self.random = random
        self.mode: Mode = "up"
        self.latency = 0.0
        self.lines: list[Line] = []
        self.open = 0
        """Connections that the session holds."""
        self.attempts = 0
        self.numbers = count(1)
        """For the ids that servers give."""
        self._behaviour = behaviour
        self._changed = asyncio.Event()

    @staticmethod
    def now() -> float:
        """Return virtual seconds."""
        return asyncio.get_running_loop().time()

    @property
    def running(self) -> list[Line]:
        """The connections that the session holds."""
        return [line for line in self.lines if not line.left]

    def become(self, mode: Mode) -> None:
        """Treat attempts to connect in another way from now on, and those that hang."""
        self.mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint) -> AsyncIterator[Line]:
        """Connect as `voice_ui.transport.connect` does."""
        self.attempts += 1
        await self._reach(endpoint)
        line = Line(self, endpoint, self._behaviour())
        self.lines.append(line)
        self.open += 1
        try:
            yield line
        finally:
            try:
                await line.leave()
            finally:
                self.open -= 1

    async def _reach(self, endpoint: Endpoint) -> None:
        facts = {"server": endpoint.name, "model": endpoint.model, "address": endpoint.setting}
        if self.latency:
            await asyncio.sleep(4 * self.latency)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while self.mode == "hanging":
                    await self._changed.wait()
        except TimeoutError:
            seconds = f"{CONNECT_SECONDS:.0f}"
            raise ConnectionFailed("server-timeout", "it hangs", **facts, seconds=seconds) from None
        match self.mode:
            case "down":
                raise ConnectionFailed("server-unreachable", "nobody there", **facts)
            case "busy":
                raise ConnectionFailed("server-failed", "503", **facts)
            case "refusing":
                raise Refused("key-refused", "401", **facts)
