"""Recordings for tests, as PCM at 24 kHz: our own in assets/, and real voices where they lie beside the repository."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from voice_ui import audio

ROOT = Path(__file__).parents[1]


def clip(name: str) -> bytes:
    """Return a recording of assets/; how they were made is told there."""
    return _pcm(ROOT / "assets" / name)


def real_voice(name: str) -> bytes:
    """Return a recording of ../shared/audio with some quiet around it; skips the test where there is none."""
    path = ROOT.parent / "shared" / "audio" / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository")
    return audio.silence(300) + _pcm(path) + audio.silence(500)


def cut(pcm: bytes, duration_ms: int = audio.CHUNK_MS) -> list[bytes]:
    """Return PCM in pieces of this length."""
    step = len(audio.silence(duration_ms))
    return [pcm[at : at + step] for at in range(0, len(pcm), step)]


def _pcm(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, audio.SAMPLE_BYTES)
        pcm, rate = file.readframes(file.getnframes()), file.getframerate()
    return pcm if rate == audio.SAMPLE_RATE else audio.Resampler(rate).process(pcm, last=True)
