"""How long a turn took, stage by stage. Pure: the caller passes the time in."""

from __future__ import annotations

from array import array
from bisect import bisect_right
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


@dataclass(frozen=True)
class Shares:
    """Where the time from the end of speech to the first text went, in milliseconds."""

    detection: float
    """Until the server took the speech for ended: mostly the silence that it waits for."""
    model: float
    """Until the first text came back, without the network."""
    network: float
    """Once to the model's server and back."""
    ours: float | None = None
    """From the microphone to this process, and from here to the screen; None if it was not measured."""

    @property
    def total(self) -> float:
        """All of it, as far as it was measured."""
        return self.detection + self.model + self.network + (self.ours or 0.0)


def shares(timer: TurnTimer, round_trip_ms: float | None, on_screen_ms: float | None = None) -> Shares | None:
    """Split the time of a turn; None unless its end of speech and its first text were timed.

    `on_screen_ms` is the whole way, from the end of speech to the first text on the screen, by the browser's clock:
    only lengths of time are compared, no clocks.
    """
    waited = timer.milliseconds(Stage.SPEECH_END, Stage.SPEECH_STOPPED)
    answered = timer.milliseconds(Stage.SPEECH_STOPPED, Stage.FIRST_TEXT)
    if waited is None or answered is None:
        return None
    network = min(round_trip_ms or 0.0, answered)
    ours = None if on_screen_ms is None else max(0.0, on_screen_ms - waited - answered)
    return Shares(waited, answered - network, network, ours)


class AudioClock:
    """When which moment of the audio stream passed through here: turns `audio_end_ms` into a time of day.

    Bounded: it remembers the last `KEPT` chunks. Moments never go back.
    """

    KEPT = 3000
    """A minute of 20 ms chunks; a server tells the end of speech within seconds."""
    TRIMMED = 100
    """So many are forgotten at once: every two seconds."""

    def __init__(self) -> None:
        self._ends = array("d")  # of each chunk, in ms of the stream
        self._moments = array("d")
        self.stream_ms = 0.0

    def passed(self, duration_ms: float, now: float) -> None:
        """Note that the next `duration_ms` of the stream were spoken until `now`."""
        self.stream_ms += duration_ms
        for column, value in ((self._ends, self.stream_ms), (self._moments, now)):
            column.append(value)
            if len(column) >= self.KEPT + self.TRIMMED:
                del column[: self.TRIMMED]

    def when(self, stream_ms: float) -> float | None:
        """Return when that moment of the stream passed, or will have; None if it is too long ago."""
        last = bisect_right(self._ends, stream_ms) - 1
        return None if last < 0 else self._moments[last] + (stream_ms - self._ends[last]) / 1000

    def place(self, moment: float) -> float:
        """Return how much of the stream had passed at that moment, in milliseconds; 0 if that is too long ago."""
        last = bisect_right(self._moments, moment) - 1
        return 0.0 if last < 0 else self._ends[last]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lie, by the nearest rank; raises for no values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
