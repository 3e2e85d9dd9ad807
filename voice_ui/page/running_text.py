"""Text that grows on the screen; an addition costs the same however long the text already is."""

from __future__ import annotations

from typing import Any

from nicegui import ui

MESSAGE = "voice_text"
"""A message of our own on NiceGUI's socket. An update of an element carries all of its text and all of its props."""


class RunningText(ui.element, component="running_text.js"):
    """Plain text in one element. What is added travels alone, several additions of one moment together.

    Each message carries the place where its text belongs, so one that comes twice, or after the element was sent whole,
    changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.classes("vp-text").props("dir=auto translate=no")
        self._written = ""
        self._length = 0
        self._heard: int | None = None
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
        self._length += _utf_16_length(text)

    def show_heard(self, characters: int | None) -> None:
        """Grey what comes after this many characters: it was not heard, or not yet; None: nothing."""
        heard = None if characters is None else _utf_16_length(self._written[:characters])
        if heard != self._heard:
            self._heard = heard
            self._message = {}
            self.client.outbox.enqueue_message(MESSAGE, {"id": self.id, "heard": heard}, self.client.id)

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
        element["props"] = {**element.get("props", {}), "text": self._written}
        if self._heard is not None:
            element["props"]["heard"] = self._heard
        return element


def _utf_16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
