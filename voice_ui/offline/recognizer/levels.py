"""How loud an utterance is, and where its speaker pauses, in blocks of 20 ms. Pure."""

from __future__ import annotations

from voice_ui import audio

BLOCK_MS = 20
BLOCK = len(audio.silence(BLOCK_MS))

QUIET_SHARE = 0.1
"""A block is quiet if its peak is below this share of the loudest so far: 20 dB."""

QUIETEST = 150
"""Or below this, in 16-bit units: the hiss of a microphone while nobody has spoken."""


class Levels:
    """Follows PCM of any length; positions are bytes from its start."""

    def __init__(self) -> None:
        self.quiet_since = 0
        """Where the quiet that lasts until now began."""
        self._peaks: list[int] = []
        self._loudest = 0
        self._rest = b""

    @property
    def end(self) -> int:
        """How far the blocks reach."""
        return len(self._peaks) * BLOCK

    @property
    def quiet_ms(self) -> int:
        """How long it has been quiet now."""
        return (self.end - self.quiet_since) // BLOCK * BLOCK_MS

    def process(self, pcm: bytes) -> None:
        """Take in the next PCM."""
        pcm = self._rest + pcm
        whole = len(pcm) // BLOCK * BLOCK
        for at in range(0, whole, BLOCK):
            peak = audio.peak(pcm[at : at + BLOCK])
            self._peaks.append(peak)
            self._loudest = max(self._loudest, peak)
            if peak >= max(QUIET_SHARE * self._loudest, QUIETEST):
                self.quiet_since = self.end
        self._rest = pcm[whole:]

    def quietest(self, start: int, end: int) -> int:
        """Return where the quietest block between two positions begins."""
        first = start // BLOCK
        peaks = self._peaks[first : end // BLOCK]
        return (first + peaks.index(min(peaks))) * BLOCK
