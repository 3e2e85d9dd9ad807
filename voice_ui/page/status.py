"""The state of the session in words, and what is to be seen of a state that lasts."""

from __future__ import annotations

from nicegui import ui

from voice_ui.session import Alarm
from voice_ui.state import State

WORDS = {
    "idle": "Press Start and speak",
    "connecting": "Connecting…",
    "listening": "Listening – speak now",
    "hearing": "I hear you…",
    "thinking": "Thinking…",
    "answering": "Answering",
    "reconnecting": "Reconnecting…",
    "error": "Stopped",
}

BY_HAND = "Hold the button, or Space, and speak"

LONG_THOUGHT_SECONDS = 8.0
LONG_THOUGHT = "Still waiting for the reply…"


class Status(ui.label):
    """One line; `data-state` is the state for scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.classes("status").props("role=status data-testid=status")
        self._state: State | None = None
        self._long_thought = Alarm()

    def show(self, state: State, attempt: int = 0, *, by_hand: bool) -> None:
        """Say what can be done; `attempt` counts those at a new connection, `by_hand` is push to talk."""
        words = BY_HAND if by_hand and state is State.LISTENING else WORDS[state.shown]
        self.set_text(words + (f" attempt {attempt}" if attempt > 1 else ""))
        self.props(f"data-state={state.shown}")
        if state is not self._state:
            self._long_thought.stop()
            if state in {State.THINKING, State.THINKING_LAST}:
                self._long_thought.set(LONG_THOUGHT_SECONDS, lambda: self.set_text(LONG_THOUGHT))
        self._state = state

    def close(self) -> None:
        """Nobody looks any more."""
        self._long_thought.stop()
