"""The state of the conversation, in one line."""

from __future__ import annotations

import asyncio

from nicegui import ui

WORDS = {
    "idle": "Press Start and speak",
    "opening": "Opening the microphone…",
    "connecting": "Connecting…",
    "listening": "Listening – speak now",
    "hearing": "Listening to you…",
    "thinking": "Thinking…",
    "answering": "Replying…",
    "reconnecting": "Reconnecting…",
    "error": "Stopped",
}

SPEAKING = "Speaking – speak to interrupt"
"""`answering`, where replies are spoken."""

PUSH_TO_TALK = "Hold the button and speak"
MUTED = "Muted – unmute to speak"
"""These two instead of `listening`."""

LONG_THOUGHT_SECONDS = 8.0
LONG_THOUGHT = "Still waiting for the reply…"


class Status(ui.label):
    """Scripts read the state from `data-state`."""

    def __init__(self) -> None:
        super().__init__(WORDS["idle"])
        self.classes("vp-status").props("role=status data-testid=status data-state=idle translate=no")
        self.state = "idle"
        self._long_thought: asyncio.TimerHandle | None = None

    def show(
        self, state: str, attempt: int = 0, *, push_to_talk: bool, muted: bool = False, aloud: bool = False
    ) -> None:
        """Show a state; `attempt` counts the attempts to reconnect."""
        words = WORDS[state]
        if state == "listening" and (push_to_talk or muted):
            words = PUSH_TO_TALK if push_to_talk else MUTED
        if aloud and state == "answering":
            words = "Speaking" if push_to_talk else SPEAKING
        if attempt > 1:
            words = f"{words} attempt {attempt}"
        if state != self.state:
            self.stop()
            self.state = state
            self._props["data-state"] = state
            if state == "thinking":
                loop = asyncio.get_running_loop()
                self._long_thought = loop.call_later(LONG_THOUGHT_SECONDS, self.set_text, LONG_THOUGHT)
        elif state == "thinking":
            return  # it may say LONG_THOUGHT by now
        self.set_text(words)

    def stop(self) -> None:
        """Stop the timer."""
        if self._long_thought:
            self._long_thought.cancel()
            self._long_thought = None
