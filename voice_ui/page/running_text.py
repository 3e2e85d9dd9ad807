"""Text that grows on the screen at the price of what is added, however long it is."""

from __future__ import annotations

from nicegui import ui

SEGMENT_CHARACTERS = 200
"""NiceGUI sends an element whole when it changes; only the last segment does, so n characters cost n and not n²."""

BLOCK_SEGMENTS = 10
"""The browser renders a block whole when a segment of it changes, and would render all of the page without blocks."""


class RunningText(ui.element):
    """A block of plain text, kept as consecutive labels of about `SEGMENT_CHARACTERS` each."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("running-text").props("dir=auto")
        self.text = ""
        self._begin()

    def show(self, text: str) -> None:
        """Show `text`; cheap if it begins with what is shown already."""
        if not text.startswith(self.text):
            self.clear()
            self._begin()
            self.text = ""
        for piece in self._pieces(text[len(self.text) :]):
            if self._last is None or self._full(piece):
                self._add(piece)
            else:
                self._last.set_text(self._last.text + piece)
        self.text = text

    def _begin(self) -> None:
        with self:
            self._block = _Block()  # there before the first word, so that this need not wait for its script
        self._last: ui.label | None = None

    def _add(self, piece: str) -> None:
        if len(self._block.default_slot.children) == BLOCK_SEGMENTS:
            with self:
                self._block = _Block()
        with self._block:
            self._last = ui.label(piece)

    def _pieces(self, text: str) -> list[str]:
        return [text[start : start + SEGMENT_CHARACTERS] for start in range(0, len(text), SEGMENT_CHARACTERS)]

    def _full(self, piece: str) -> bool:
        """Break between words if one ends in time: letters that join must stay together."""
        length = len(self._last.text) if self._last else 0
        return length >= 2 * SEGMENT_CHARACTERS or (length >= SEGMENT_CHARACTERS and piece[:1].isspace())


class _Block(ui.element, component="text_block.js"):
    """Consecutive labels."""
