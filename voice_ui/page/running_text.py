"""Text that grows on the screen at the cost of what is added, however long it already is."""

from __future__ import annotations

from nicegui import ui

from voice_ui.page.block import Block

SEGMENT_CHARACTERS = 200
"""NiceGUI sends an element whole when it changes. Only the last segment does, so n characters cost n and not n²."""

BLOCK_SEGMENTS = 10
"""The browser renders a block whole when a segment of it changes."""


class RunningText(ui.element):
    """Plain text, kept in consecutive labels of about `SEGMENT_CHARACTERS` each."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("vp-text").props("dir=auto translate=no")
        self._begin()

    def append(self, text: str) -> None:
        """Add `text` to the end."""
        for start in range(0, len(text), SEGMENT_CHARACTERS):
            piece = text[start : start + SEGMENT_CHARACTERS]
            if self._last is None or self._is_full(piece):
                self._add(piece)
            else:
                self._last.set_text(self._last.text + piece)

    def set_text(self, text: str) -> None:
        """Replace the whole text."""
        if self._last is not None:
            self.clear()
            self._begin()
        self.append(text)

    def _begin(self) -> None:
        with self:
            self._block = Block("span")  # before the first word, so that it need not wait for the block's script
        self._last: ui.label | None = None

    def _add(self, piece: str) -> None:
        if len(self._block.default_slot.children) == BLOCK_SEGMENTS:
            with self:
                self._block = Block("span")
        with self._block:
            self._last = ui.label(piece)

    def _is_full(self, piece: str) -> bool:
        """Break labels between words if possible, so that joined scripts and emoji are not split."""
        length = len(self._last.text) if self._last else 0
        return length >= 2 * SEGMENT_CHARACTERS or (length >= SEGMENT_CHARACTERS and piece[:1].isspace())
