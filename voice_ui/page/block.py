"""A part of the page that the browser renders by itself."""

from __future__ import annotations

from nicegui import ui


class Block(ui.element, component="block.js"):
    """Holds elements that change often: a change inside re-renders only this part of the page."""

    def __init__(self, html_tag: str = "div") -> None:
        super().__init__()
        self._props["tag"] = html_tag
