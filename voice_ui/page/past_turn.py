"""An earlier turn, as one element."""

from __future__ import annotations

from nicegui import ui

from voice_ui.page.turn_texts import TurnTexts


class PastTurn(ui.element, component="past_turn.js"):
    """Shows a turn that is over; it may still change, if a transcript comes late."""

    def __init__(self, texts: TurnTexts, total_ms: float | None = None, answer_ms: float | None = None) -> None:
        super().__init__()
        self.texts = texts
        self._props["total"], self._props["answer"] = total_ms, answer_ms
        self.refresh()

    def refresh(self) -> None:
        """Show the texts as they are now."""
        replies = [
            {"text": item.text, "preamble": item.phase == "commentary"} for item in self.texts.replies if item.text
        ]
        self._props["heard"], self._props["texts"], self._props["mark"] = (
            self.texts.heard,
            replies,
            self.texts.mark(True),
        )
        self.update()
