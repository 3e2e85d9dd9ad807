"""A line to type in, for quiet rooms."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

MOST_CHARACTERS = 8000


class Composer(ui.element):
    """Tells what was typed, at Enter or a click."""

    def __init__(self, on_message: Callable[[str], object]) -> None:
        super().__init__("form")
        self.classes("composer").props("data-testid=composer").on("submit.prevent", self._send)
        self._on_message = on_message
        with self:
            self._line = ui.input(placeholder="Type a message").props(
                f'outlined dense maxlength={MOST_CHARACTERS} aria-label="Message" autocomplete=off'
            )
            send = ui.button(icon="send", color=None).props('flat round type=submit aria-label="Send"')
            send.classes("send")

    def _send(self) -> None:
        text = (self._line.value or "").strip()[:MOST_CHARACTERS]
        if text:
            self._line.set_value("")
            self._on_message(text)
