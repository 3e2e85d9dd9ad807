"""Whether a server that is spoken to shows any sign of it. Pure."""

from __future__ import annotations

SILENT_SERVER_SECONDS = 2.0
"""Speech to which a listening server should have reacted."""

SPEECH_PEAK = 3000
"""Of 32768: a voice near a microphone is louder most of the time, a quiet room never (-21 dBFS)."""

FORGETTING = 0.2
"""Quiet takes back this share of its own length: clicks that are far apart are not speech."""


class Attention:
    """Adds up the speech to which the server has not reacted."""

    def __init__(self) -> None:
        self.speech_ms = 0.0
        """Speech without a reaction so far; while there is none, quiet chunks change nothing."""

    def paid(self) -> None:
        """The server has reacted."""
        self.speech_ms = 0.0

    def is_missing_after(self, duration_ms: float, peak: int) -> bool:
        """Take in a chunk; True once, when it makes the speech without a reaction too long."""
        if peak <= SPEECH_PEAK:
            self.speech_ms = max(0.0, self.speech_ms - duration_ms * FORGETTING)
            return False
        self.speech_ms += duration_ms
        if self.speech_ms < SILENT_SERVER_SECONDS * 1000:
            return False
        self.speech_ms = 0.0
        return True
