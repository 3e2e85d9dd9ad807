"""Resamples audio from the microphone's rate to the wire's and puts it into the stream."""

from __future__ import annotations

from collections.abc import Callable

from voice_ui import audio
from voice_ui.session.stream import Stream

SHORTEST_TURN_MS = 100.0
"""Servers refuse to commit less (protocol facts, section 3)."""

QUIET_PEAK = 600
"""Peak of 32768; quieter audio is not speech (-35 dBFS)."""


class Intake:
    """Fills the stream, and counts the audio since the last manual turn."""

    def __init__(self, stream: Stream, clock: Callable[[], float]) -> None:
        self.dropped_ms = 0.0
        """Speech that did not fit into the stream."""
        self._stream, self._clock = stream, clock
        self._resampler: tuple[int, audio.Resampler] | None = None
        self._turn_ms = 0.0

    @property
    def holds_a_turn(self) -> bool:
        """Whether there is enough audio since the last turn for another turn."""
        return self._turn_ms >= SHORTEST_TURN_MS

    def take(self, pcm: bytes, rate: int) -> int:
        """Take in mono 16-bit PCM at `rate` hertz; return its peak."""
        if rate != audio.SAMPLE_RATE:
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, audio.Resampler(rate))
            pcm = self._resampler[1].process(pcm)
        peak = audio.peak(pcm)
        self._turn_ms += len(pcm) * 1000 / audio.BYTES_A_SECOND
        self.dropped_ms += self._stream.append_audio(pcm, self._clock(), quiet=peak < QUIET_PEAK)
        return peak

    def flush(self) -> None:
        """Flush the resampler."""
        if self._resampler:
            pcm = self._resampler[1].process(b"", last=True)
            self._turn_ms += audio.milliseconds(pcm)
            self.dropped_ms += self._stream.append_audio(pcm, self._clock())
            self._resampler = None

    def add_silence(self, duration_ms: float) -> None:
        """Append silence."""
        self._turn_ms += duration_ms
        self.dropped_ms += self._stream.append_audio(audio.silence(duration_ms), self._clock(), quiet=True)

    def begin_turn(self) -> None:
        """Forget the audio so far: it belongs to another turn, or to none."""
        self._turn_ms = 0.0
