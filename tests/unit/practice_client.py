"""A client of a session without a socket: a detector that hears loud samples, and a recogniser that is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from tests.patience import until
from tests.servers.faulty.bends import Bend
from tests.servers.faulty.server import Bending
from voice_ui import audio
from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.parts import Invocation, Parts, RecognizerUnavailable, ReplyRequest, Voice
from voice_ui.offline.vad import SpeechEnd, SpeechStart

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def loud(duration_ms: int) -> bytes:
    """Return what the detector below takes for speech."""
    return b"\x01\x01" * (audio.SAMPLE_RATE * duration_ms // 1000)


quiet = audio.silence


class LoudnessDetector:
    """Speech is whatever is not digital silence."""

    def __init__(self, detection: TurnDetection) -> None:
        self._detection = detection
        self._heard_ms = 0
        self._silent_ms: int | None = None

    def process(self, pcm: bytes) -> list[SpeechStart | SpeechEnd]:
        start, self._heard_ms = self._heard_ms, self._heard_ms + int(audio.milliseconds(pcm))
        if any(pcm):
            began, self._silent_ms = self._silent_ms is None, 0
            return [SpeechStart(max(0, start - self._detection.prefix_padding_ms))] if began else []
        if self._silent_ms is None:
            return []
        self._silent_ms += self._heard_ms - start
        if self._silent_ms < self._detection.silence_duration_ms:
            return []
        self._silent_ms = None
        return [SpeechEnd(self._heard_ms)]

    def reset(self) -> None:
        self._silent_ms = None


class Told:
    """A recogniser that knows the words of an utterance when somebody tells it."""

    def __init__(self) -> None:
        self.utterances: list[ToldUtterance] = []

    async def warm(self) -> None:
        pass

    def listen(self, on_delta: Callable[[str], None] | None = None) -> ToldUtterance:
        self.utterances.append(ToldUtterance(on_delta))
        return self.utterances[-1]

    async def close(self) -> None:
        pass


class ToldUtterance:
    """One utterance."""

    def __init__(self, on_delta: Callable[[str], None] | None) -> None:
        self.on_delta = on_delta
        self.pcm = b""
        self.finished = self.cancelled = False
        self.words: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm

    async def finish(self) -> str:
        self.finished = True
        return await asyncio.shield(self.words)

    def cancel(self) -> None:
        self.cancelled = True


class ThreePieces:
    """Answers in three pieces, or with what it is given."""

    delta_seconds = 0.0

    def __init__(self) -> None:
        self.pieces: list[str | Invocation | Exception] | None = None
        self.requests: list[ReplyRequest] = []
        self.closed_early = 0

    async def reply(self, request: ReplyRequest) -> AsyncIterator[str | Invocation]:
        self.requests.append(request)
        pieces = ["You ", "said: ", request.heard or "nothing"] if self.pieces is None else self.pieces
        whole = False
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            whole = True
        finally:
            self.closed_early += not whole

    async def close(self) -> None:
        pass


class Hum:
    """A voice that takes 50 ms for each letter, and a sentence at a time."""

    def __init__(self) -> None:
        self.closed_early = 0

    async def warm(self) -> None:
        pass

    async def speak(self, pieces: AsyncIterator[str], *, speed: float) -> AsyncIterator[tuple[str, bytes]]:
        text, whole = "", False
        try:
            async for piece in pieces:
                text += piece
                if text.rstrip().endswith("."):
                    yield text, loud(50 * len(text))
                    text = ""
            if text:
                yield text, loud(50 * len(text))
            whole = True
        finally:
            self.closed_early += not whole

    async def close(self) -> None:
        pass


class PracticeClient:
    """One session, what it sent, and its recogniser."""

    def __init__(
        self,
        *,
        model: str = "gpt-realtime-2.1",
        update: dict[str, Any] | None = None,
        bend: Bend | None = None,
        voice: Voice | None = None,
    ) -> None:
        self.recognizer, self.brain = Told(), ThreePieces()
        self.parts = Parts(self.recognizer, self.brain, voice, LoudnessDetector)
        self.connection = Bending(self, self.parts, model=model, session_seconds=3600)
        self.connection.bend = bend or Bend()
        self.session = self.connection.session
        self.events: list[dict[str, Any]] = []
        self.session.start()
        self.update(**{"output_modalities": ["text"], **(update or {})})
        self.created = self.take()
        self.forget()

    def take(self) -> list[dict[str, Any]]:
        """Read what was sent."""
        outbox = self.connection._outbox
        while not outbox.empty():
            entry = outbox.get_nowait()
            if isinstance(entry, bytes):
                self.connection._outbox_bytes -= len(entry)
                self.events.append(json.loads(entry))
        return list(self.events)

    def send(self, type: str, **fields: Any) -> None:
        self.receive(json.dumps({"type": type, **fields}))

    def receive(self, message: str | bytes) -> None:
        self.connection.receive(message)
        while self.session.busy:
            self.session.work()
        self.take()

    def update(self, **session: Any) -> None:
        self.send("session.update", session={"type": "realtime", **session})

    def say(self, *sounds: bytes) -> None:
        """Append audio in chunks of 20 ms."""
        pcm = b"".join(sounds)
        for start in range(0, len(pcm), 960):
            self.send("input_audio_buffer.append", audio=audio.encode(pcm[start : start + 960]))

    def type_in(self, text: str, **fields: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content}, **fields)

    async def hear(self, transcript: str, utterance: ToldUtterance | None = None) -> None:
        """Let the recogniser know the words of the last utterance."""
        await self._outcome(utterance or self.recognizer.utterances[-1], transcript)

    async def fail_to_hear(self, reason: str, utterance: ToldUtterance | None = None) -> None:
        """Let the recogniser fail on the last utterance."""
        await self._outcome(utterance or self.recognizer.utterances[-1], RecognizerUnavailable(reason))

    async def _outcome(self, utterance: ToldUtterance, outcome: str | Exception) -> None:
        await until(lambda: utterance.finished)
        if isinstance(outcome, str):
            utterance.words.set_result(outcome)
        else:
            utterance.words.set_exception(outcome)
        await until(lambda: all(not task.done() for task in self.session._hearing._finishing))
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that need not wait for time to pass."""
        for _ in range(10):
            await asyncio.sleep(0)
        self.take()

    async def let_time_pass(self) -> None:
        """Wait until no reply goes on."""
        await until(lambda: self.session._replying is None)
        await self.settle()

    async def wait_for(self, type: str) -> None:
        """Wait for an event of a type."""
        await until(lambda: any(event["type"] == type for event in self.take()), what=type)

    def forget(self) -> None:
        self.events.clear()

    def abort(self) -> None:
        """The connection is dropped; see `Channel`."""

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def one(self, type: str) -> dict[str, Any]:
        """Return the only event of a type."""
        (event,) = self.all(type)
        return event

    def all(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type]

    @property
    def refusal(self) -> tuple[str, str | None]:
        """Code and param of the only `error`."""
        error = self.one("error")["error"]
        return error["code"], error["param"]
