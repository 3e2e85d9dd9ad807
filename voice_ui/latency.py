"""How long a turn took, stage by stage. Pure: the caller passes the time in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """A moment in a turn, in the order in which they come."""

    SPEECH_END = "speech_end"
    """The last voiced sample reached this process."""
    SPEECH_STOPPED = "speech_stopped"
    """The server had waited long enough to call the turn ended."""
    RESPONSE_CREATED = "response_created"
    FIRST_TEXT = "first_text"
    RESPONSE_DONE = "response_done"


@dataclass
class TurnTimer:
    """The moments of one turn, in seconds of one monotonic clock; only the first mark of a stage counts."""

    moments: dict[Stage, float] = field(default_factory=dict)

    def mark(self, stage: Stage, now: float) -> bool:
        """Note that `stage` was reached; False if it had been reached before."""
        first = stage not in self.moments
        self.moments.setdefault(stage, now)
        return first

    def milliseconds(self, start: Stage, end: Stage) -> float | None:
        """Return the time from one stage to another, None unless both were reached."""
        if start in self.moments and end in self.moments:
            return (self.moments[end] - self.moments[start]) * 1000
        return None

    @property
    def first_text_ms(self) -> float | None:
        """From the end of speech to the first text: the number this project stands for."""
        return self.milliseconds(Stage.SPEECH_END, Stage.FIRST_TEXT)


class AudioClock:
    """When which moment of the audio stream passed through here: turns `audio_end_ms` into a time of day.

    Bounded: it remembers the last `KEPT` chunks.
    """

    KEPT = 3000
    """A minute of 20 ms chunks; a server tells the end of speech within seconds."""

    def __init__(self) -> None:
        self._passed: list[tuple[float, float]] = []  # (end of a chunk in ms of the stream, when it passed)
        self.stream_ms = 0.0

    def passed(self, duration_ms: float, now: float) -> None:
        """Note that the next `duration_ms` of the stream were spoken until `now`."""
        self.stream_ms += duration_ms
        self._passed.append((self.stream_ms, now))
        if len(self._passed) > 2 * self.KEPT:
            del self._passed[: self.KEPT]

    def when(self, stream_ms: float) -> float | None:
        """Return when that moment of the stream passed, None if it is too long ago or yet to come."""
        for end_ms, now in reversed(self._passed):
            if end_ms <= stream_ms:
                return now + (stream_ms - end_ms) / 1000
        return None

    def place(self, moment: float) -> float:
        """Return how much of the stream had passed at that moment, in milliseconds; 0 if that is too long ago."""
        return next((end_ms for end_ms, now in reversed(self._passed) if now <= moment), 0.0)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lie, by the nearest rank; raises for no values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
