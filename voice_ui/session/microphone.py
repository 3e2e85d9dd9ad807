"""Audio from the microphone: resampled to the wire's rate, put into the stream, and cut into turns by hand."""

from __future__ import annotations

import asyncio

from voice_ui import audio
from voice_ui.session.attention import QUIET_PEAK, Attention
from voice_ui.session.context import Context
from voice_ui.session.entries import SHORTEST_TURN_MS, Commit, EndOfPress


class Microphone:
    """Whether audio is wanted, and where it goes."""

    def __init__(self, context: Context) -> None:
        self.is_open = False
        self.is_held = False
        """Whether the speaker holds the button, in push to talk."""
        self.loud_at = 0.0
        """When audio last came that may be speech, by the session's clock."""
        self.stopped_at: float | None = None
        """When it was closed, by the event loop's clock; None while it is open."""
        self.attention = Attention()
        """Whether the server reacts to it."""
        self._context = context
        self._resampler: tuple[int, audio.Resampler] | None = None
        self._turn_ms = 0.0  # audio since the last turn by hand
        self._dropped_ms = 0.0  # speech that did not fit into the stream

    def open(self) -> None:
        """Accept audio, from now on or again."""
        self.is_open, self.stopped_at = True, None
        self._context.outage.take_time()

    def close(self) -> None:
        """Accept no more audio; what was said is still sent and answered."""
        self.is_open = False
        self.hold(False)
        self.stopped_at = asyncio.get_running_loop().time()
        self._context.outage.hasten(self.stopped_at)
        self._context.stream.append(EndOfPress())

    def hold(self, held: bool) -> None:
        """The button is held, or is not."""
        self.is_held = held
        if self._context.link:
            self._context.link.exchange.held = held

    def take(self, pcm: bytes, rate: int) -> int:
        """Take in mono 16-bit PCM at `rate` hertz; return its peak."""
        if rate != audio.SAMPLE_RATE:
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, audio.Resampler(rate))
            pcm = self._resampler[1].process(pcm)
        peak, now = audio.peak(pcm), self._context.clock()
        if peak >= QUIET_PEAK:
            self.loud_at = now
        self._turn_ms += len(pcm) * 1000 / audio.BYTES_A_SECOND
        # As in `_append`, which would be one more call for each chunk.
        if dropped_ms := self._context.stream.append_audio(pcm, now, quiet=peak < QUIET_PEAK):
            self._report_dropped(dropped_ms)
        return peak

    def end_turn(self) -> None:
        """The speaker has ended the turn.

        A server that detects turns must not be told (committing what it took already is an error), but it can be
        shown: with silence after it, speech ends.
        """
        self.hold(False)
        if self._resampler:
            self._append(self._resampler[1].process(b"", last=True))
            self._resampler = None
        config, link = self._context.config, self._context.link
        if config.turn_detection != "none":
            self._append(audio.silence(config.silence_ms + 500), quiet=True)
        elif self._turn_ms >= SHORTEST_TURN_MS:
            self._context.stream.append(Commit())
        elif link:
            link.exchange.hand_over()
        self.forget_turn()

    def forget_turn(self) -> None:
        """The audio so far belongs to another turn, or to none."""
        self._turn_ms = 0.0

    def _append(self, pcm: bytes, *, quiet: bool = False) -> None:
        self._turn_ms += len(pcm) * 1000 / audio.BYTES_A_SECOND
        if dropped_ms := self._context.stream.append_audio(pcm, self._context.clock(), quiet=quiet):
            self._report_dropped(dropped_ms)

    def _report_dropped(self, dropped_ms: float) -> None:
        self._dropped_ms += dropped_ms
        self._context.report("audio-dropped", seconds=f"{self._dropped_ms / 1000:.1f}")
