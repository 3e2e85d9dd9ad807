"""A realtime server that hears a tone and answers with tokens, for any client: the far end of `benchmarks.peers`.

It notes the moment at which the beginning of each tone was read. Each token of the reply is the moment at which it was
sent, written out as in `stamp`. Both are in seconds of this machine's wall clock, which browsers can read, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks import stamp
from voice_ui import audio
from voice_ui.protocol import Dialect, Part, WireItem, server
from voice_ui.protocol.reading import Event

LOUD = 3000
"""Of 32768: a tone; the microphone is silent otherwise."""

QUIET_MS = 300.0
"""Silence after a tone that ends the turn."""

EPOCH = float(int(time.time()) - 1000)
"""Tokens count from here: nine letters hold three years of microseconds."""

THINK_SECONDS = 0.3
"""From the end of the turn to the reply: no server answers in the moment in which it says that the turn has ended."""

TOKENS = 8
TOKEN_SECONDS = 0.15

SESSION = {"type": "realtime", "id": "sess_1", "object": "realtime.session", "model": "tone"}
BETA_SESSION = {"id": "sess_1", "object": "realtime.session", "model": "tone", "modalities": ["text"]}


class ToneServer:
    """The server's side of all connections."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[float] = []
        """When the beginning of each tone was read."""
        self.sent: list[list[float]] = []
        """When the tokens of each reply were sent."""
        self.answered = asyncio.Event()
        """Set when a reply is complete."""

    async def converse(self, websocket: ServerConnection) -> None:
        """Speak with one client."""
        with suppress(ConnectionClosed):
            await _Conversation(self, websocket).run()


class _Conversation:
    def __init__(self, record: ToneServer, websocket: ServerConnection) -> None:
        self._record, self._websocket = record, websocket
        request = websocket.request
        beta = request is not None and "realtime=v1" in request.headers.get("OpenAI-Beta", "")
        self._dialect = Dialect.BETA if beta else Dialect.GA
        self._aloud = False
        self._turn = 0
        self._in_tone = False
        self._quiet_ms = self._heard_ms = 0.0

    async def run(self) -> None:
        """Confirm any configuration, hear tones, answer each."""
        await self._say(server.SessionCreated(BETA_SESSION if self._dialect is Dialect.BETA else SESSION))
        async for message in self._websocket:
            now = time.time()
            event = orjson.loads(message)
            match event["type"]:
                case "input_audio_buffer.append":
                    await self._hear(audio.decode(event["audio"]), now)
                case "session.update":
                    session: dict[str, Any] = event["session"]
                    spoken = session.get("output_modalities") or session.get("modalities") or ["audio"]
                    self._aloud = "audio" in spoken
                    await self._say(server.SessionUpdated(SESSION | session))

    async def _hear(self, pcm: bytes, now: float) -> None:
        self._heard_ms += audio.milliseconds(pcm)
        if audio.peak(pcm) > LOUD:
            self._quiet_ms = 0.0
            if not self._in_tone:
                self._in_tone = True
                self._turn += 1
                self._record.heard.append(now)
                await self._say(server.SpeechStarted(f"item_u{self._turn}", max(0.0, self._heard_ms - 320)))
        elif self._in_tone:
            self._quiet_ms += audio.milliseconds(pcm)
            if self._quiet_ms >= QUIET_MS:
                self._in_tone = False
                await self._answer()

    async def _answer(self) -> None:
        said, item, response = (f"{name}{self._turn}" for name in ("item_u", "item_a", "resp_"))
        await self._say(server.SpeechStopped(said, self._heard_ms), server.Committed(said))
        utterance = WireItem(said, role="user", status="completed", content=(Part("input_audio"),))
        await self._say(server.ItemAdded(utterance), server.ItemDone(utterance))
        await self._say(server.TranscriptionCompleted(said, "a tone"), server.ResponseCreated(response))
        await asyncio.sleep(THINK_SECONDS)
        reply = WireItem(item, role="assistant", status="in_progress")
        await self._say(server.OutputItemAdded(response, reply), server.ItemAdded(reply, said))
        kind = server.OutputAudioTranscriptDelta if self._aloud else server.OutputTextDelta
        sent: list[float] = []
        for _ in range(TOKENS):
            sent.append(time.time())
            await self._say(kind(response, item, 0, stamp.delta(sent[-1] - EPOCH)))
            await asyncio.sleep(TOKEN_SECONDS)
        text = "".join(stamp.delta(moment - EPOCH) for moment in sent)
        part = Part("output_audio", transcript=text) if self._aloud else Part("output_text", text)
        done = WireItem(item, role="assistant", status="completed", content=(part,))
        finished = server.OutputAudioTranscriptDone if self._aloud else server.OutputTextDone
        await self._say(finished(response, item, 0, text), server.OutputItemDone(response, done))
        await self._say(server.ItemDone(done, said), server.ResponseDone(response, output=(done,)))
        self._record.sent.append(sent)
        self._record.answered.set()

    async def _say(self, *events: Event) -> None:
        for event in events:
            wire = {"event_id": "event_x", **event.to_wire(self._dialect)}
            await self._websocket.send(orjson.dumps(wire), text=True)


@asynccontextmanager
async def tone_server(port: int = 0) -> AsyncIterator[ToneServer]:
    """Serve until the end of the block; any path is a realtime session."""
    tones = ToneServer()
    async with serve(tones.converse, "127.0.0.1", port, compression=None, max_size=None) as listening:
        tones.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield tones
