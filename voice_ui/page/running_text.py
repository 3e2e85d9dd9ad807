"""Text that grows on the screen at the cost of what is added, however long it already is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui import ui

MESSAGE = "voice_text"
"""A message of our own on NiceGUI's socket. An update of an element carries all of its text and all of its props."""


READING = ("blocks", "markdown", "nodes")

MODULES: list[str | Path] = ["reply_text.js", *(f"reply_{name}.js" for name in READING), "vendor/markdown_it.js"]
"""Of the browser's side; past_turn.js uses them, too. Only the first is loaded with the page."""


class RunningText(ui.element, component="running_text.js", dependencies=MODULES):
    """A reply in one element. What is added travels alone, several additions of one moment together.

    Each message carries the place where its text belongs, so one that comes twice, or after the element was sent whole,
    changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.classes("vp-text").props("dir=auto translate=no")
        self._written = ""
        self._length = 0
        self._heard: int | None = None
        self._is_done = False
        self._place: int | None = None
        self._message: dict[str, Any] = {}  # the last one, perhaps still waiting

    @property
    def written(self) -> str:
        """All of it."""
        return self._written

    def append(self, text: str) -> None:
        """Add `text` to the end."""
        self._written += text
        messages = self.client.outbox.messages
        if messages and messages[-1][2] is self._message:
            self._message["text"] += text
        else:
            self._message = {"id": self.id, "at": self._length, "text": text}
            self.client.outbox.enqueue_message(MESSAGE, self._message, self.client.id)
        self._length += utf_16_length(text)

    def show_heard(self, characters: int | None) -> None:
        """Grey what comes after this many characters: it was not heard, or not yet; None: nothing."""
        heard = None if characters is None else utf_16_length(self._written[:characters])
        if heard != self._heard:
            self._heard = heard
            self._message = {}
            self.client.outbox.enqueue_message(MESSAGE, {"id": self.id, "heard": heard}, self.client.id)

    def finish(self) -> None:
        """Nothing is added any more: marks of Markdown at the end mean what they are."""
        if not self._is_done:
            self._is_done = True
            self._message = {}
            self.client.outbox.enqueue_message(MESSAGE, {"id": self.id, "done": True}, self.client.id)

    def show_place(self, place: int) -> None:
        """Stand at this place among the texts and calls of a turn (panel.css).

        Not by a style: an update of the element carries its text, and what is added meanwhile would be lost.
        """
        if place != self._place:
            self._place = place
            self._message = {}
            self.client.outbox.enqueue_message(MESSAGE, {"id": self.id, "place": place}, self.client.id)

    def set_text(self, text: str) -> None:
        """Replace the whole text."""
        if text.startswith(self._written):
            text = text[len(self._written) :]
        else:
            self._written, self._length = "", 0
        self._message = {}  # what waits is about another text
        self.append(text)

    def _to_dict(self) -> dict[str, Any]:
        element = super()._to_dict()
        element["props"] = {**element.get("props", {}), "text": self._written, "done": self._is_done}
        if self._heard is not None:
            element["props"]["heard"] = self._heard
        if self._place is not None:
            element["props"]["place"] = self._place
        return element


def utf_16_length(text: str) -> int:
    """Return the length of a text as JavaScript counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
