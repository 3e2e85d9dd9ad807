"""The chainable `on_*` methods of the microphone. NOTE: docs/microphone.md lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from nicegui import ui

from voice_ui.callbacks import Callbacks

Callback = Callable[..., object] | None

EVENTS = (
    "chunk", "starting", "started", "live", "stopped", "problem", "cured", "muted", "held", "released", "devices",
    "painted",
)  # fmt: skip


class Listeners(ui.element):
    """Keeps the callbacks of each event. They may be coroutine functions, except for those of `on_chunk`."""

    def __init__(self) -> None:
        super().__init__()
        self._callbacks = {name: Callbacks(self, sync_only=name == "chunk") for name in EVENTS}

    def on_chunk(self, callback: Callback) -> Self:
        """Add a plain function that gets each `Chunk`."""
        return self._add("chunk", callback)

    def on_starting(self, callback: Callback) -> Self:
        """Add a callback called when a capture is requested."""
        return self._add("starting", callback)

    def on_started(self, callback: Callback) -> Self:
        """Add a callback that gets `Started` with the first audio of a capture."""
        return self._add("started", callback)

    def on_live(self, callback: Callback) -> Self:
        """Add a callback that gets `live` when it changes."""
        return self._add("live", callback)

    def on_stopped(self, callback: Callback) -> Self:
        """Add a callback that gets `Stopped`."""
        return self._add("stopped", callback)

    def on_problem(self, callback: Callback) -> Self:
        """Add a callback that gets each `MicProblem`."""
        return self._add("problem", callback)

    def on_cured(self, callback: Callback) -> Self:
        """Add a callback that gets the code of a problem that was solved."""
        return self._add("cured", callback)

    def on_muted(self, callback: Callback) -> Self:
        """Add a callback that gets whether the microphone is muted."""
        return self._add("muted", callback)

    def on_held(self, callback: Callback) -> Self:
        """Add a callback called when push to talk begins, see `by_hand`."""
        return self._add("held", callback)

    def on_released(self, callback: Callback) -> Self:
        """Add a callback called when push to talk ends."""
        return self._add("released", callback)

    def on_devices(self, callback: Callback) -> Self:
        """Add a callback that gets the list of `Device` whenever it changes."""
        return self._add("devices", callback)

    def on_painted(self, callback: Callback) -> Self:
        """Add a callback that gets the answer to `ask_when_painted`: the chunk's number, and milliseconds."""
        return self._add("painted", callback)

    def _add(self, name: str, callback: Callback) -> Self:
        self._callbacks[name].add(callback)
        return self
