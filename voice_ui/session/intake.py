"""Sound on its way in: at any rate from the microphone, at the wire's into the outbox."""

from __future__ import annotations

from collections.abc import Callable

from voice_ui import audio
from voice_ui.session.outbox import Outbox, Sound

LEAST_TURN_MS = 100.0
"""Servers refuse to take a turn with less sound (protocol facts, section 5)."""

QUIET_PEAK = 600
"""Of 32768: below it nobody speaks (-35 dBFS)."""


class Intake:
    """Fills the outbox, and knows how much was said since the last turn."""

    def __init__(
        self, outbox: Outbox, clock: Callable[[], float], on_dropped: Callable[[float], object] = lambda seconds: None
    ) -> None:
        """`on_dropped` is told whenever sound was lost, with the seconds that were lost so far."""
        self._outbox, self._clock, self._on_dropped = outbox, clock, on_dropped
        self._resampler: tuple[int, audio.Resampler] | None = None
        self._turn_ms = 0.0

    @property
    def holds_a_turn(self) -> bool:
        """Whether enough was said since the last turn for another."""
        return self._turn_ms >= LEAST_TURN_MS

    def take(self, pcm: bytes, rate: int) -> int:
        """Take in mono 16-bit PCM at `rate` hertz; return its peak."""
        if rate != audio.SAMPLE_RATE:
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, audio.Resampler(rate))
            pcm = self._resampler[1].process(pcm)
        peak = audio.peak(pcm)
        self._put(pcm, quiet=peak < QUIET_PEAK)
        return peak

    def finish(self) -> None:
        """Let out what the resampler still holds: nothing follows for now."""
        if self._resampler:
            self._put(self._resampler[1].process(b"", last=True))
            self._resampler = None

    def add_silence(self, duration_ms: float) -> None:
        """Let silence follow what was said."""
        self._put(audio.silence(duration_ms), quiet=True)

    def begin_turn(self) -> None:
        """What was said so far belongs to another turn, or to none."""
        self._turn_ms = 0.0

    def _put(self, pcm: bytes, *, quiet: bool = False) -> None:
        self._turn_ms += audio.milliseconds(pcm)
        dropped_before = self._outbox.dropped_ms
        self._outbox.put(Sound(pcm, self._clock(), quiet))
        if self._outbox.dropped_ms > dropped_before:
            self._on_dropped(self._outbox.dropped_ms / 1000)
