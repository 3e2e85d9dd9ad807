"""What the session itself costs, without a socket and without a page: per chunk out, per delta in.

    python -m benchmarks.core [--walk]

A session runs against a transport in memory that does what the websocket's does up to the socket. A chunk is timed from
`append_audio` to the JSON that would be sent; a delta from the JSON that was received to the event that is read. The
floor does the same with nothing in between. `--walk` lists every call of a function of ours on both ways, in order.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

import voice_ui
from benchmarks.figures import Figures, collect, table
from voice_ui import audio
from voice_ui.errors import Problem
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import Phase, RealtimeSession, StateChanged, TextDelta

OURS = f"{Path(voice_ui.__file__).parent}/"

CHUNK = (b"\x00\x01\xff\xfe" * 480)[: len(audio.silence(audio.CHUNK_MS))]
"""20 ms of a quiet room."""

PLACE = {"response_id": "resp_1", "item_id": "item_a", "output_index": 0, "content_index": 0}
"""Where the text of the reply belongs."""

COUNT = 2000
"""Chunks, or deltas, that are timed together."""

WARM = 200
"""Before anything is timed or listed."""


class MemoryTransport:
    """Does what `WebsocketTransport` does, up to the socket; see `Transport`."""

    def __init__(self) -> None:
        self.sent = 0
        self.arrived = asyncio.Event()
        self.patience = 10.0
        self.alive_at = time.monotonic()
        self.round_trip_ms: float | None = None
        self.problem: Problem | None = None
        self._messages: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, event: dict[str, Any]) -> None:
        message = orjson.dumps(event)
        self.sent += 1
        self.arrived.set()
        if event["type"] == "session.update":
            self.say("session.updated", session=orjson.loads(message)["session"])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._messages.get()

    def say(self, type: str, **fields: object) -> None:
        """Let the server say something."""
        self._messages.put_nowait(orjson.dumps({"type": type, "event_id": "event_x", **fields}))


class Core:
    """A session that listens, and has begun to answer once."""

    def __init__(self) -> None:
        self.transport = MemoryTransport()
        self.read = asyncio.Event()
        self.listening = asyncio.Event()
        endpoint = Endpoint("nobody's server", "ws://localhost/v1/realtime", "none")
        self.session = RealtimeSession(endpoint, SessionConfig("Be brief."), connect=self._connect)

    @asynccontextmanager
    async def _connect(self, endpoint: Endpoint) -> AsyncIterator[MemoryTransport]:
        self.transport.say("session.created", session={"type": "realtime", "id": "sess_1"})
        yield self.transport

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the session and read it, until the end of the block."""
        reading = asyncio.create_task(self._read(), name="read")
        try:
            self.session.start()
            await self.listening.wait()
            yield
        finally:
            await self.session.close()
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read(self) -> None:
        async for event in self.session:
            if isinstance(event, TextDelta):
                self.read.set()
            elif isinstance(event, StateChanged) and event.state.phase is Phase.LISTENING:
                self.listening.set()

    async def chunk(self) -> None:
        """Let one chunk go all its way."""
        self.transport.arrived.clear()
        self.session.append_audio(CHUNK)
        await self.transport.arrived.wait()

    async def delta(self) -> None:
        """Let one delta go all its way."""
        self.read.clear()
        self.transport.say("response.output_text.delta", **PLACE, delta=" some words")
        await self.read.wait()

    def begin_reply(self) -> None:
        """Let the server begin a reply; its first delta comes as an item, not as a delta."""
        self.transport.say("input_audio_buffer.speech_started", item_id="item_u", audio_start_ms=0)
        self.transport.say("input_audio_buffer.speech_stopped", item_id="item_u", audio_end_ms=500)
        self.transport.say("input_audio_buffer.committed", item_id="item_u")
        self.transport.say("response.created", response={"id": "resp_1", "status": "in_progress"})
        self.transport.say("response.output_text.delta", **PLACE, delta="Well,")


class Floor:
    """The same without a session: one queue and one task for each direction."""

    def __init__(self) -> None:
        self._arrived = asyncio.Event()
        self._read = asyncio.Event()
        self._messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._send_loop()), asyncio.create_task(self._receive_loop())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def _send_loop(self) -> None:
        while True:
            pcm = await self._chunks.get()
            orjson.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode("ascii")})
            self._arrived.set()

    async def _receive_loop(self) -> None:
        while True:
            if orjson.loads(await self._messages.get())["delta"]:
                self._read.set()

    def begin_reply(self) -> None:
        pass

    async def chunk(self) -> None:
        self._arrived.clear()
        self._chunks.put_nowait(CHUNK)
        await self._arrived.wait()

    async def delta(self) -> None:
        self._read.clear()
        event = {"type": "response.output_text.delta", "event_id": "event_x"}
        self._messages.put_nowait(orjson.dumps({**event, **PLACE, "delta": " some words"}))
        await self._read.wait()


async def run(*, bare: bool) -> Figures:
    """Measure one run of the session, or of the floor: microseconds of this thread's processor time."""
    core = Floor() if bare else Core()
    async with core.running():
        chunk_us = await _microseconds(core.chunk)
        core.begin_reply()
        return {"per chunk, µs": chunk_us, "per delta, µs": await _microseconds(core.delta)}


async def _microseconds(step: Callable[[], Awaitable[None]]) -> float:
    for _ in range(WARM):
        await step()
    gc.collect()
    gc.disable()
    try:
        start = time.thread_time()
        for _ in range(COUNT):
            await step()
        return (time.thread_time() - start) / COUNT * 1e6
    finally:
        gc.enable()


async def walks() -> dict[str, list[str]]:
    """Return every call of a function of ours, in order, for one chunk and for one delta of a reply that is written.

    A coroutine that is resumed counts as called: it costs as much.
    """
    core, found = Core(), {}
    async with core.running():
        for name, step in (("chunk", core.chunk), ("delta", core.delta)):
            if name == "delta":
                core.begin_reply()
            for _ in range(WARM):
                await step()
            found[name] = await _calls(step)
    return found


async def _calls(step: Callable[[], Awaitable[None]]) -> list[str]:
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            module = frame.f_code.co_filename.removeprefix(OURS).removesuffix(".py").replace("/", ".")
            calls.append(f"{module}: {frame.f_code.co_qualname}")

    sys.setprofile(note)
    try:
        await step()
        await asyncio.sleep(0)
    finally:
        sys.setprofile(None)
    return calls


def main() -> None:
    """Print a table, or the walks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.core", description=__doc__.partition("\n")[0])
    parser.add_argument("--walk", action="store_true", help="list the calls of our functions instead")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    if options.walk:
        for name, calls in asyncio.run(walks()).items():
            lines = "\n".join(f"{number:3} {call}" for number, call in enumerate(calls, 1))
            sys.stdout.write(f"A {name}: {len(set(calls))} functions, {len(calls)} calls\n{lines}\n")
        return
    ours, floor = [], []
    for _ in range(options.runs):
        ours.append(asyncio.run(run(bare=False)))
        floor.append(asyncio.run(run(bare=True)))
    sys.stdout.write(table(f"The session alone: median of {options.runs} (least to most)", collect(ours, floor, {})))


if __name__ == "__main__":
    main()
