"""A client of the bare engine: plain calls, a detector that hears loud samples, and a recogniser that is told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from voice_ui import audio
from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.dialect import Dialect
from voice_ui.offline.effects import Effect, Finish, TickAfter
from voice_ui.offline.engine import Engine
from voice_ui.offline.faulty import Bend, FaultyEngine
from voice_ui.offline.outputs import Output
from voice_ui.offline.vad import SpeechStarted, SpeechStopped

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

    def process(self, pcm: bytes) -> list[SpeechStarted | SpeechStopped]:
        start, self._heard_ms = self._heard_ms, self._heard_ms + int(audio.milliseconds(pcm))
        if any(pcm):
            began, self._silent_ms = self._silent_ms is None, 0
            return [SpeechStarted(max(0, start - self._detection.prefix_padding_ms))] if began else []
        if self._silent_ms is None:
            return []
        self._silent_ms += self._heard_ms - start
        if self._silent_ms < self._detection.silence_duration_ms:
            return []
        self._silent_ms = None
        return [SpeechStopped(self._heard_ms)]

    def reset(self) -> None:
        self._silent_ms = None


def compose(heard: str, earlier: Sequence[str], now: datetime) -> list[str]:
    """Answer in three pieces."""
    return ["You ", "said: ", heard or "nothing"]


class EngineClient:
    """One engine, what it sent, and what it wants done."""

    def __init__(
        self,
        *,
        model: str = "gpt-realtime-2.1",
        update: dict[str, Any] | None = None,
        dialect: Dialect | None = None,
        bend: Bend | None = None,
    ) -> None:
        numbers = itertools.count(1)
        engine = Engine(
            model=model,
            expires_at=1_800_000_000,
            new_id=lambda prefix: f"{prefix}_{next(numbers)}",
            now=lambda: NOW,
            voice_activity=LoudnessDetector,
            compose=compose,
            dialect=dialect,
        )
        self.engine = FaultyEngine(engine, bend) if bend else engine
        self.events: list[dict[str, Any]] = []
        self.effects: list[Effect] = []
        self.take(self.engine.start())
        if dialect:
            self.send("session.update", session={"modalities": ["text"], **(update or {})})
        else:
            self.update(output_modalities=["text"], **(update or {}))
        self.forget()

    def take(self, outputs: list[Output]) -> None:
        """Keep outputs apart, each event as it would be on the wire."""
        for output in outputs:
            if isinstance(output, dict):
                self.events.append(json.loads(json.dumps(output)))
            else:
                self.effects.append(output)

    def send(self, type: str, **fields: Any) -> None:
        self.receive(json.dumps({"type": type, **fields}))

    def receive(self, message: str | bytes) -> None:
        self.take(self.engine.receive(message))
        while self.engine.busy:
            self.take(self.engine.work())

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

    def hear(self, transcript: str) -> str:
        """Let the recogniser finish the last utterance it was asked for; return the item's id."""
        item_id = [effect.item_id for effect in self.effects if isinstance(effect, Finish)][-1]
        self.take(self.engine.heard(item_id, transcript))
        return item_id

    def let_time_pass(self) -> None:
        """Tick until nothing is left to be written."""
        while ticks := [effect for effect in self.effects if isinstance(effect, TickAfter)]:
            self.effects = [effect for effect in self.effects if effect not in ticks]
            for tick in ticks:
                self.take(self.engine.tick(tick.response_id))

    def forget(self) -> None:
        self.events.clear()
        self.effects.clear()

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
