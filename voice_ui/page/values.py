"""The properties of a panel that can be bound, as those of NiceGUI's own elements can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from nicegui import ui
from nicegui.binding import BindableProperty, bind_to


class PanelValues(ui.element):
    """They follow the conversation; setting them changes nothing."""

    text = BindableProperty()
    """The reply in the latest turn, as far as it has arrived."""
    heard = BindableProperty()
    """What the user said in the latest turn, as far as it has been recognized."""
    state = BindableProperty()
    """See `StateEventArguments.state`."""

    def __init__(self) -> None:
        super().__init__()
        self.text = self.heard = ""
        self.state = "idle"

    def bind_text_to(
        self, target_object: Any, target_name: str = "text", forward: Callable[[Any], Any] | None = None
    ) -> Self:
        """Bind the reply to a property of another object, such as the text of a label."""
        bind_to(self, "text", target_object, target_name, forward)
        return self

    def bind_heard_to(
        self, target_object: Any, target_name: str = "text", forward: Callable[[Any], Any] | None = None
    ) -> Self:
        """Bind what the user said to a property of another object."""
        bind_to(self, "heard", target_object, target_name, forward)
        return self

    def bind_state_to(
        self, target_object: Any, target_name: str = "text", forward: Callable[[Any], Any] | None = None
    ) -> Self:
        """Bind the state to a property of another object; `forward` may convert it."""
        bind_to(self, "state", target_object, target_name, forward)
        return self
