"""Text that grows on the screen at the cost of what is added, however long it already is."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from voice_ui import page_socket

MESSAGE = "voice_text"
"""A message of our own on NiceGUI's socket. An update of an element carries all of its text and all of its props."""

FIRST_CHARACTERS = 80
"""The first words never wait, however busy the program is: somebody waits for them."""


class RunningText(ui.element, component="running_text.js"):
    """Plain text in one element. What is added travels alone, several additions of one moment together.

    Each message carries the place where its text belongs, so one that comes twice, or after the element was sent whole,
    changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._written = ""
        self._length = 0
        self._heard: int | None = None
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
            self._length += _utf_16_length(text)

    def _send(self, message: dict[str, Any]) -> None:
        if self.is_deleted:
            return
        outbox = self.client.outbox
        # An element that the page does not have yet comes first.
        if self.id in outbox.updates or not page_socket.send(self.client, MESSAGE, message):
            outbox.enqueue_message(MESSAGE, message, self.client.id)

    def show_heard(self, characters: int | None) -> None:
        """Grey what comes after this many characters: it was not heard, or not yet; None: nothing."""
        heard = None if characters is None else _utf_16_length(self._written[:characters])
        if heard != self._heard:
            self._heard = heard
            self.flush()
            self._send({"id": self.id, "heard": heard})

    def set_text(self, text: str) -> None:
        """Replace the whole text."""
        if text.startswith(self._written):
            if added := text[len(self._written) :]:
                self.append(added)
            return
        self._written, self._waiting, self._length = text, "", _utf_16_length(text)
        self._send({"id": self.id, "at": 0, "text": text})

    def _to_dict(self) -> dict[str, Any]:
        element = super()._to_dict()
        element["props"] = {**element.get("props", {}), "text": self._written}
        if self._heard is not None:
            element["props"]["heard"] = self._heard
        return element


RunningText.default_classes("vp-text").default_props("dir=auto translate=no")


def _utf_16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
