"""Notices when a server does not react to speech. Pure."""

from __future__ import annotations

from collections import deque

SILENT_SERVER_SECONDS = 2.0
"""Seconds of speech to which a listening server should have reacted."""

SPEECH_PEAK = 3000
"""Of 32768: a voice near a microphone is louder most of the time, a quiet room never (-21 dBFS)."""

QUIET_PEAK = 600
"""Quieter audio is no speech at all (-35 dBFS)."""

WINDOW_MS = 10_000.0
"""Speech counts only within this window, so that isolated clicks do not add up."""


class Attention:
    """Adds up the speech to which the server has not reacted."""

    def __init__(self) -> None:
        self._now_ms = self.speech_ms = 0.0
        self._chunks: deque[tuple[float, float]] = deque()  # loud ones: when each came, and how long it is

    def paid(self) -> None:
        """The server has reacted."""
        self.speech_ms = 0.0
        self._chunks.clear()

    def is_missing_after(self, duration_ms: float, peak: int) -> bool:
        """Take in a chunk; return True once, when too much speech had no reaction."""
        self._now_ms += duration_ms
        if peak <= SPEECH_PEAK:
            return False
        self._chunks.append((self._now_ms, duration_ms))
        self.speech_ms += duration_ms
        while self._chunks[0][0] < self._now_ms - WINDOW_MS:
            self.speech_ms -= self._chunks.popleft()[1]
        if self.speech_ms < SILENT_SERVER_SECONDS * 1000:
            return False
        self.paid()
        return True
