"""A conversation with a realtime server: audio and text in, events out, over as many connections as it takes."""

from voice_ui.conversation import ItemChanged, ItemRemoved, TextDelta
from voice_ui.session.accounts import OWNER, Account, Accounts, Spent
from voice_ui.session.budget import Budget, Limits
from voice_ui.session.events import (
    BargeInPending,
    PlaybackCut,
    ProblemRaised,
    ProblemSolved,
    ReplyAudio,
    ReplyAudioDone,
    ReplyHeard,
    SessionEvent,
    StateChanged,
    TurnTimed,
    UsageCounted,
)
from voice_ui.session.ledger import Ledger, LocalAccounts, today
from voice_ui.session.seats import Seat, Seats
from voice_ui.session.session import RealtimeSession
from voice_ui.session.state import Phase, State
from voice_ui.session.supervisor import Connect
from voice_ui.session.timer import Timer
from voice_ui.session.timing import Shares, Stage, TurnTimer, percentile, shares
from voice_ui.session.tracer import TracedEvent, Tracer

__all__ = [
    "OWNER",
    "Account",
    "Accounts",
    "BargeInPending",
    "Budget",
    "Connect",
    "ItemChanged",
    "ItemRemoved",
    "Ledger",
    "Limits",
    "LocalAccounts",
    "Phase",
    "PlaybackCut",
    "ProblemRaised",
    "ProblemSolved",
    "RealtimeSession",
    "ReplyAudio",
    "ReplyAudioDone",
    "ReplyHeard",
    "Seat",
    "Seats",
    "SessionEvent",
    "Spent",
    "Shares",
    "Stage",
    "State",
    "StateChanged",
    "TextDelta",
    "Timer",
    "TracedEvent",
    "Tracer",
    "TurnTimed",
    "TurnTimer",
    "UsageCounted",
    "percentile",
    "shares",
    "today",
]
