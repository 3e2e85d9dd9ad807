"""What our own page does with the browser's tab: title and icon, memory, leaving, keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from nicegui import ui

from voice_ui.mic import Mic
from voice_ui.page.composer import Composer

RUN = uuid4().hex
"""Tells one run of the program from another."""

MOST_CHARACTERS = 200_000
"""Maximum size of what a browser remembers for us: the longest texts have 21,000, or six times as many escaped."""


@dataclass(frozen=True)
class Memory:
    """What a tab remembers."""

    of_another_run: bool
    """It talked to another run of this program before."""
    conversation: str
    """The id of the conversation it showed last; empty if it showed none."""
    choices: dict[str, Any]
    """What was chosen in this browser, unchecked."""


class BrowserTab(ui.element, component="browser_tab.js"):
    """Shows nothing on the page; the tab's title and icon show the state."""

    def __init__(
        self,
        mic: Mic,
        composer: Composer,
        *,
        on_introduced: Callable[[Memory], object],
        on_goodbye: Callable[[], object],
        on_sight: Callable[[bool], object],
        on_interrupt: Callable[[], object],
    ) -> None:
        """`on_introduced` gets what the tab remembers, after `introduce`; `on_sight` gets whether the tab is visible;
        `on_interrupt` is called for the Escape key.
        """
        super().__init__()
        self._props["mic"], self._props["composer"] = mic.id, composer.id
        self.on("introduced", lambda event: on_introduced(_memory(event.args)))
        self.on("goodbye", lambda: on_goodbye())
        self.on("sight", lambda event: on_sight(bool(event.args)))
        self.on("interrupt", lambda: on_interrupt())

    def show(self, state: str, *, capturing: bool) -> None:
        """Show the state; the screen stays on while somebody may speak."""
        self._props.update(state=state, capturing=capturing)

    def introduce(self) -> None:
        """Ask the tab what it remembers, and store this run's id in it. However slow the page is, it answers."""
        self.run_method("introduce", RUN)

    def remember(self, changes: dict[str, Any]) -> None:
        """Store choices in the browser, besides those that it remembers; None takes one away."""
        self.run_method("remember", changes)

    def remember_conversation(self, conversation_id: str) -> None:
        """Store in the tab which conversation it shows."""
        if self._props.get("conversation") != conversation_id:
            self._props["conversation"] = conversation_id


def _memory(answer: Any) -> Memory:
    told = answer if isinstance(answer, dict) else {}
    conversation = told.get("conversation")
    return Memory(
        of_another_run=told.get("before") not in {None, RUN},
        conversation=conversation if isinstance(conversation, str) else "",
        choices=_choices(told.get("choices")),
    )


def _choices(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        return {}
    try:
        choices = json.loads(text)
    except ValueError:
        return {}
    return choices if isinstance(choices, dict) else {}
