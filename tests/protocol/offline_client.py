"""A plain websocket client of the offline server; everything it receives is judged by the SDK's types."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.judge import judge_server_event
from tests.patience import within
from voice_ui import audio
from voice_ui.offline.parts import RecognizerUnavailable

QUESTION = Path(__file__).parents[2] / "assets" / "question.wav"
"""Somebody asks "what is seven plus five"."""


def question() -> bytes:
    """Return the clip, with enough silence behind it to end a turn."""
    with wave.open(str(QUESTION)) as clip:
        pcm = clip.readframes(clip.getnframes())
        rate = clip.getframerate()
    resampled = pcm if rate == audio.SAMPLE_RATE else audio.Resampler(rate).process(pcm, last=True)
    return audio.silence(300) + resampled + audio.silence(1000)


def half_a_question() -> bytes:
    """Return the clip up to a moment at which somebody speaks."""
    return question()[: 2000 * audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000]


class Parrot:
    """A recogniser that hears the same words in everything, when it is let."""

    def __init__(self, words: str = "what is seven plus five") -> None:
        self.words = words
        self.fed = 0
        self.open = 0
        self.error: Exception | None = None
        self.thinking = False
        self.closed = False

    async def warm(self) -> None:
        if isinstance(self.error, RecognizerUnavailable):
            raise self.error

    def listen(self, on_delta: Callable[[str], None] | None = None) -> ParrotUtterance:
        return ParrotUtterance(self)

    async def close(self) -> None:
        self.closed = True


class ParrotUtterance:
    def __init__(self, parrot: Parrot) -> None:
        self._parrot: Parrot | None = parrot
        parrot.open += 1

    def feed(self, pcm: bytes) -> None:
        assert self._parrot, "fed after its end"
        self._parrot.fed += len(pcm)

    async def finish(self) -> str:
        assert self._parrot, "finished twice"
        parrot = self._parrot
        if parrot.thinking:
            await asyncio.Event().wait()
        self.cancel()
        if parrot.error:
            raise parrot.error
        return parrot.words

    def cancel(self) -> None:
        if self._parrot:
            self._parrot.open -= 1
        self._parrot = None


class Client:
    """One connection, and all events it received."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.events: list[dict[str, Any]] = []

    async def send(self, type: str, **fields: Any) -> None:
        await self.websocket.send(json.dumps({"type": type, **fields}))

    async def hear(self, type: str) -> dict[str, Any]:
        """Wait for the next event of a type."""
        while True:
            event: dict[str, Any] = json.loads(await within(10, self.websocket.recv()))
            judge_server_event(event)
            self.events.append(event)
            if event["type"] == type:
                return event

    async def configure(self, **session: Any) -> dict[str, Any]:
        fields = {"type": "realtime", "output_modalities": ["text"], **session}
        await self.send("session.update", session=fields)
        return await self.hear("session.updated")

    async def say(self, pcm: bytes) -> None:
        """Append audio in chunks of 20 ms, as fast as the wire takes it."""
        for start in range(0, len(pcm), 960):
            await self.send("input_audio_buffer.append", audio=audio.encode(pcm[start : start + 960]))

    async def type_in(self, text: str) -> None:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.send("conversation.item.create", item=item)

    def all(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type]


@asynccontextmanager
async def client_of(url: str, **options: Any) -> AsyncIterator[Client]:
    """Connect, and read the greeting."""
    async with connect(url, **options) as websocket:
        client = Client(websocket)
        await client.hear("session.created")
        yield client
