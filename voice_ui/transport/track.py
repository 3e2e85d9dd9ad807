"""Sound as tracks of aiortc's: what the pacing gives, every 20 ms, and what the other side sends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol

from voice_ui import audio
from voice_ui.transport.pacing import FRAME_MS


class Paced(Protocol):
    """Where the sound of a track comes from."""

    def take(self) -> bytes:
        """Return the next 20 ms of PCM."""


async def sound_of(track: Any) -> AsyncIterator[bytes]:
    """Yield the PCM of a track until it ends."""
    from aiortc.mediastreams import MediaStreamError
    from av import AudioResampler

    resampler = AudioResampler(format="s16", layout="mono", rate=audio.SAMPLE_RATE)
    with contextlib.suppress(MediaStreamError):
        while True:
            for frame in resampler.resample(await track.recv()):
                yield bytes(frame.planes[0])[: frame.samples * audio.SAMPLE_BYTES]


def paced_track(source: Paced) -> Any:
    """Return a track of what the source gives; aiortc is imported only now."""
    from fractions import Fraction

    import av
    import numpy as np
    from aiortc import MediaStreamTrack

    rate = 2 * audio.SAMPLE_RATE  # Opus knows 48 kHz; left to aiortc, each frame would be 20 ms late
    upsample = audio.Resampler(audio.SAMPLE_RATE, rate)

    class PacedTrack(MediaStreamTrack):
        kind = "audio"

        def __init__(self) -> None:
            super().__init__()
            self._start: float | None = None
            self._number = 0
            self._pcm = b""

        async def recv(self) -> Any:
            now = time.monotonic()
            self._start = self._start or now
            due = self._start + self._number * FRAME_MS / 1000
            if now - due > 1:  # this machine slept
                self._start = now - self._number * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - now))
            size = 2 * rate * FRAME_MS // 1000
            while len(self._pcm) < size:
                self._pcm += upsample.process(source.take())
            samples, self._pcm = np.frombuffer(self._pcm[:size], np.int16), self._pcm[size:]
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = self._number * rate * FRAME_MS // 1000
            self._number += 1
            return frame

    return PacedTrack()
