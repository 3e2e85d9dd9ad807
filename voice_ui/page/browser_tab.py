"""What belongs to the browser's tab, and not to the page in it: title and icon, memory, leaving, keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from nicegui import ui

from voice_ui.mic import Mic
from voice_ui.state import State

RUN = uuid4().hex
"""Tells one run of the program from another."""

MOST_CHARACTERS = 20_000
"""Of what a browser remembers for us."""


@dataclass(frozen=True)
class Memory:
    """What a tab remembers."""

    of_another_run: bool
    """It talked to another run of this program before."""
    choices: dict[str, Any]
    """What was chosen in this browser, unchecked."""


class BrowserTab(ui.element, component="browser_tab.js"):
    """Shows nothing in the page; its title and icon tell the state."""

    def __init__(
        self,
        mic: Mic,
        *,
        on_goodbye: Callable[[], object],
        on_sight: Callable[[bool], object],
        on_interrupt: Callable[[], object],
    ) -> None:
        """`on_sight` is told whether the tab can be seen; `on_interrupt`: the Escape key."""
        super().__init__()
        self._props["mic"] = mic.id
        self.on("goodbye", lambda: on_goodbye())
        self.on("sight", lambda event: on_sight(bool(event.args)))
        self.on("interrupt", lambda: on_interrupt())

    def show(self, state: State) -> None:
        """Tell the state; the screen stays awake while somebody may speak."""
        self._props["state"], self._props["capturing"] = state.shown, state.capturing
        self.update()

    async def introduce(self) -> Memory | None:
        """Return what the tab remembers, and see that it remembers this run; None if it is gone again."""
        try:
            told = await self.run_method("introduce", RUN)
        except TimeoutError:
            return None
        before, choices = (told.get("before"), told.get("choices")) if isinstance(told, dict) else (None, None)
        return Memory(before not in {None, RUN}, _choices(choices))

    def remember(self, choices: dict[str, Any]) -> None:
        """See that the browser remembers the choices."""
        self.run_method("remember", json.dumps(choices))

    @property
    def js_copy(self) -> str:
        """The `js_handler` that copies the conversation."""
        return f"() => getElement({self.id}).copyConversation()"

    @property
    def js_download(self) -> str:
        """The `js_handler` that downloads the conversation."""
        return f"() => getElement({self.id}).downloadConversation()"


def _choices(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        return {}
    try:
        choices = json.loads(text)
    except ValueError:
        return {}
    return choices if isinstance(choices, dict) else {}
