"""Sentences spoken by hibari-tts, for what no recording of ours says; made once for a run of the tests."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from voice_ui import audio
from voice_ui.offline.voice import Hibari, is_installed

FOLDER = Path(tempfile.gettempdir()) / "voice-ui-tests-speech"

LEAD_MS = 4000.0
"""Before the first word: on a busy machine a browser loses what its microphone plays while capture begins."""


async def spoken(*sentences: str, pause_ms: float = 4000) -> Path:
    """Return a WAV that says these sentences, with so much silence after each; skips without hibari-tts.

    Chromium plays it as its microphone, once.
    """
    if not is_installed():
        pytest.skip("hibari-tts is not installed")
    name = hashlib.sha256(f"{sentences}{pause_ms}".encode()).hexdigest()[:16]
    path = FOLDER / f"{name}.wav"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        voice = Hibari()
        try:
            pieces = [audio.silence(LEAD_MS)]
            for sentence in sentences:
                pieces += [await _said(voice, sentence), audio.silence(pause_ms)]
        finally:
            await voice.close()
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(audio.SAMPLE_BYTES)
            file.setframerate(audio.SAMPLE_RATE)
            file.writeframes(b"".join(pieces))
    return path


async def _said(voice: Hibari, sentence: str) -> bytes:
    async def pieces() -> AsyncIterator[str]:
        yield sentence

    return b"".join([pcm async for _, pcm in voice.speak(pieces(), speed=0.95)])


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{asyncio.run(spoken(*sys.argv[1:]))}\n")
