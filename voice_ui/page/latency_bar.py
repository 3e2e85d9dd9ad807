"""Where the time of a turn went, as a small bar and in words."""

from __future__ import annotations

from nicegui import ui

from voice_ui.latency import Shares


class LatencyBar(ui.element):
    """Under each reply; empty until there is something to show."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("latency")
        with self:
            self._total = ui.label().props("data-testid=latency")
            with ui.element("div").classes("latency-bar").props("aria-hidden=true") as self._bar:
                self._parts = [ui.element("span").classes(name) for name in ("detection", "model", "network", "ours")]
            with ui.element("div").classes("latency-words"):
                self._words = [ui.label().classes(f"share {part.classes[0]}") for part in self._parts]
        self._show_parts(False)

    def show(self, shares: Shares) -> None:
        """Show one turn."""
        self._total.set_text(f"first words after {_seconds(shares.total)}")
        self._total.props(f"data-ms={shares.total:.0f}")
        told = {
            "turn detection": shares.detection,
            "model": shares.model,
            "network": shares.network,
            "this program": shares.ours,
        }
        self._show_parts(True)
        for part, words, (name, ms) in zip(self._parts, self._words, told.items(), strict=True):
            part.style(f"flex-grow: {ms or 0:.1f}")
            words.set_text(f"{name} {_seconds(ms or 0)}")
            words.set_visibility(ms is not None)

    def _show_parts(self, visible: bool) -> None:
        for part in (self._bar, *self._words):
            part.set_visibility(visible)

    def file(self) -> None:
        """This turn is no longer the last one."""
        self._total.props(remove="data-testid")


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.2f} s"
