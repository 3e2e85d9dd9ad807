"""Whether a server that is spoken to shows any sign of it. Pure."""

from __future__ import annotations

SILENT_SERVER_SECONDS = 2.0
"""Sound above `SPEECH_PEAK` to which a listening server should have said something."""

SPEECH_PEAK = 3000
"""Of 32768: a voice near a microphone is louder nearly all the time, a quiet room never (-21 dBFS)."""


class Attention:
    """Adds up the sound of somebody speaking to which nothing was said."""

    def __init__(self) -> None:
        self._unanswered_ms = 0.0

    def paid(self) -> None:
        """The server said something."""
        self._unanswered_ms = 0.0

    def is_missing_after(self, duration_ms: float, peak: int) -> bool:
        """Take in the length and the loudness of a chunk; True once, when it makes the unanswered sound too much."""
        if peak <= SPEECH_PEAK:
            return False
        self._unanswered_ms += duration_ms
        if self._unanswered_ms < SILENT_SERVER_SECONDS * 1000:
            return False
        self._unanswered_ms = 0.0
        return True
