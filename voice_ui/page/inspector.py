"""Shows developers the events of both directions as they happen; it costs nothing while it is closed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from voice_ui.page.inspector_rows import rows_of
from voice_ui.session import Passed, Tap

STYLE = (Path(__file__).parent / "inspector.css").read_text(encoding="utf-8")

BATCH_SECONDS = 0.1
"""Rows go to the browser together: it draws them ten times a second, however many come."""

ROWS_KEPT = 1000
"""In the browser, and at the most in one batch. NOTE: KEPT in inspector.js."""


class Inspector:
    """A panel that is there only while it is open; what it shows is kept in the browser and nowhere else."""

    def __init__(self, on_change: Callable[[], object], on_hide: Callable[[], object]) -> None:
        """`on_change` is called when there is a tap, or none any more, `on_hide` when the panel wants to go."""
        self.tap: Tap | None = None
        """What a session needs to be seen here; None while the panel is closed."""
        self._on_change, self._on_hide = on_change, on_hide
        self._client = ui.context.client
        self._counter = Tap(self._take)  # goes on from one opening to the next: a number is one event's for ever
        self._panel: _Panel | None = None
        self._styled = False
        self._batch: deque[Passed] = deque(maxlen=ROWS_KEPT)
        self._flushing: asyncio.TimerHandle | None = None
        self._since: float | None = None

    def show(self, wanted: bool) -> None:
        """Put the panel on the page; or take it away, and let go of what it showed."""
        if wanted and not self._panel:
            with self._client.content:
                if not self._styled:
                    ui.add_css(STYLE)
                    self._styled = True
                self._panel = _Panel(on_ready=self._handle_ready, on_hide=self._on_hide)
        elif self._panel and not wanted:
            self._panel.delete()
            self._panel = self.tap = self._since = None
            self._batch.clear()
            self._on_change()

    def show_event(self, number: int) -> None:
        """Bring the event of this number into sight."""
        self._flush()
        if self._panel:
            self._panel.run_method("show", number)

    def _handle_ready(self) -> None:
        """The browser has loaded the panel."""
        if self._panel and self.tap is None:
            self.tap = self._counter
            self._on_change()

    def _take(self, passed: Passed) -> None:
        if self._since is None:
            self._since = passed.at
        self._batch.append(passed)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._flushing:
            self._flushing.cancel()
            self._flushing = None
        if self._panel and not self._client.has_socket_connection:
            return  # the newest wait here; in NiceGUI's outbox all would
        if self._panel and self._batch and self._since is not None:
            self._panel.run_method("add", rows_of(self._batch, self._since))
        self._batch.clear()


class _Panel(ui.element, component="inspector.js"):
    """Keeps the rows, and filters, pauses, expands, copies and downloads them."""

    def __init__(self, *, on_ready: Callable[[], object], on_hide: Callable[[], object]) -> None:
        super().__init__()
        self.on("ready", lambda: on_ready())
        self.on("hide", lambda: on_hide())
