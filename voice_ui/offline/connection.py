"""One client of the practice server: reads what it sends, writes what its session posts, and ends both together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import orjson
from websockets.asyncio.server import ServerConnection

from voice_ui.offline.items import new_id
from voice_ui.offline.parts import Parts
from voice_ui.offline.session import PracticeSession
from voice_ui.protocol.client import Rejected
from voice_ui.protocol.reading import Event
from voice_ui.protocol.server import ErrorEvent

LONG_MESSAGE = 64 * 1024
"""Characters. Longer messages are read one at a time, so that many of them do not hold up the event loop."""

BURST = 10
"""After so many messages others get the event loop: what has come already is handed over without a wait."""

OUTBOX_BYTES = 4 * 1024 * 1024
"""A client that has not read this much is not reading: its connection is dropped."""

EXPIRED = "Your session hit the maximum duration of 60 minutes."
"""OpenAI's words."""

log = logging.getLogger(__name__)


Act = Callable[[ServerConnection], Awaitable[None]]
"""An action on the websocket, queued among the messages."""


async def refuse(
    websocket: ServerConnection, code: str, message: str, close_code: int, type: str = "invalid_request_error"
) -> None:
    """Refuse a client as OpenAI does: the upgrade succeeds, then one `error` event and the end."""
    error = ErrorEvent(type, code, message).to_wire()
    await websocket.send(orjson.dumps({"type": error.pop("type"), "event_id": new_id("event"), **error}), text=True)
    await websocket.close(close_code, f"{type}.{code}")


class ClientConnection:
    """Runs one session from its first event to its last."""

    def __init__(
        self,
        websocket: ServerConnection,
        parts: Parts,
        *,
        model: str,
        session_seconds: float,
        floor: asyncio.Lock | None = None,
    ) -> None:
        """The lock `floor` lets only one client's long message be processed at a time."""
        self._websocket, self._session_seconds = websocket, session_seconds
        self._floor = floor or asyncio.Lock()
        self._outbox: asyncio.Queue[bytes | Act] = asyncio.Queue()
        self._outbox_bytes = 0
        self.session = PracticeSession(parts, self.post, model=model, expires_at=int(time.time() + session_seconds))

    async def run(self) -> None:
        """Serve the client until one side closes; raises what the websocket raises."""
        expiry = asyncio.get_running_loop().call_later(self._session_seconds, self._expire)
        reading = asyncio.create_task(self._read_loop(), name="offline: read")
        writing = asyncio.create_task(self._write_loop(), name="offline: write")
        try:
            done, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            expiry.cancel()
            reading.cancel()
            writing.cancel()
            await self.session.aclose()
            await asyncio.gather(reading, writing, return_exceptions=True)

    def post(self, event: Event) -> None:
        """Send an event of the session."""
        wire = event.to_wire()
        self.send({"type": wire.pop("type"), "event_id": new_id("event"), **wire})

    def send(self, wire: dict[str, object]) -> None:
        """Send an event as JSON."""
        if self._outbox_bytes > OUTBOX_BYTES:
            return  # its connection is being dropped
        message = orjson.dumps(wire)
        self._outbox.put_nowait(message)
        self._outbox_bytes += len(message)
        if self._outbox_bytes > OUTBOX_BYTES:
            log.info("a client does not read; its connection is dropped")
            self._websocket.transport.abort()

    def act(self, act: Act) -> None:
        """Queue an action on the websocket, after all messages so far."""
        self._outbox.put_nowait(act)

    def receive(self, message: str | bytes) -> None:
        """Take in a message of the client."""
        self.session.receive(message)

    async def _read_loop(self) -> None:
        self.session.start()
        handled = 0
        async for message in self._websocket:
            handled += 1
            if handled % BURST == 0:
                await asyncio.sleep(0)
            if len(message) > LONG_MESSAGE:
                async with self._floor:
                    self.receive(message)
                    await asyncio.sleep(0)
            else:
                self.receive(message)
            if self.session.busy:
                await self.session.prepare()
                self.session.work()
            while self.session.busy:
                async with self._floor:
                    self.session.work()
                    await asyncio.sleep(0)

    async def _write_loop(self) -> None:
        while True:
            entry = await self._outbox.get()
            if isinstance(entry, bytes):
                await self._websocket.send(entry, text=True)
                self._outbox_bytes -= len(entry)
            else:
                await entry(self._websocket)

    def _expire(self) -> None:
        self.session.refuse(Rejected("session_expired", EXPIRED))
        self.act(lambda websocket: websocket.close(1001, EXPIRED))
