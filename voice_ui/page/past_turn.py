"""An earlier turn, as one element."""

from __future__ import annotations

from nicegui import ui

from voice_ui.page.tool_call import CallActions
from voice_ui.page.tool_calls import ToolCalls
from voice_ui.page.turn_texts import TurnTexts


class PastTurn(ui.element, component="past_turn.js"):
    """Shows a turn that is over; it may still change, if a transcript comes late."""

    def __init__(
        self, texts: TurnTexts, actions: CallActions, total_ms: float | None = None, answer_ms: float | None = None
    ) -> None:
        super().__init__()
        self.texts = texts
        self._actions = actions
        self._calls: ToolCalls | None = None  # most turns have none
        self._props["total"], self._props["answer"] = total_ms, answer_ms
        self.refresh()

    def refresh(self) -> None:
        """Show the texts as they are now."""
        if self.texts.calls and self._calls is None:
            with self:
                self._calls = ToolCalls(self._actions)
        if self._calls:
            for call in self.texts.calls:
                self._calls.show(call, self.texts.place(call.id))
        replies = [
            {
                "text": item.heard_text,
                "unheard": item.text[len(item.heard_text) :],
                "preamble": item.phase == "commentary",
                "place": self.texts.place(item.id),
            }
            for item in self.texts.replies
            if item.text
        ]
        self._props["heard"], self._props["texts"], self._props["mark"] = (
            self.texts.heard,
            replies,
            self.texts.mark(True),
        )
        self.update()
