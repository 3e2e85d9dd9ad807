"""What a sink heard: recorded from its monitor, and judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import numpy as np

RATE = 48_000
WINDOW = RATE // 500  # 2 ms
LOUD = 0.02


class Recording:
    """Grows while it is made."""

    def __init__(self) -> None:
        self._raw = bytearray()

    async def read(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(4096):
            self._raw += data

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(bytes(self._raw[: len(self._raw) // 2 * 2]), "<i2") / 32768

    @property
    def seconds(self) -> float:
        return len(self._raw) / 2 / RATE

    @property
    def loud(self) -> np.ndarray:
        """For each 2 ms whether anything was to be heard."""
        samples = self.samples
        return np.abs(samples[: len(samples) // WINDOW * WINDOW]).reshape(-1, WINDOW).max(axis=1) > LOUD

    @property
    def stretches(self) -> list[tuple[float, float]]:
        """Begin and end, in seconds, of everything that was to be heard; 4 ms of silence end it."""
        found: list[tuple[int, int]] = []
        for place in np.flatnonzero(self.loud):
            if found and place - found[-1][1] <= 2:
                found[-1] = (found[-1][0], int(place) + 1)
            else:
                found.append((int(place), int(place) + 1))
        return [(begin * WINDOW / RATE, end * WINDOW / RATE) for begin, end in found]

    @property
    def steepest(self) -> float:
        """The largest step from one sample to the next: a click is a step."""
        return float(np.abs(np.diff(self.samples)).max(initial=0))


@asynccontextmanager
async def recorded(environ: Mapping[str, str], source: str = "speaker.monitor") -> AsyncIterator[Recording]:
    """Record a source while the block runs."""
    command = ("parec", f"--device={source}", f"--rate={RATE}", "--channels=1", "--format=s16le", "--latency-msec=20")
    process = await asyncio.create_subprocess_exec(*command, env=dict(environ), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    recording = Recording()
    reading = asyncio.create_task(recording.read(process.stdout))
    try:
        yield recording
    finally:
        process.terminate()
        await process.wait()
        await reading
