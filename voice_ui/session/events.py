"""What a session tells its page."""

from __future__ import annotations

from dataclasses import dataclass

from voice_ui.conversation import Item
from voice_ui.errors import Problem
from voice_ui.latency import TurnTimer
from voice_ui.state import State
from voice_ui.usage import Usage


@dataclass(frozen=True)
class StateChanged:
    state: State
    attempt: int = 0
    """To reconnect, counted from 1."""


@dataclass(frozen=True)
class ItemChanged:
    item: Item


@dataclass(frozen=True)
class ItemForgotten:
    """It will be said again, to another connection."""

    item_id: str


@dataclass(frozen=True)
class TurnTimed:
    """The first text of a turn has arrived."""

    timer: TurnTimer
    round_trip_ms: float | None = None
    """To the model's server and back, as last measured."""


@dataclass(frozen=True)
class UsageCounted:
    """Of the whole conversation."""

    usage: Usage
    cost: float
    """US dollars, as far as prices are known."""


@dataclass(frozen=True)
class ProblemRaised:
    problem: Problem
    number: int | None = None
    """Of the event that caused it, as the session's tap counts; None if there is no tap, or no such event."""


SessionEvent = StateChanged | ItemChanged | ItemForgotten | TurnTimed | UsageCounted | ProblemRaised
