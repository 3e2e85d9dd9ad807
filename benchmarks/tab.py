"""One simulated tab: a socket.io client that sends what mic.js sends, and reads what NiceGUI shows. Or a bare one."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode
from urllib.request import urlopen
from uuid import uuid4

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from voice_ui import audio

ACK_SECONDS = 3.0
"""How often NiceGUI's page says what it has (static/nicegui.js, createApp)."""

CONNECT_SECONDS = 30.0

PLAYED_SECONDS = 0.2
"""NOTE: REPORT_MS in speaker.js."""

Shown = Callable[[float, list[str]], None]
"""Called with the moment at which texts arrived, and the texts."""


class Wire(ClientConnection):
    """A websocket that counts the bytes of its TCP connection."""

    received = sent = 0

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        super().data_received(data)

    def send_data(self) -> None:
        for data in self.protocol.data_to_send():
            self.sent += len(data)
            self.transport.write(data)


class Tab(Protocol):
    """What both kinds can do."""

    wire: Wire

    async def open(self) -> None:
        """Be where chunks are taken; raises what goes wrong."""

    async def speak(self, pcm: bytes, *, breathes: bool = True) -> None:
        """Send 20 ms; a tab that `breathes` joins as many of them as its page is asked to."""

    async def flush(self) -> None:
        """Send what is joined."""

    async def read_loop(self) -> None:
        """Read what comes until the connection ends."""


class BareTab:
    """The page of benchmarks/floor.py."""

    wire: Wire

    def __init__(self, url: str, shown: Shown) -> None:
        self._url = f"{url.replace('http', 'ws', 1)}/ws"
        self._shown = shown

    async def open(self) -> None:
        wire = await connect(self._url, create_connection=Wire, compression=None, ping_interval=None)
        assert isinstance(wire, Wire)
        self.wire = wire

    async def speak(self, pcm: bytes, *, breathes: bool = True) -> None:
        await self.wire.send(pcm)

    async def flush(self) -> None:
        pass

    async def read_loop(self) -> None:
        async for message in self.wire:
            self._shown(time.monotonic(), [str(message)])


