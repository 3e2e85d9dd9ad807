"""Sound in steps of 20 ms, however it comes: what a track takes, no faster and no slower than it is spoken. Pure.

A track knows no `append` that runs ahead of time. What was said while the connection was made waits here, and the wait
is made good in the pauses: of a long silence nothing is missed. Where nothing waits, there is silence.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

from voice_ui import audio

FRAME_MS = 20
FRAME_BYTES = len(audio.silence(FRAME_MS))

SILENCE = audio.silence(FRAME_MS)

QUIET_PEAK = 600
"""Of 32768: below it nobody speaks (-35 dBFS)."""

PAUSE_MS = 700
"""So much of a silence is sent, whatever waits behind it: turn detection wants to hear the end of a turn."""

SLACK_MS = 60
"""What may wait for good: chunks come in bursts."""

KEPT_MS = 60_000.0
"""The most that waits, and the longest time whose places are known."""


@dataclass(frozen=True)
class _Frame:
    pcm: bytes
    place_ms: float
    """Of its beginning, in all the sound that was put in."""
    arrived: float


class Pacing:
    """A queue of sound with a clock on its far side."""

    def __init__(self) -> None:
        self.sent_ms = 0.0
        """All that was taken out, silence and all: the server's clock."""
        self._put_ms = 0.0
        self._rest = b""
        self._waiting: deque[_Frame] = deque()
        self._pause_ms = 0.0
        self._sent_at: deque[float] = deque()  # the place on the server's clock of each frame with sound of ours,
        self._places: deque[float] = deque()  # and its place in what was put in

    @property
    def waiting_ms(self) -> float:
        """How far behind it is."""
        return len(self._waiting) * FRAME_MS

    @property
    def oldest(self) -> float | None:
        """When the sound came in that goes out next; None if none waits."""
        return self._waiting[0].arrived if self._waiting else None

    def put(self, pcm: bytes, arrived: float) -> None:
        """Put in 24 kHz mono 16-bit PCM of any length."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            self._waiting.append(_Frame(pcm[start : start + FRAME_BYTES], self._put_ms, arrived))
            self._put_ms += FRAME_MS
        self._rest = pcm[whole:]
        while self.waiting_ms > KEPT_MS:
            self._waiting.popleft()

    def take(self) -> bytes:
        """Return the next 20 ms."""
        frame = self._next()
        if frame:
            self._sent_at.append(self.sent_ms)
            self._places.append(frame.place_ms)
            if len(self._places) > KEPT_MS / FRAME_MS:
                self._sent_at.popleft()
                self._places.popleft()
        self.sent_ms += FRAME_MS
        return frame.pcm if frame else SILENCE

    def _next(self) -> _Frame | None:
        while self._waiting:
            frame = self._waiting.popleft()
            self._pause_ms = self._pause_ms + FRAME_MS if audio.peak(frame.pcm) < QUIET_PEAK else 0.0
            if self._pause_ms <= PAUSE_MS or self.waiting_ms < SLACK_MS:
                return frame
        return None

    def place_of(self, server_ms: float) -> float:
        """Return the place in what was put in of a moment on the server's clock, both in milliseconds."""
        at = bisect_right(self._sent_at, server_ms) - 1
        if at < 0:
            return 0.0
        return self._places[at] + min(server_ms - self._sent_at[at], float(FRAME_MS))
