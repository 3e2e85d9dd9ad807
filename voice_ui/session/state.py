"""The state of a session in two words: its phase, and whether the microphone is open. Pure.

    idle ─ start ─▶ connecting ─▶ listening ─ speech ─▶ hearing ─ turn ended ─▶ thinking ─ text ─▶ answering
                                      ▲                                                               │
                                      └──────────────────────── response done ────────────────────────┘

Stop, a limit or a lost device only closes the microphone: what was said is still answered, then the session is idle.
A lost connection is `reconnecting`; a failure ends in `error`. The phase is derived from what is known of the
connection (see `Progress`), so an event that comes late or twice cannot leave it in a state that is not true.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What the session is doing."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    ANSWERING = "answering"
    RECONNECTING = "reconnecting"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class State:
    """The phase, and whether audio is wanted from the microphone."""

    phase: Phase = Phase.IDLE
    microphone: bool = False

    @property
    def shown(self) -> str:
        """The value of `data-state`: while the microphone is closed, never listening or hearing."""
        if not self.microphone and self.phase in {Phase.LISTENING, Phase.HEARING}:
            return Phase.THINKING.value
        return self.phase.value

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left: no connection, no task, no seat."""
        return self.phase in {Phase.IDLE, Phase.ERROR}


IDLE = State()
FAILED = State(Phase.ERROR)