class PageTab:
    """Our page. NOTE: nicegui.js says how events are sent and updates read, mic.js which events."""

    wire: Wire

    def __init__(self, url: str, shown: Shown) -> None:
        self._url = url
        self._shown = shown
        self._seq = 0
        self._joined: list[bytes] = []
        self._per_chunk = 1
        self._next_message_id = 0
        self._received = self._played = 0  # samples of the reply
        self._stream = 0
        self._synced = asyncio.Event()
        self._listening = asyncio.Event()

    async def open(self) -> None:
        page = await asyncio.to_thread(lambda: urlopen(self._url, timeout=CONNECT_SECONDS).read().decode())
        self._read_page(page)
        query = {
            "client_id": self._client_id,
            "next_message_id": self._next_message_id,
            "implicit_handshake": "true",
            "document_id": f"{uuid4()}",
            "tab_id": f"{uuid4()}",
            "old_tab_id": "null",
            "EIO": 4,
            "transport": "websocket",
        }
        url = f"{self._url.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?{urlencode(query)}"
        wire = await connect(url, create_connection=Wire, ping_interval=None, origin=Origin(self._url))
        assert isinstance(wire, Wire)
        self.wire = wire
        await wire.recv()  # engine.io's greeting
        await wire.send("40")
        await wire.recv()
        reading = asyncio.create_task(self.read_loop(), name="read until ready")
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._emit("hello", '"\\"measure\\""')
            await self._synced.wait()
            await self._post("starting", "null")
            await self._post("started", orjson.dumps({"rate": audio.SAMPLE_RATE, "device": "measure"}).decode())
            await self._listening.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    def _read_page(self, page: str) -> None:
        raw = page.partition("String.raw`")[2].partition("`")[0]
        for escaped, sign in (("&#36;", "$"), ("&#96;", "`"), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
            raw = raw.replace(escaped, sign)
        elements: dict[str, dict[str, Any]] = orjson.loads(raw)
        told = re.search(r"'client_id': '([^']+)', 'next_message_id': (\d+)", page)
        assert told, "NiceGUI's page looks different"
        self._client_id, self._next_message_id = told[1], int(told[2])
        self._heads, self._speaker_heads = (
            {
                event["type"]: f'42["event",{{"id":{id},"client_id":"{self._client_id}",'
                f'"listener_id":"{event["listener_id"]}","args":['
                for id, element in elements.items()
                if element["tag"] == tag
                for event in element["events"]
            }
            for tag in ("nicegui-mic", "nicegui-speaker")
        )

    async def speak(self, pcm: bytes, *, breathes: bool = True) -> None:
        self._joined.append(pcm)
        if not breathes or len(self._joined) >= self._per_chunk:
            await self.flush()

    async def flush(self) -> None:
        if frames := len(self._joined):
            pcm = b"".join(self._joined)
            self._joined.clear()
            # Base64 needs no escapes, so it can be put into JSON as it is.
            await self._post("chunk", f'\\"{base64.b64encode(pcm).decode("ascii")}\\"', escaped=True, frames=frames)

    async def read_loop(self) -> None:
        others = [asyncio.create_task(self._ack_loop(), name="ack")]
        if self._speaker_heads:
            others.append(asyncio.create_task(self._play_loop(), name="play"))
        try:
            async for message in self.wire:
                if isinstance(message, bytes):
                    self._received += len(message) // audio.SAMPLE_BYTES
                else:
                    await self._take(time.monotonic(), message)
        finally:
            for other in others:
                other.cancel()

    async def _take(self, now: float, message: str) -> None:
        if message == "2":  # engine.io asks whether we are here
            await self.wire.send("3")
        if message.startswith('451-["voice_ui_audio"'):
            stream = orjson.loads(message[4:])[2]
            if stream != self._stream:
                self._stream, self._received, self._played = stream, 0, 0
        if not message.startswith("42"):
            return
        name, body = orjson.loads(message[2:])
        self._next_message_id = body.pop("_id", self._next_message_id - 1) + 1
        if name == "update":
            self._shown(now, [element["text"] for element in body.values() if element and element.get("text")])
            for element in body.values():
                if element and element["tag"] == "nicegui-mic":
                    self._per_chunk = element["props"]["chunk-ms"] // audio.CHUNK_MS
            if '"data-state":"listening"' in message:
                self._listening.set()
        elif name == "voice_text":
            self._shown(now, [body.get("text", "")])  # others mark the end of a reply, or its place
        elif name == "run_javascript":
            if "resendAfter" in body["code"]:
                self._synced.set()
            if body.get("request_id"):
                answer = {"request_id": body["request_id"], "client_id": self._client_id, "result": None}
                await self._say("javascript_response", answer)

    async def _ack_loop(self) -> None:
        while True:
            await asyncio.sleep(ACK_SECONDS)
            await self._say("ack", {"client_id": self._client_id, "next_message_id": self._next_message_id})

    async def _play_loop(self) -> None:
        """Play what is received, as speaker.js reports it."""
        head = self._speaker_heads
        await self.wire.send(f'{head["hello"]}"\\"measure\\"","0","0"]}}]')
        while True:
            await asyncio.sleep(PLAYED_SECONDS)
            if self._played < self._received:
                self._played = min(self._received, self._played + round(PLAYED_SECONDS * audio.SAMPLE_RATE))
                state = "playing" if self._played < self._received else "empty"
                await self.wire.send(f'{head["played"]}"{self._stream}","{self._played}","\\"{state}\\""]}}]')

    async def _say(self, name: str, body: dict[str, Any]) -> None:
        await self.wire.send("42" + orjson.dumps([name, body]).decode())

    async def _post(self, name: str, body: str, *, escaped: bool = False, frames: int = 1) -> None:
        self._seq += frames
        inner = body if escaped else orjson.dumps(body).decode()[1:-1]
        await self._emit(name, f'"{self._seq}","{inner}"')

    async def _emit(self, name: str, arguments: str) -> None:
        await self.wire.send(f"{self._heads[name]}{arguments}]}}]")
