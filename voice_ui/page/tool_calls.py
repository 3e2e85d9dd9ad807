"""The calls of one turn, in the order in which they were made."""

from __future__ import annotations

from voice_ui.conversation import FunctionCall
from voice_ui.page.block import Block
from voice_ui.page.tool_call import CallActions, ToolCall


class ToolCalls(Block):
    """Holds an element for each call; the elements announce themselves to a screen reader."""

    def __init__(self, actions: CallActions) -> None:
        super().__init__()
        self.classes("vp-calls")
        self._actions = actions
        self._elements: dict[str, ToolCall] = {}  # by the id of the item

    def show(self, call: FunctionCall, place: int) -> None:
        """Bring a call up to date; `place` is its place among the texts and calls of the turn."""
        if call.id in self._elements:
            self._elements[call.id].show(call)
        else:
            with self:
                self._elements[call.id] = ToolCall(call, self._actions).style(f"order: {place}")

    def remove_call(self, item_id: str) -> None:
        """Take a call away, if it is here."""
        if element := self._elements.pop(item_id, None):
            element.delete()

    def reset(self) -> None:
        """Take all away."""
        if self._elements:
            self._elements.clear()
            self.clear()
