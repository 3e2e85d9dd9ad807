"""Shows developers the events of both directions as they happen. It costs nothing while it is closed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from voice_ui.page.inspector_rows import rows_of
from voice_ui.page.load import Load
from voice_ui.session import TracedEvent, Tracer

STYLE = (Path(__file__).parent / "inspector.css").read_text(encoding="utf-8")

BATCH_SECONDS = 0.1
"""Rows go to the browser in batches: it draws them ten times a second, however many there are."""

ROWS_KEPT = 1000
"""In the browser, and at most in one batch. NOTE: KEPT in inspector.js."""


class Inspector:
    """Exists only while it is open. Its rows are kept only in the browser."""

    def __init__(self, on_change: Callable[[], object], on_hide: Callable[[], object], load: Load) -> None:
        """`on_change` is called when `tracer` has changed, `on_hide` when the user closes the inspector."""
        self._load = load
        self.tracer: Tracer | None = None
        """For a session whose events are to be shown; None while the inspector is closed."""
        self._on_change, self._on_hide = on_change, on_hide
        self._client = ui.context.client
        self._counter = Tracer(self._take)  # continues when reopened, so that numbers stay unique
        self._panel: _Panel | None = None
        self._styled = False
        self._batch: deque[TracedEvent] = deque(maxlen=ROWS_KEPT)
        self._flushing: asyncio.TimerHandle | None = None
        self._since: float | None = None

    def show(self, wanted: bool) -> None:
        """Open the inspector, or close it and drop its rows."""
        if wanted and not self._panel:
            with self._client.content:
                if not self._styled:
                    ui.add_css(STYLE)
                    self._styled = True
                self._panel = _Panel(on_ready=self._handle_ready, on_hide=self._on_hide)
        elif self._panel and not wanted:
            self._panel.delete()
            self._panel = self.tracer = self._since = None
            self._batch.clear()
            self._on_change()

    def show_event(self, number: int) -> None:
        """Scroll to the event with this number."""
        self._flush()
        if self._panel:
            self._panel.run_method("show", number)

    def _handle_ready(self) -> None:
        """The browser has loaded the panel."""
        if self._panel and self.tracer is None:
            self.tracer = self._counter
            self._on_change()

    def _take(self, event: TracedEvent) -> None:
        if self._since is None:
            self._since = event.at
        self._batch.append(event)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._flushing:
            self._flushing.cancel()
            self._flushing = None
        if self._panel and not self._client.has_socket_connection:
            return  # only the newest wait here; NiceGUI's outbox would keep all of them
        if self._panel:
            self._panel.show_load(self._load.words)
        if self._panel and self._batch and self._since is not None:
            self._panel.run_method("add", rows_of(self._batch, self._since))
        self._batch.clear()


class _Panel(ui.element, component="inspector.js"):
    """Keeps the rows, and filters, pauses, expands, copies and downloads them."""

    def __init__(self, *, on_ready: Callable[[], object], on_hide: Callable[[], object]) -> None:
        super().__init__()
        self._props["load"] = ""
        self.on("ready", lambda: on_ready())
        self.on("hide", lambda: on_hide())

    def show_load(self, words: str) -> None:
        """Show how busy the program is, and what it does about it."""
        if words != self._props["load"]:
            self._props["load"] = words
