"""Sound as a track of aiortc's: what the pacing gives, every 20 ms."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from voice_ui import audio
from voice_ui.transport.pacing import FRAME_MS, Pacing


def paced_track(pacing: Pacing) -> Any:
    """Return the track; aiortc is imported only now."""
    from fractions import Fraction

    import av
    import numpy as np
    from aiortc import MediaStreamTrack

    rate = 2 * audio.SAMPLE_RATE  # Opus knows 48 kHz; left to aiortc, each frame would be 20 ms late
    upsample = audio.Resampler(audio.SAMPLE_RATE, rate)

    class Paced(MediaStreamTrack):
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
                self._pcm += upsample.process(pacing.take())
            samples, self._pcm = np.frombuffer(self._pcm[:size], np.int16), self._pcm[size:]
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = self._number * rate * FRAME_MS // 1000
            self._number += 1
            return frame

    return Paced()
