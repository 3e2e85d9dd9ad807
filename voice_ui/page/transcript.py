"""The conversation on the screen: the running turn large, earlier turns above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from voice_ui.conversation import Item
from voice_ui.page.running_text import RunningText
from voice_ui.usage import Usage


@dataclass
class _Turn:
    """What one turn shows: two items, where they are known."""

    user: Item | None = None
    assistant: Item | None = None


class Transcript(ui.element):
    """Shows items as they change; the text of an item is text, whatever a model writes."""

    def __init__(self) -> None:
        super().__init__("div")
        self._turn = _Turn()
        self._filed: dict[str, ui.label | RunningText] = {}  # by the id of an item that stands in the history
        with self:
            self._history = ui.element("div").classes("history").props("data-testid=history")
            self._heard = ui.label().classes("heard").props("data-testid=heard dir=auto")
            with ui.element("div").classes("response").props("data-testid=response aria-live=polite"):
                self._response = RunningText()
            with ui.element("div").classes("figures"):
                self._latency = ui.label().props("data-testid=latency")
                self._usage = ui.label().props("data-testid=usage")

    def show(self, item: Item) -> None:
        """Bring an item up to date: where it stands, or as part of the running turn."""
        if filed := self._filed.get(item.id):
            filed.show(item.text) if isinstance(filed, RunningText) else filed.set_text(item.text)
        elif item.role == "user":
            # A reply can be ahead of what it answers; a second thing said begins another turn.
            if self._turn.user and self._turn.user.id != item.id:
                self._file_turn()
            self._turn.user = item
            self._heard.set_text(item.text)
        else:
            if self._turn.assistant and self._turn.assistant.id != item.id:
                self._file_turn()
            self._turn.assistant = item
            self._response.show(item.text)

    def restore(self, items: Sequence[Item]) -> None:
        """Show a conversation that is there already."""
        for item in items:
            self.show(item)

    def forget(self, item_id: str) -> None:
        """Take away what is being said again."""
        if self._turn.user and self._turn.user.id == item_id:
            self._turn.user = None
            self._heard.set_text("")

    def show_latency(self, first_text_ms: float) -> None:
        """Say how long the running turn's first words took."""
        self._latency.set_text(f"first words after {first_text_ms / 1000:.2f} s")
        self._latency.props(f"data-ms={first_text_ms:.0f}")

    def show_usage(self, usage: Usage, cost: float) -> None:
        """Say what the conversation has used so far."""
        cached = f", {usage.cached:,} cached" if usage.cached else ""
        money = f" · ${cost:.4f}" if cost else ""
        self._usage.set_text(f"{usage.total:,} tokens{cached}{money}")

    def _file_turn(self) -> None:
        """Move the running turn up into the history."""
        turn, self._turn = self._turn, _Turn()
        with self._history, ui.element("article"):
            if turn.user:
                self._filed[turn.user.id] = ui.label(turn.user.text).classes("heard").props("dir=auto")
            if turn.assistant:
                reply = self._filed[turn.assistant.id] = RunningText()
                reply.show(turn.assistant.text)
        self._heard.set_text("")
        self._response.show("")
        self._latency.set_text("")
