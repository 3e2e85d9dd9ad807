"""The callbacks of one event of an element, as NiceGUI has them: several, sync or async, with or without arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from nicegui import background_tasks, core, helpers
from nicegui.element import Element


class Callbacks:
    """Calls them in the order in which they were added, within the slot of the element.

    An exception of one is handed to NiceGUI (`app.on_exception`, the log) and does not keep the others from running.
    Coroutines run as background tasks, so they may overtake each other: `sync_only` refuses them.
    """

    def __init__(self, element: Element, *, sync_only: bool = False) -> None:
        self._element = element
        self._sync_only = sync_only
        self._callbacks: list[tuple[Callable[..., Any], bool]] = []

    def add(self, callback: Callable[..., Any] | None) -> None:
        """Add one; None adds none. Raises TypeError for a coroutine function where order matters."""
        if callback is None:
            return
        if self._sync_only and inspect.iscoroutinefunction(callback):
            raise TypeError(f"{callback} must be a plain function: coroutines could overtake each other")
        self._callbacks.append((callback, _expects_arguments(callback)))

    def __call__(self, *args: Any) -> None:
        if not self._callbacks:
            return
        slot = self._element.parent_slot or self._element.client.layout.default_slot
        for callback, expects_arguments in self._callbacks:
            try:
                with slot:
                    result = callback(*args) if expects_arguments else callback()
                if helpers.should_await(result):
                    background_tasks.create_or_defer(result, name=str(callback), context=slot)
            except Exception as error:
                core.app.handle_exception(error)


def _expects_arguments(callback: Callable[..., Any]) -> bool:
    """As NiceGUI decides it: a parameter with a default is the callback's own (`lambda row=row: …`)."""
    try:
        parameters = inspect.signature(callback).parameters.values()
    except ValueError:  # a builtin without a signature
        return True
    return helpers.expects_arguments(callback) or any(p.kind is p.VAR_POSITIONAL for p in parameters)
