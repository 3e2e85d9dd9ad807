"""The ears all connections share: a recogniser, and the voice detectors it would take half a second to import.

Nothing heavy is loaded before `warm()` or the first sound, and never on the event loop.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.input_audio_buffer import VoiceActivity as Detector
from voice_ui.offline.vad import VoiceActivity


class Utterance(Protocol):
    """Words being spoken."""

    def feed(self, pcm: bytes, /) -> None: ...

    async def finish(self) -> str: ...

    def cancel(self) -> None: ...


class Recognizer(Protocol):
    """Turns sound into words; raises RecognizerUnavailable where it cannot."""

    async def warm(self) -> None: ...

    def listen(self) -> Utterance: ...

    async def close(self) -> None: ...


class Ears:
    """A recogniser, and detectors on request."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._loading: asyncio.Task[None] | None = None

    async def warm(self) -> None:
        """Load everything now; raises RecognizerUnavailable."""
        await self.detectors_loaded()
        await self.recognizer.warm()

    async def detectors_loaded(self) -> None:
        """Wait until `detector()` costs next to nothing."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(_load), name="load the voice detector")
        await asyncio.shield(self._loading)

    async def close(self) -> None:
        """Let go of the workers."""
        await self.recognizer.close()


def _load() -> None:
    """Build one, and keep none: soxr complains of a stream that is there when the program ends."""
    detector(TurnDetection(0.5, 300, 500, True, True))


def detector(detection: TurnDetection) -> Detector:
    """Return a new voice detector."""
    return VoiceActivity(
        threshold=detection.threshold,
        prefix_padding_ms=detection.prefix_padding_ms,
        silence_duration_ms=detection.silence_duration_ms,
    )
