"""An earlier turn, as one element."""

from __future__ import annotations

from nicegui import ui

from voice_ui.images import Image
from voice_ui.page.running_text import MODULES, utf_16_length
from voice_ui.page.thumbnail import thumbnail
from voice_ui.page.tool_calls import CallActions, ToolCalls
from voice_ui.page.turn_texts import TurnTexts


class PastTurn(ui.element, component="past_turn.js", dependencies=MODULES):
    """Shows a turn that is over; it may still change, if a transcript comes late."""

    def __init__(
        self, texts: TurnTexts, actions: CallActions, total_ms: float | None = None, answer_ms: float | None = None
    ) -> None:
        super().__init__()
        self.texts = texts
        self._actions = actions
        self._calls: ToolCalls | None = None  # most turns have none
        self._image: Image | None = None
        with self._props.suspend_updates():
            self._props.update(total=total_ms, answer=answer_ms)
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
                "text": item.text,
                "heard": None if item.heard is None else utf_16_length(item.heard_text),
                "preamble": item.phase == "commentary",
                "place": self.texts.place(item.id),
            }
            for item in self.texts.replies
            if item.text
        ]
        image = {}
        if self.texts.image is not self._image:
            self._image = self.texts.image
            image["image"] = thumbnail(self._image) if self._image else None
        self._props.update(heard=self.texts.heard, texts=replies, mark=self.texts.mark(True), **image)
