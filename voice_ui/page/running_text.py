"""Text that grows on the screen; an addition costs the same however long the text already is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from nicegui import ui

from voice_ui import page_socket

MESSAGE = "voice_text"
"""A message of our own on NiceGUI's socket. An update of an element carries all of its text and all of its props."""

FIRST_CHARACTERS = 80
"""The first words never wait, however busy the program is: somebody waits for them."""


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
        self._written = ""
        self._length = 0
        self._heard: int | None = None
        self._is_done = False
        self._place: int | None = None
        self.coalesce_ms = 0
        """What is added waits this long for more to go with it, but for the first words."""
        self._waiting = ""  # what is to be sent with the next message

    @property
    def written(self) -> str:
        """All of it."""
        return self._written

    def append(self, text: str) -> None:
        """Add `text` to the end."""
        is_waiting, before = bool(self._waiting), len(self._written)
        self._written += text
        self._waiting += text
        if is_waiting:
            return
        if not before:
            self.flush()
        elif self.coalesce_ms and before > FIRST_CHARACTERS:
            asyncio.get_running_loop().call_later(self.coalesce_ms / 1000, self.flush)
        else:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what was added since the last time."""
        if text := self._waiting:
            self._waiting = ""
            self._send({"id": self.id, "at": self._length, "text": text})
            self._length += utf_16_length(text)

    def _send(self, message: dict[str, Any]) -> None:
        if self.is_deleted:
            return
        outbox = self.client.outbox
        # An element that the page does not have yet comes first.
        if self.id in outbox.updates or not page_socket.send(self.client, MESSAGE, message):
            outbox.enqueue_message(MESSAGE, message, self.client.id)

    def show_heard(self, characters: int | None) -> None:
        """Grey what comes after this many characters: it was not heard, or not yet; None: nothing."""
        heard = None if characters is None else utf_16_length(self._written[:characters])
        if heard != self._heard:
            self._heard = heard
            self.flush()
            self._send({"id": self.id, "heard": heard})

    def finish(self) -> None:
        """Nothing is added any more: marks of Markdown at the end mean what they are."""
        if not self._is_done:
            self._is_done = True
            self.flush()
            self._send({"id": self.id, "done": True})

    def show_place(self, place: int) -> None:
        """Stand at this place among the texts and calls of a turn (panel.css).

        Not by a style: an update of the element carries its text, and what is added meanwhile would be lost.
        """
        if place != self._place:
            self._place = place
            self._send({"id": self.id, "place": place})

    def set_text(self, text: str) -> None:
        """Replace the whole text."""
        if text.startswith(self._written):
            if added := text[len(self._written) :]:
                self.append(added)
            return
        self._written, self._waiting, self._length = text, "", utf_16_length(text)
        self._send({"id": self.id, "at": 0, "text": text})

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


RunningText.default_classes("vp-text").default_props("dir=auto translate=no")
