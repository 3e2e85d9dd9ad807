"""Measures a turn end to end, from the microphone to the screen, with the browser's clock only."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from voice_ui.mic import Chunk, Mic
from voice_ui.session import Shares, Stage, TurnTimed, shares

KEPT = 1500
"""30 s of chunks; turns are answered sooner, or 20 ms do not matter."""

Measured = Callable[[int, Shares, float | None], object]
"""Called with the number of the turn, where its time went, and the milliseconds to the answer after a preamble."""


@dataclass(frozen=True)
class _Question:
    seq: int
    timed: TurnTimed
    after_chunk_ms: float


class TurnClock:
    """Finds the chunk in which speech ended, and asks the browser how long ago that was when the reply is seen."""

    def __init__(self, mic: Mic, on_measured: Measured) -> None:
        self._mic = mic
        self._on_measured = on_measured
        self._arrivals: deque[tuple[float, int]] = deque(maxlen=KEPT)
        self._asked: _Question | None = None
        self._speech: _Question | None = None  # the newest turn's
        self._on_screen_ms: dict[int, float] = {}  # of the newest turn, once the browser has answered

    def handle_chunk(self, chunk: Chunk) -> None:
        """Note when a chunk came in."""
        self._arrivals.append((time.monotonic(), chunk.seq))

    def ask(self, timed: TurnTimed) -> None:
        """Ask the browser when the words that are about to be sent are painted; it is asked behind them."""
        speech_end = timed.timer.moments.get(Stage.SPEECH_END)
        if speech_end is None or timed.turn in self._on_screen_ms:
            return
        if before := next((arrival for arrival in reversed(self._arrivals) if arrival[0] <= speech_end), None):
            arrived, seq = before
            self._asked = self._speech = _Question(seq, timed, (speech_end - arrived) * 1000)
            asyncio.get_running_loop().call_soon(self._mic.ask_when_painted, seq)

    def measure(self, timed: TurnTimed) -> None:
        """Report what is known of a turn now, and once more if the browser answers only then."""
        self._report(timed, self._on_screen_ms.get(timed.turn))

    def handle_painted(self, seq: int, since_capture_ms: float) -> None:
        """The browser has answered."""
        if self._asked and self._asked.seq == seq:
            asked, self._asked = self._asked, None
            on_screen_ms = since_capture_ms - asked.after_chunk_ms
            self._on_screen_ms = {asked.timed.turn: on_screen_ms}
            self._report(asked.timed, on_screen_ms)

    def seq_of(self, turn: int) -> int | None:
        """Return the chunk in which the speech of the newest turn ended; None if that is another turn."""
        return self._speech.seq if self._speech and self._speech.timed.turn == turn else None

    def first_sound(self, seq: int, since_capture_ms: float) -> tuple[int, float] | None:
        """Return the turn, and the milliseconds from the end of its speech, of a sound this long after a chunk."""
        if self._speech is None or self._speech.seq != seq:
            return None
        return self._speech.timed.turn, since_capture_ms - self._speech.after_chunk_ms

    def _report(self, timed: TurnTimed, on_screen_ms: float | None) -> None:
        first, answer = timed.timer.first_text_ms, timed.timer.first_answer_ms
        # Without a preamble, the first words are those of the answer.
        answer_ms = answer if first is not None and answer is not None and answer > first else None
        if known := shares(timed.timer, timed.round_trip_ms, on_screen_ms):
            self._on_measured(timed.turn, known, answer_ms)
