"""The tool calls of one turn, in the order in which they were made, each as one element."""

from __future__ import annotations

import json
from collections.abc import Callable

from nicegui import ui

from voice_ui.conversation import FunctionCall
from voice_ui.page.block import Block

LONGEST = 20_000
"""Characters of the arguments, or of the result, that are shown."""

Decide = Callable[[str, bool], object]
"""Takes the id of a call, and whether a person approves it."""


class CallActions:
    """What a person can do with a call."""

    def __init__(self, decide: Decide) -> None:
        self.decide = decide
        self.show_event: Callable[[int], object] = lambda number: None
        """Shows an event in the inspector, by its number."""


class ToolCall(ui.element, component="tool_call.js"):
    """Shows a call. What a model wrote, or a tool returned, is shown as plain text."""

    def __init__(self, call: FunctionCall, actions: CallActions) -> None:
        super().__init__()
        self.call = call
        self.on("decide", lambda event: actions.decide(self.call.call_id, event.args is True))
        self.on("show", lambda: actions.show_event(self.call.event_number or 0))
        self.show(call)

    def show(self, call: FunctionCall) -> None:
        """Update it."""
        self.call = call
        self._props["name"], self._props["server"] = call.name or "(no name)", call.server_label
        self._props["status"], self._props["seconds"] = call.status, call.seconds
        self._props["event"] = call.event_number
        self._props["given"], self._props["result"] = _shown(_readable(call.arguments)), _shown(call.result)
        self.update()


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


def _readable(arguments: str) -> str:
    """Return arguments one to a line; as they came, if they are not JSON."""
    try:
        given = json.loads(arguments or "{}")
        return json.dumps(given, indent=2, ensure_ascii=False) if given else "none"
    except (ValueError, RecursionError):
        return arguments


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
