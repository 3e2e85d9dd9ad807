"""What is typed or shown instead of said: a line for quiet rooms, and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from voice_ui import images
from voice_ui.errors import CODES

LONGEST = 8000
"""Characters of a message."""

OnMessage = Callable[[str, bytes | None], object]


class Composer(ui.element, component="composer.js", dependencies=["image_scale.js"]):
    """Reports what was typed, on Enter or a click on Send, with the image that goes with it."""

    def __init__(self, on_message: OnMessage, on_problem: Callable[[str], object]) -> None:
        """`on_message` gets text and image; `on_problem` the code of a file that cannot be used."""
        super().__init__()
        self._props["longest"], self._props["typing"] = LONGEST, True
        self._on_message, self._on_problem = on_message, on_problem
        self.on("message", lambda event: self._handle_message(event.args))
        self.on("problem", lambda event: self._handle_problem(event.args))

    @property
    def js_choose(self) -> str:
        """The `js_handler` of a button that offers to show an image."""
        return f"() => getElement({self.id}).choose()"

    def show_line(self, typing: bool) -> None:
        """Show the line to type in, or hide it; an image can be shown in either case."""
        if self._props["typing"] != typing:
            self._props["typing"] = typing
            self.update()

    def _handle_message(self, sent: Any) -> None:
        match sent:
            case {"text": str(text), "image": str(url)}:
                try:
                    image = images.read_url(url).data
                except ValueError:
                    self._on_problem("image-unreadable")
                else:
                    self._on_message(text.strip()[:LONGEST], image)
            case {"text": str(text), "image": None} if message := text.strip()[:LONGEST]:
                self._on_message(message, None)

    def _handle_problem(self, code: Any) -> None:
        if isinstance(code, str) and code in CODES and CODES[code].where == "image":
            self._on_problem(code)
