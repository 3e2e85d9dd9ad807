"""Websocket beside WebRTC, between this program and a realtime server: which is quicker, cheaper, and on what link?

    python benchmarks/transports.py [websocket] [webrtc] [--seconds 20] [--sessions 5]

Needs the extra `webrtc` and an address on a network (WebRTC uses no loopback). Both go from this process to the offline
server's sockets in another, each through a relay of ours that delays every piece by half the round trip and loses some:

* of UDP, packets are dropped;
* of TCP nothing is lost, but what was comes one round trip and 60 ms late (three later packets must tell of it), and
  all that follows waits for it. So a lost segment looks to who reads; a real network may be kinder or worse.

Measured: set-up, from the first byte to `session.created`; a chunk handed to the transport → its sound in the hands of
the server (a click once a second, found again behind Opus and its jitter buffer), p50 and p95; clicks that never came;
processor time of this process for each session, while `--sessions` of them speak. One clock: this machine's monotonic.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import sys
import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection

from benchmarks.figures import columns
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from voice_ui import audio
from voice_ui.offline.connection import ClientConnection
from voice_ui.protocol import client
from voice_ui.servers import Endpoint
from voice_ui.session import percentile
from voice_ui.sharing.addresses import lan_addresses
from voice_ui.transport import Transport, webrtc, websocket
from voice_ui.transport.call import Call

EVERY = 50
"""Chunks from one click to the next."""

SILENCE = audio.silence(audio.CHUNK_MS)
CLICK = b"\x00\x50\x00\xb0" * (len(SILENCE) // 4)
LOUD = 4000
LATE_SECONDS = 2.0
TCP_WAIT_SECONDS = 0.06
SEGMENT_BYTES = 1400

WAYS: dict[str, Callable[[Endpoint], AbstractAsyncContextManager[Transport]]] = {
    "websocket": websocket.connect,
    "webrtc": webrtc.connect,
}


@dataclass(frozen=True)
class Link:
    """What lies between."""

    round_trip_ms: float
    loss: float

    def __str__(self) -> str:
        return f"{self.round_trip_ms:g} ms, {self.loss:.0%} lost"


LINKS = [Link(0, 0), Link(50, 0), Link(50, 0.01), Link(50, 0.05)]


# The server, in a process of its own.


class Listener(ClientConnection):
    """Tells when a click has arrived, and answers nothing."""

    quiet = True

    def receive(self, message: str | bytes) -> None:
        now = time.monotonic()
        event = orjson.loads(message)
        if event["type"] == "input_audio_buffer.append":
            samples = array("h", audio.decode(event["audio"]))
            loud = max(samples, default=0) > LOUD
            if loud and self.quiet:
                sys.stdout.write(f"{now!r}\n")
                sys.stdout.flush()
            self.quiet = not loud


class ListeningServer(FaultyServer):
    def connection(self, websocket: ServerConnection, model: str) -> ClientConnection:
        return Listener(websocket, self.parts, model=model, session_seconds=3600)


async def listen() -> None:
    async with faulty.serve(kind=ListeningServer) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


# The link.


class Relay:
    """Carries UDP and TCP to one place, slowly, and not all of it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._chance = random.Random(8)

    @property
    def _delay(self) -> float:
        return self._link.round_trip_ms / 2000

    def _is_lost(self) -> bool:
        return self._chance.random() < self._link.loss

    @asynccontextmanager
    async def tcp(self, port: int) -> AsyncIterator[int]:
        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, forth = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(self._carry(reader, forth), self._carry(back, writer), return_exceptions=True)

        async with await asyncio.start_server(connect, "127.0.0.1", 0) as listening:
            yield listening.sockets[0].getsockname()[1]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop, due = asyncio.get_running_loop(), 0.0
        while data := await reader.read(SEGMENT_BYTES):
            late = self._link.round_trip_ms / 1000 + TCP_WAIT_SECONDS if self._is_lost() else 0.0
            due = max(due, loop.time() + self._delay + late)  # what follows waits
            loop.call_at(due, writer.write, data)
        loop.call_at(max(due, loop.time() + self._delay), writer.close)

    async def udp(self, host: str) -> _Udp:
        """Open a port at which two meet: one whom it is told of, and one who comes."""
        loop = asyncio.get_running_loop()
        carrier = _Udp(self._is_lost, lambda send: loop.call_later(self._delay, send))
        await loop.create_datagram_endpoint(lambda: carrier, local_addr=(host, 0))
        return carrier


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, is_lost: Callable[[], bool], later: Callable[[Callable[[], None]], object]) -> None:
        self.port = 0
        self.target: tuple[str, int] | None = None
        self._is_lost, self._later = is_lost, later
        self._client: tuple[str, int] | None = None
        self._early: list[tuple[bytes, tuple[str, int]]] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        if source != self.target:
            self._client = source
        to = self._client if source == self.target else self.target
        if to is None:  # whom it is for has not come yet
            self._early.append((data, source))
        elif not self._is_lost():
            self._later(lambda: self._transport.sendto(data, to))
        if self._client and self.target:
            early, self._early = self._early, []
            for piece in early:
                self.datagram_received(*piece)


