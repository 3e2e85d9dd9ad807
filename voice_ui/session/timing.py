"""How long a turn took, stage by stage. Pure: the caller passes the time in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """A moment in a turn, in the order in which it usually comes."""

    SPEECH_END = "speech_end"
    """The last voiced sample reached this process."""
    SPEECH_STOPPED = "speech_stopped"
    """The server had waited long enough to call the turn ended."""
    RESPONSE_CREATED = "response_created"
    FIRST_TEXT = "first_text"
    FIRST_ANSWER = "first_answer"
    """The first text of the answer; later than `FIRST_TEXT` where a preamble comes before it."""
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
        """From the end of speech to the first text."""
        return self.milliseconds(Stage.SPEECH_END, Stage.FIRST_TEXT)

    @property
    def first_answer_ms(self) -> float | None:
        """From the end of speech to the first text of the answer."""
        return self.milliseconds(Stage.SPEECH_END, Stage.FIRST_ANSWER)


@dataclass(frozen=True)
class Shares:
    """Where the time from the end of speech to the first text went, in milliseconds."""

    detection: float
    """Until the server took the speech for ended: mostly the silence that it waits for."""
    model: float
    """Until the first text came back, without the network."""
    network: float
    """One round trip to the model's server."""
    ours: float | None = None
    """From the microphone to this process, and from here to the screen; None if it was not measured."""

    @property
    def total(self) -> float:
        """The sum of the measured parts."""
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


class Timing:
    """The timer of the turn that ended last."""

    def __init__(self) -> None:
        self.timer = TurnTimer()
        self.is_answered = False
        """Whether all stages of the reply's text have been timed."""

    def end_turn(self, spoken_until: float, now: float) -> None:
        """Note when speech ended, and that the server has detected the end now."""
        self.timer, self.is_answered = TurnTimer(), False
        self.timer.mark(Stage.SPEECH_END, min(spoken_until, now))
        self.timer.mark(Stage.SPEECH_STOPPED, now)

    def begin_response(self, now: float) -> None:
        """A response begins."""
        self.timer.mark(Stage.RESPONSE_CREATED, now)

    def take_text(self, now: float, *, is_answer: bool) -> bool:
        """Text of a reply came; return whether it is the first of the turn, or the first after a preamble."""
        self.is_answered = is_answer
        is_first = self.timer.mark(Stage.FIRST_TEXT, now)
        is_first_answer = is_answer and self.timer.mark(Stage.FIRST_ANSWER, now)
        return (is_first or is_first_answer) and self.timer.first_text_ms is not None

    def finish(self, now: float) -> str:
        """A response is over; return the times of the turn, for the log."""
        self.timer.moments[Stage.RESPONSE_DONE] = now  # the last counts: one that the speech cut short is over before
        stages = {stage.value: self.timer.milliseconds(Stage.SPEECH_END, stage) for stage in Stage}
        return ", ".join(f"{name} {ms:.0f} ms" for name, ms in stages.items() if ms) or "not timed"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lie, by the nearest rank; raises for no values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
