"""Which stretch of an utterance tells how this voice sounds in this room: the first after the quiet. Pure.

A turn found by the detector begins a few tenths of a second before the first word. Where the client itself says what a
turn is, it may begin with seconds of nothing, which would tell only how the room sounds.
"""

from __future__ import annotations

from voice_ui import audio

BYTES_PER_MS = audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000

BLOCK = 20 * BYTES_PER_MS
LEAD = 300 * BYTES_PER_MS
"""Bytes before the first loud block that still belong to the stretch."""

QUIET_KEPT = 1000 * BYTES_PER_MS
"""Bytes before the first loud block that are listened to: more would drag the running mean away from the voice."""

ENOUGH = 1600 * BYTES_PER_MS
"""Bytes of the stretch: with 1.0 s instead of 1.6 s a quarter more of the words are wrong (measured on real voices)."""

PAUSE = 300 * BYTES_PER_MS
"""Bytes of quiet after which a short stretch is taken as it is: the person has probably said all."""

PATIENCE = 15_000 * BYTES_PER_MS
"""Bytes after which any stretch is as good as another: it is too noisy here to tell."""

LOUDER = 3
QUIETEST = 70
"""A block is loud if its peak is so many times that of the quietest block so far, and not nothing (16-bit units)."""


class Onset:
    """Follows an utterance until `found`."""

    def __init__(self) -> None:
        self.found = False
        self._loud_at: int | None = None
        self._quiet = 0
        self._floor = 32_768
        self._position = 0
        self._rest = b""

    @property
    def start(self) -> int:
        """The byte of the utterance from which on it is worth listening."""
        return max(0, (self._loud_at or 0) - QUIET_KEPT)

    @property
    def stretch(self) -> slice:
        """The bytes of the utterance to go by, as far as it was said."""
        start = max(0, (self._loud_at or 0) - LEAD)
        return slice(start, start + ENOUGH)

    def process(self, pcm: bytes) -> None:
        """Take in the next PCM, of any length."""
        pcm = self._rest + pcm
        whole = len(pcm) // BLOCK * BLOCK
        for at in range(0, whole, BLOCK):
            if self.found:
                return
            self._judge(max(memoryview(pcm[at : at + BLOCK]).cast("h")))
        self._rest = pcm[whole:]

    def _judge(self, peak: int) -> None:
        self._floor = min(self._floor, max(peak, QUIETEST))
        if peak < LOUDER * self._floor:
            self._quiet += BLOCK
        else:
            self._quiet = 0
            if self._loud_at is None:
                self._loud_at = self._position
        self._position += BLOCK
        if self._loud_at is not None:
            self.found = self._position >= self.stretch.stop or self._quiet >= PAUSE
        else:
            self.found = self._position >= PATIENCE
