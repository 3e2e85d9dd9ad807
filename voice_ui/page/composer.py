"""What is typed or shown instead of said: a line for quiet rooms, and images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from voice_ui import images
from voice_ui.errors import CODES

LONGEST = 8000
"""Characters of a message."""

LONGEST_ID = 40
"""Characters of a message's id; ours have half of it."""


@dataclass(frozen=True)
class Typed:
    """What was sent with Enter or a click."""

    id: str
    """Tells a message that comes again from the next one, also across a reload of the page."""
    text: str
    image: bytes | None


OnMessage = Callable[[Typed], object]


class Composer(ui.element, component="composer.js", dependencies=["image_scale.js"]):
    """Reports what was typed, on Enter or a click on Send, with the image that goes with it.

    The page keeps a message until `settle` is called for it, and may report it again before.
    """

    def __init__(self, on_message: OnMessage, on_problem: Callable[[str], object]) -> None:
        """`on_message` gets each message; `on_problem` the code of a file that cannot be used."""
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

    def settle(self, message_id: str, *, taken: bool) -> None:
        """Tell the page that a message is part of the conversation; or that it is not, so that it can be sent again."""
        self.run_method("settle", message_id, taken)

    def store_in(self, place: str) -> None:
        """Have a draft survive a reload of the page; `place` tells this line from others in the same tab."""
        self._props["place"] = place

    def _handle_message(self, sent: Any) -> None:
        match sent:
            case {"id": str(id), "text": str(text), "image": str(url)} if len(id) <= LONGEST_ID:
                try:
                    image = images.read_url(url).data
                except ValueError:
                    self.settle(id, taken=True)
                    self._on_problem("image-unreadable")
                else:
                    self._on_message(Typed(id, text.strip()[:LONGEST], image))
            case {"id": str(id), "text": str(text), "image": None} if len(id) <= LONGEST_ID:
                if message := text.strip()[:LONGEST]:
                    self._on_message(Typed(id, message, None))
                else:  # what is blank in Python need not be in JavaScript
                    self.settle(id, taken=True)

    def _handle_problem(self, code: Any) -> None:
        if isinstance(code, str) and code in CODES and CODES[code].where == "image":
            self._on_problem(code)
