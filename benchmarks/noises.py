"""Noises that are no speech, synthesised: what a microphone hears in a room. Samples from -1 to 1 at 16 kHz.

The guards in `voice_ui.offline.recognizer.invented` were chosen on the kinds in `KNOWN`, with other seeds than the
benchmark's; nobody looked at those in `UNSEEN` before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

RATE = 16_000

Samples = NDArray[np.float64]


def pink(random: Generator, count: int) -> Samples:
    """Return noise with as much energy in each octave, as rooms have it."""
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise: Samples = np.fft.irfft(spectrum, count)
    noise /= np.abs(noise).max()
    return noise


def _band(samples: Samples, low: float, high: float) -> Samples:
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    band: Samples = np.fft.irfft(spectrum, len(samples))
    return band


def _time(seconds: float) -> Samples:
    return np.arange(round(seconds * RATE)) / RATE


def _burst(random: Generator, seconds: float, low: float, high: float, decay: float) -> Samples:
    time = _time(seconds)
    noise = _band(random.normal(0, 1, len(time)), low, high)
    burst: Samples = noise * np.minimum(time / 0.005, 1) * np.exp(-time / decay)
    return burst


def _vowel(random: Generator, seconds: float, pitch: float, glide: float = 0.1) -> Samples:
    time = _time(seconds)
    phase = 2 * np.pi * np.cumsum(pitch * (1 - glide * time / seconds)) / RATE
    formants = random.uniform(300, 900), random.uniform(1000, 2200)
    tones = np.zeros(len(time))
    for harmonic in range(1, 24):
        gain = sum(np.exp(-(((harmonic * pitch - formant) / 250) ** 2)) for formant in formants) + 0.05
        tones += gain * np.sin(harmonic * phase)
    voice: Samples = tones * np.hanning(len(time)) ** 0.5
    return voice


def _series(random: Generator, make: Callable[[], Samples], most: int, gap: tuple[float, float]) -> Samples:
    parts = []
    for _ in range(random.integers(1, most + 1)):
        parts += [make(), np.zeros(round(random.uniform(*gap) * RATE))]
    return np.concatenate(parts)


def cough(random: Generator) -> Samples:
    def one() -> Samples:
        burst = _burst(random, random.uniform(0.2, 0.45), 300, 4000, random.uniform(0.05, 0.12))
        voice = _vowel(random, len(burst) / RATE, random.uniform(90, 180)) * np.exp(-_time(len(burst) / RATE) / 0.1)
        coughed: Samples = burst / np.abs(burst).max() + random.uniform(0, 0.3) * voice[: len(burst)]
        return coughed

    return _series(random, one, 3, (0.1, 0.35))


def knock(random: Generator) -> Samples:
    def one() -> Samples:
        time, pitch = _time(0.15), random.uniform(80, 400)
        wood = np.sin(2 * np.pi * pitch * time) + 0.5 * np.sin(4.6 * np.pi * pitch * time)
        thud: Samples = (wood + 0.3 * random.normal(0, 1, len(time))) * np.exp(-time / random.uniform(0.01, 0.04))
        return thud

    return _series(random, one, 4, (0.08, 0.4))


def slam(random: Generator) -> Samples:
    """A door: a thud, and the room after it."""
    time, pitch = _time(random.uniform(0.5, 0.9)), random.uniform(40, 110)
    thud = np.sin(2 * np.pi * pitch * time) * np.exp(-time / random.uniform(0.04, 0.1))
    clack = _burst(random, time[-1] + 1 / RATE, 300, 5000, random.uniform(0.01, 0.03))[: len(time)]
    room = _burst(random, time[-1] + 1 / RATE, 80, 1500, random.uniform(0.08, 0.2))[: len(time)]
    slammed: Samples = thud + 0.8 * clack / np.abs(clack).max() + 0.3 * room / np.abs(room).max()
    return slammed


def keyboard(random: Generator) -> Samples:
    return _series(random, lambda: _burst(random, 0.05, 800, 7000, 0.006) * random.uniform(0.3, 1), 14, (0.05, 0.25))


def clapping(random: Generator) -> Samples:
    return _series(random, lambda: _burst(random, 0.12, 600, 3500, 0.015), 5, (0.1, 0.5))


def breath(random: Generator) -> Samples:
    samples = _band(random.normal(0, 1, round(random.uniform(0.6, 1.5) * RATE)), 400, 3000)
    blown: Samples = samples * np.hanning(len(samples))
    return blown


def music(random: Generator) -> Samples:
    beat, root = random.uniform(0.18, 0.5), random.uniform(110, 330)
    time = _time(beat)

    def chord() -> Samples:
        steps = random.choice([0, 2, 4, 5, 7, 9, 11, 12], random.integers(1, 4), replace=False)
        tones = np.zeros(len(time))
        for step in steps:
            for harmonic in range(1, 6):
                tones += np.sin(2 * np.pi * root * 2 ** (step / 12) * harmonic * time) / harmonic
        played: Samples = tones * np.minimum(time / 0.01, 1) * np.exp(-time / beat)
        return played

    return np.concatenate([chord() for _ in range(random.integers(6, 16))])


def hum(random: Generator) -> Samples:
    time, mains = _time(random.uniform(1, 5)), random.choice([50, 60, 100, 120])
    tones = sum(np.sin(2 * np.pi * mains * harmonic * time) / harmonic**1.5 for harmonic in range(1, 9))
    return np.asarray(tones) + random.normal(0, 0.02, len(time))


def rustle(random: Generator) -> Samples:
    return pink(random, round(random.uniform(0.5, 5) * RATE))


def hiss(random: Generator) -> Samples:
    return random.normal(0, 0.3, round(random.uniform(0.3, 5) * RATE))


def silence(random: Generator) -> Samples:
    return np.zeros(round(random.uniform(0.3, 5) * RATE))


def humming(random: Generator) -> Samples:
    """A voice, but no words."""
    return _vowel(random, random.uniform(0.6, 2), random.uniform(90, 220))


def laughter(random: Generator) -> Samples:
    pitch = random.uniform(150, 300)
    return np.concatenate(
        [
            np.concatenate([0.2 * _burst(random, 0.06, 500, 4000, 0.05), _vowel(random, 0.12, pitch * 0.96**number)])
            for number in range(random.integers(3, 8))
        ]
    )


def bark(random: Generator) -> Samples:
    def one() -> Samples:
        voice = _vowel(random, 0.18, random.uniform(250, 500), 0.4)
        return voice + 0.5 * _burst(random, 0.18, 400, 3000, 0.08)[: len(voice)]

    return _series(random, one, 4, (0.1, 0.4))


def siren(random: Generator) -> Samples:
    time = _time(random.uniform(2, 4))
    pitch = 700 + 400 * np.sin(2 * np.pi * random.uniform(0.3, 1) * time)
    wail: Samples = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    return wail


def drops(random: Generator) -> Samples:
    def one() -> Samples:
        time = _time(0.08)
        drop: Samples = np.sin(2 * np.pi * (900 + 4000 * time) * time) * np.exp(-time / 0.02)
        return drop

    return _series(random, one, 8, (0.1, 0.5))


KNOWN = (cough, knock, keyboard, clapping, breath, music, hum, rustle, hiss, silence, humming)
UNSEEN = (laughter, bark, siren, drops)


def recorded(random: Generator, kind: Callable[[Generator], Samples]) -> NDArray[np.int16]:
    """Return one of a kind as a microphone records it: at some loudness, with a little quiet around it."""
    samples = kind(random)
    loudest = np.abs(samples).max() or 1.0
    around = np.zeros(round(0.3 * RATE))
    samples = np.concatenate([around, samples / loudest * random.uniform(0.05, 0.8), around, around])
    if kind is not silence:
        samples += random.normal(0, 10 ** random.uniform(-3.5, -2.5), len(samples))
    return (np.clip(samples, -1, 1) * 32_767).astype(np.int16)
