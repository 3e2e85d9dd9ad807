"""Clears a problem from the page when a connection is stable or a turn succeeds."""

from __future__ import annotations

import asyncio

from voice_ui.conversation import Item
from voice_ui.errors import CODES
from voice_ui.page.error_card import ErrorCard

HELD_SECONDS = 3.0
"""A new connection counts as stable after this time."""

BY_CONNECTING = {code for code, known in CODES.items() if known.where in {"connection", "server", "limits"}}
BY_CONNECTING -= {"page-polling"}  # the microphone reports when it is over
BY_A_TRANSCRIPT = {"transcription-failed"}
BY_A_MESSAGE = {code for code, known in CODES.items() if known.where == "image"}
BY_A_REPLY = {code for code, known in CODES.items() if known.where == "reply"} - BY_A_TRANSCRIPT
BY_A_REPLY -= {"speaker-blocked", "speaker-failed", "voice-echo"}  # a reply that nobody hears solves nothing
BY_A_REPLY |= {"server-error", "server-said"}


class Clearing:
    """Watches states and items, and clears the error card."""

    def __init__(self, card: ErrorCard) -> None:
        self._card = card
        self._before = "idle"
        self._held: asyncio.TimerHandle | None = None

    def by_state(self, phase: str) -> None:
        """The session is in this phase."""
        if phase == "reconnecting":
            self.stop()
        elif phase == "listening" and self._before == "reconnecting":
            self._held = asyncio.get_running_loop().call_later(HELD_SECONDS, self._card.clear_codes, *BY_CONNECTING)
        elif phase == "listening" and self._before == "connecting":
            self._card.clear_codes(*BY_CONNECTING)
        self._before = phase

    def by_item(self, item: Item) -> None:
        """Something was heard or is being answered: what went wrong in the turn before is over."""
        if item.role == "user" and item.status == "completed":
            self._card.clear_codes(*BY_A_MESSAGE)
        if item.role == "user" and item.text:
            self._card.clear_codes(*BY_A_TRANSCRIPT)
        elif item.role == "assistant" and item.text and item.status == "in_progress":
            self._card.clear_codes(*BY_A_REPLY)

    def stop(self) -> None:
        """Stop the timer."""
        if self._held:
            self._held.cancel()
            self._held = None
