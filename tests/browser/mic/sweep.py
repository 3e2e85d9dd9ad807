"""A recording that equals no other part of itself: what arrives can be judged."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np


def sweep(rate: int, seconds: float = 3) -> np.ndarray:
    """Return a tone that rises from 200 to 1000 Hz: it equals no other part of itself."""
    time = np.arange(int(rate * seconds)) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * (200 * time + 800 / seconds * time**2 / 2)))


def is_the_sweep(pcm: bytes, rate: int) -> bool:
    """Whether PCM is the sweep, in order: tenths of a second, each found in it, one after the other.

    Chromium's file microphone itself slips by 10 ms every two seconds or so, so nine tenths must do.
    """
    heard = np.trim_zeros(np.frombuffer(pcm, "<i2") / 32768, "f")  # the device takes a moment to play
    size = rate // 10
    pieces = heard[: len(heard) // size * size].reshape(-1, size)
    played = np.append(sweep(rate), np.zeros(size))
    spectrum = np.fft.rfft(played)
    places = []
    for piece in pieces:
        matches = np.fft.irfft(spectrum * np.fft.rfft(piece, len(played)).conj(), len(played))
        place = int(np.argmax(matches[:-size]))
        part = played[place : place + size]
        if matches[place] > 0.98 * max(np.dot(piece, piece), np.dot(part, part)):
            places.append(place)
    return places == sorted(places) and len(places) >= 0.9 * len(pieces)


def recording(path: Path, *, silent_s: float = 0) -> Path:
    """Write the sweep as a WAV, after some silence."""
    samples = np.concatenate([np.zeros(int(48_000 * silent_s)), sweep(48_000)])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return path
