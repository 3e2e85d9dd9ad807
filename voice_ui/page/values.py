"""The properties of a panel that can be bound, as those of NiceGUI's own elements can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from nicegui import ui
from nicegui.binding import BindableProperty, bind_to, bindings


class _Value(BindableProperty):
    """Only keeps what it is set to while nothing is bound to it; NiceGUI looks for bindings at every delta."""

    def __set__(self, owner: Any, value: Any) -> None:
        if (id(owner), (self.name,)) in bindings or not hasattr(owner, f"___{self.name}"):
            super().__set__(owner, value)
        else:
            setattr(owner, f"___{self.name}", value)


class PanelValues(ui.element):
    """They follow the conversation; setting them changes nothing."""

    text = _Value()
    """The reply of the newest turn, as far as it is written."""
    heard = _Value()
    """What the user said in it, as far as it is known."""
    state = _Value()
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