def through(relay: Relay, host: str) -> None:
    """Let calls go through a relay: each side is told that the relay's port is the other one."""
    post = Call._post
    original = getattr(post, "original", post)

    async def relayed(call: Any, offer: str) -> str:
        carrier = await relay.udp(host)
        answer = await original(call, _led_to(host, carrier.port, offer))
        found = re.search(rf"^a=candidate:.* {re.escape(host)} (\d+) typ host", answer, re.MULTILINE)
        assert found, f"the server is not at {host}"
        carrier.target = host, int(found[1])
        return _led_to(host, carrier.port, answer)

    relayed.original = original  # type: ignore[attr-defined]
    Call._post = relayed  # type: ignore[assignment, method-assign]


def _led_to(host: str, port: int, description: str) -> str:
    """Return a description with one candidate in each section."""
    lines = [line for line in description.splitlines() if not line.startswith("a=candidate")]
    told = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host"
    return (
        "\r\n".join(text for line in lines for text in ([told, line] if line.startswith("a=ice-ufrag") else [line]))
        + "\r\n"
    )


# The measurement.


@dataclass(frozen=True)
class Row:
    link: str
    way: str
    set_up_ms: float
    p50_ms: float
    p95_ms: float
    missing: float
    cpu: float


async def created(transport: Transport) -> None:
    async for message in transport:
        if b"session.created" in (message if isinstance(message, bytes) else message.encode()):
            return


async def measure(link: Link, way: str, url: str, heard: list[float], seconds: float, sessions: int) -> Row:
    relay = Relay(link)
    port = int(url.partition("127.0.0.1:")[2].partition("/")[0])
    through(relay, lan_addresses()[0])
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(relay.tcp(port))
        endpoint = Endpoint("it", url.replace(f":{port}", f":{near}"), "m")
        transports, set_up = [], []
        for _ in range(sessions):
            start = time.monotonic()
            transports.append(await stack.enter_async_context(WAYS[way](endpoint)))
            await created(transports[-1])
            set_up.append((time.monotonic() - start) * 1000)
        await asyncio.sleep(1)
        heard.clear()
        used, begun = time.process_time(), time.monotonic()
        sent = await speak(transports[0], seconds, clicks=True, others=transports[1:])
        cpu = (time.process_time() - used) / (time.monotonic() - begun) / sessions
        await asyncio.sleep(LATE_SECONDS)
    took = [next((at - moment for at in heard if 0 <= at - moment < LATE_SECONDS), None) for moment in sent]
    came = [1000 * seconds for seconds in took if seconds is not None]
    missing = 1 - len(set(heard)) / len(sent)
    return Row(
        f"{link}", way, statistics.median(set_up), percentile(came, 0.5), percentile(came, 0.95), max(0.0, missing), cpu
    )


async def speak(first: Transport, seconds: float, *, clicks: bool, others: Sequence[Transport]) -> list[float]:
    """Send silence with clicks into the first, silence into the others; return when the clicks were sent."""
    sent, start = [], time.monotonic()
    for number in range(round(seconds * 1000 / audio.CHUNK_MS)):
        await asyncio.sleep(max(0.0, start + number * audio.CHUNK_MS / 1000 - time.monotonic()))
        is_click = clicks and number % EVERY == 0
        if is_click:
            sent.append(time.monotonic())
        await first.send(append(CLICK if is_click else SILENCE))
        for other in others:
            await other.send(append(SILENCE))
    return sent


def append(pcm: bytes) -> dict[str, Any]:
    """Return the event that carries PCM."""
    return client.InputAudioBufferAppend(audio.encode(pcm)).to_wire()


async def read(process: asyncio.subprocess.Process, heard: list[float]) -> None:
    assert process.stdout
    while line := await process.stdout.readline():
        heard.append(float(line))


async def main(options: argparse.Namespace) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--listen", stdin=pipe, stdout=pipe)
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    heard: list[float] = []
    reading = asyncio.create_task(read(process, heard))
    rows = [
        ("round trip, loss", "transport", "set-up, ms", "chunk → server p50, ms", "p95", "missing", "core per session")
    ]
    for link in LINKS:
        for way in options.ways or WAYS:
            row = await measure(link, way, url, heard, options.seconds, options.sessions)
            figures = (f"{row.set_up_ms:.0f}", f"{row.p50_ms:.0f}", f"{row.p95_ms:.0f}")
            rows.append((row.link, row.way, *figures, f"{row.missing:.1%}", f"{row.cpu:.1%}"))
            sys.stderr.write(f"{row}\n")
    sys.stdout.write(f"{columns(rows)}\n")
    process.terminate()
    await process.wait()
    reading.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ways", nargs="*", choices=[[], *WAYS], metavar="WAY", help=f"{' or '.join(WAYS)}; both")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--listen", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    asyncio.run(listen() if chosen.listen else main(chosen))
