"""How long a turn took on the whole way, from the microphone to the screen, by the clock of the browser alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from voice_ui.latency import Shares, Stage, TurnTimer, shares
from voice_ui.mic import Chunk, Mic

KEPT = 1500
"""Half a minute of chunks; a turn is answered sooner, or it is not the 20 ms that matter."""


class TurnClock:
    """Finds the chunk in which speech ended, and asks the browser how long ago that was when the reply is seen."""

    def __init__(self, mic: Mic, on_measured: Callable[[Shares], object]) -> None:
        self._mic = mic
        self._on_measured = on_measured
        self._arrivals: deque[tuple[float, int]] = deque(maxlen=KEPT)
        self._asked: tuple[int, TurnTimer, float | None, float] | None = None

    def arrived(self, chunk: Chunk) -> None:
        """Note when a chunk came in."""
        self._arrivals.append((time.monotonic(), chunk.seq))

    def measure(self, timer: TurnTimer, round_trip_ms: float | None) -> None:
        """Tell what is known of a turn now, and once more when the browser has answered."""
        if known := shares(timer, round_trip_ms):
            self._on_measured(known)
        speech_end = timer.moments.get(Stage.SPEECH_END)
        before = next((entry for entry in reversed(self._arrivals) if speech_end and entry[0] <= speech_end), None)
        if speech_end and before:
            arrived, seq = before
            self._asked = (seq, timer, round_trip_ms, (speech_end - arrived) * 1000)
            self._mic.ask_when_painted(seq)

    def handle_painted(self, seq: int, since_capture_ms: float) -> None:
        """The browser has answered."""
        if self._asked and self._asked[0] == seq:
            _, timer, round_trip_ms, after_chunk_ms = self._asked
            self._asked = None
            if measured := shares(timer, round_trip_ms, since_capture_ms - after_chunk_ms):
                self._on_measured(measured)
