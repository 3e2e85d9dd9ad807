"""The voice of the practice server."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator

from voice_ui.offline.parts import VoiceUnavailable
from voice_ui.offline.voice.sentences import Sentences, spoken
from voice_ui.offline.worker import Worker, WorkerDied, WorkerFailed, WorkerUnavailable

MODULE = "voice_ui.offline.voice.synthesizer"

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Whether the packages are there; nothing is imported."""
    return all(importlib.util.find_spec(name) for name in ("hibari", "onnxruntime"))


class Hibari:
    """Reads replies aloud. The process takes 200 MB and two seconds to start: it is started when a reply is spoken."""

    def __init__(self, module: str = MODULE) -> None:
        self._worker = Worker(module)

    async def warm(self) -> None:
        """Load everything now; raises VoiceUnavailable."""
        try:
            await self._worker.start()
        except (WorkerUnavailable, WorkerDied) as error:
            raise VoiceUnavailable(str(error)) from error

    async def speak(self, pieces: AsyncIterator[str], *, speed: float = 1.0) -> AsyncGenerator[tuple[str, bytes], None]:
        """Yield text and PCM of one sentence after the other; the texts joined are the pieces joined.

        A sentence that cannot be spoken comes with no PCM, and so does one in which there is nothing to say.
        """
        sentences = Sentences()
        async for piece in pieces:
            for sentence in sentences.process(piece):
                yield sentence, await self._pcm(sentence, speed)
        for sentence in sentences.finish():
            yield sentence, await self._pcm(sentence, speed)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()

    async def _pcm(self, sentence: str, speed: float) -> bytes:
        if not (text := spoken(sentence)):
            return b""
        request = json.dumps({"text": text, "speed": speed}).encode()
        try:
            return await self._worker.ask(request)
        except (WorkerUnavailable, WorkerDied, WorkerFailed) as error:
            log.warning("a sentence could not be spoken: %s", error)
            return b""
