"""A text field, for quiet rooms."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

LONGEST = 8000
"""Characters of a message."""


class Composer(ui.element, component="composer.js"):
    """Reports what was typed, on Enter or a click on Send."""

    def __init__(self, on_message: Callable[[str], object]) -> None:
        super().__init__()
        self._props["longest"] = LONGEST
        self._on_message = on_message
        self.on("message", lambda event: self._handle_message(event.args))

    def _handle_message(self, text: object) -> None:
        if isinstance(text, str) and (message := text.strip()[:LONGEST]):
            self._on_message(message)
