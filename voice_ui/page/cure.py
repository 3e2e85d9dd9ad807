"""What takes a problem off the page again: a connection that holds, a turn that goes well."""

from __future__ import annotations

from voice_ui.conversation import Item
from voice_ui.errors import CATALOGUE
from voice_ui.page.error_card import ErrorCard
from voice_ui.session import Alarm
from voice_ui.state import State

HELD_SECONDS = 3.0
"""A connection that was made again and held so long is believed to hold."""

BY_CONNECTING = {code for code, entry in CATALOGUE.items() if entry.where in {"connection", "server", "limits"}}
BY_CONNECTING -= {"page-polling"}  # the microphone says when it is over
BY_A_REPLY = {code for code, entry in CATALOGUE.items() if entry.where == "reply"} | {"server-error"}
BY_A_TRANSCRIPT = {"transcription-failed"}
BY_A_REPLY -= BY_A_TRANSCRIPT


class Cure:
    """Looks at what happens, and cures what is over by it."""

    def __init__(self, card: ErrorCard) -> None:
        self._card = card
        self._before: State | None = None
        self._held = Alarm()

    def by_state(self, state: State) -> None:
        """The session has come into a state, or is still in it."""
        if state is State.RECONNECTING:
            self._held.stop()
        elif state is State.LISTENING and self._before is State.RECONNECTING:
            self._held.set(HELD_SECONDS, lambda: self._card.cure(*BY_CONNECTING))
        elif state is State.LISTENING and self._before is State.CONNECTING:
            self._card.cure(*BY_CONNECTING)
        self._before = state

    def by_item(self, item: Item) -> None:
        """Something was heard, or is being answered: what went wrong in the turn before is over."""
        if item.role == "user" and item.text:
            self._card.cure(*BY_A_TRANSCRIPT)
        elif item.role == "assistant" and item.text and item.status == "in_progress":
            self._card.cure(*BY_A_REPLY)

    def close(self) -> None:
        """Nobody looks any more."""
        self._held.stop()
