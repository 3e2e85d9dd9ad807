"""One tab's realtime session: chunks out, events in, over as many connections as it takes."""

from voice_ui.session.alarm import Alarm
from voice_ui.session.events import (
    ItemChanged,
    ItemForgotten,
    ProblemRaised,
    SessionEvent,
    StateChanged,
    TurnTimed,
    UsageCounted,
)
from voice_ui.session.limits import Bill, Limits
from voice_ui.session.line import Target
from voice_ui.session.session import RealtimeSession
from voice_ui.session.tap import Passed, Tap

__all__ = [
    "Alarm",
    "Bill",
    "ItemChanged",
    "ItemForgotten",
    "Limits",
    "Passed",
    "ProblemRaised",
    "RealtimeSession",
    "SessionEvent",
    "StateChanged",
    "Tap",
    "Target",
    "TurnTimed",
    "UsageCounted",
]
