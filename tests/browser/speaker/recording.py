"""What a sink heard: recorded from its monitor, and judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import numpy as np

RATE = 48_000
SAMPLE_BYTES = 2
WINDOW = RATE // 500  # 2 ms
LOUD = 0.02


class Recording:
    """One channel; it grows while it is made. Times are seconds from its begin."""

    def __init__(self, raw: bytearray, channels: int = 1, channel: int = 0, begin: int = 0) -> None:
        self._raw, self._channels, self._channel, self._begin = raw, channels, channel, begin

    def channel(self, channel: int) -> Recording:
        """Return another channel of the same recording."""
        return Recording(self._raw, self._channels, channel, self._begin)

    def since(self, seconds: float) -> Recording:
        """Return what is recorded from then on; times stay those of the whole."""
        begin = int(seconds * RATE) // WINDOW * WINDOW
        return Recording(self._raw, self._channels, self._channel, max(0, begin))

    @property
    def _frames(self) -> int:
        return len(self._raw) // SAMPLE_BYTES // self._channels

    @property
    def samples(self) -> np.ndarray:
        frame = SAMPLE_BYTES * self._channels
        raw = bytes(memoryview(self._raw)[self._begin * frame : self._frames * frame])
        return np.frombuffer(raw, "<i2")[self._channel :: self._channels] / 32768

    @property
    def seconds(self) -> float:
        return self._frames / RATE

    @property
    def loud(self) -> np.ndarray:
        """For each 2 ms whether anything was to be heard."""
        samples = self.samples
        loud: np.ndarray = np.abs(samples[: len(samples) // WINDOW * WINDOW]).reshape(-1, WINDOW).max(axis=1) > LOUD
        return loud

    @property
    def stretches(self) -> list[tuple[float, float]]:
        """Begin and end, in seconds, of everything that was to be heard; 4 ms of silence end it."""
        found: list[tuple[int, int]] = []
        for place in np.flatnonzero(self.loud) + self._begin // WINDOW:
            if found and place - found[-1][1] <= 2:
                found[-1] = (found[-1][0], int(place) + 1)
            else:
                found.append((int(place), int(place) + 1))
        return [(begin * WINDOW / RATE, end * WINDOW / RATE) for begin, end in found]

    @property
    def steepest(self) -> float:
        """The largest step from one sample to the next: a click is a step."""
        return float(np.abs(np.diff(self.samples)).max(initial=0))


def joined(stretches: list[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Return the stretches without the gaps that are shorter than this, in seconds."""
    found: list[tuple[float, float]] = []
    for begin, end in stretches:
        if found and begin - found[-1][1] < gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


@asynccontextmanager
async def recorded(
    environ: Mapping[str, str], source: str = "speaker.monitor", channels: tuple[str, ...] = ("mono",)
) -> AsyncIterator[Recording]:
    """Record a source while the block runs; yields its first channel."""
    shape = (f"--channels={len(channels)}", f"--channel-map={','.join(channels)}", "--format=s16le")
    command = ("parec", f"--device={source}", f"--rate={RATE}", *shape, "--latency-msec=20")
    process = await asyncio.create_subprocess_exec(*command, env=dict(environ), stdout=asyncio.subprocess.PIPE)
    raw = bytearray()
    reading = asyncio.create_task(_read(process.stdout, raw))
    try:
        yield Recording(raw, len(channels))
    finally:
        process.terminate()
        await process.wait()
        await reading


async def _read(stream: asyncio.StreamReader | None, raw: bytearray) -> None:
    while stream and (data := await stream.read(8192)):
        raw += data
