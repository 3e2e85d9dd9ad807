"""The events of a session."""

from __future__ import annotations

from dataclasses import dataclass

from voice_ui.conversation import ItemChanged, ItemRemoved, TextDelta
from voice_ui.errors import Problem
from voice_ui.session.state import State
from voice_ui.session.timing import TurnTimer
from voice_ui.usage import Usage


@dataclass(frozen=True)
class StateChanged:
    state: State
    attempt: int = 0
    """To reconnect, counted from 1."""


@dataclass(frozen=True)
class ReplyAudio:
    """Audio of a spoken reply, to be played after the audio before it."""

    item_id: str
    pcm: bytes
    """16-bit little-endian, mono, 24 kHz."""


@dataclass(frozen=True)
class ReplyAudioDone:
    """The audio of an item is complete."""

    item_id: str


@dataclass(frozen=True)
class ReplyHeard:
    """How far the text of a spoken item has been played, as `take_played` reports it."""

    item_id: str
    characters: int | None
    """None: all of it."""


@dataclass(frozen=True)
class PlaybackCut:
    """Stop playing; answer with `take_played(…, stopped=True)`, which reports how much was played."""

    by_speech: bool = False
    """True if the server heard speech over the reply; False if the user stopped it."""


@dataclass(frozen=True)
class BargeInPending:
    """Speech is heard over a reply, and it is open whether it cuts the reply short; or that is decided."""

    pending: bool


@dataclass(frozen=True)
class TurnTimed:
    """The first text of a turn has arrived. After a preamble, reported again for the first text of the answer."""

    turn: int
    timer: TurnTimer
    round_trip_ms: float | None = None
    """The last measured round trip to the server."""


@dataclass(frozen=True)
class UsageCounted:
    """Of the whole conversation."""

    usage: Usage
    cost: float | None
    """US dollars, as far as prices are known; None if no price is."""
    is_exact: bool = True
    """Whether `cost` is all of it; otherwise it is at least that."""
    per_minute: float | None = None
    """US dollars that a minute costs now; None if that is unknown."""


@dataclass(frozen=True)
class ProblemRaised:
    problem: Problem
    number: int | None = None
    """Of the event that caused it, as the session's tracer counts; None without one."""


@dataclass(frozen=True)
class ProblemSolved:
    """A problem that was raised is over."""

    code: str


SessionEvent = (
    StateChanged
    | ItemChanged
    | ItemRemoved
    | TextDelta
    | ReplyAudio
    | ReplyAudioDone
    | ReplyHeard
    | PlaybackCut
    | BargeInPending
    | TurnTimed
    | UsageCounted
    | ProblemRaised
    | ProblemSolved
)
