"""How long a turn took and where the time went."""

from __future__ import annotations

from dataclasses import asdict

from nicegui import ui

from voice_ui.session import Shares


class LatencyBar(ui.element, component="latency_bar.js"):
    """Shown below the reply; empty until there are times to show."""

    total_ms: float | None = None
    """From the end of speech to the first words."""
    answer_ms: float | None = None
    """From the end of speech to the first words of the answer, if a preamble came before it."""

    def show(self, shares: Shares, answer_ms: float | None = None) -> None:
        """Show the times of a turn."""
        self.total_ms, self.answer_ms = shares.total, answer_ms
        self._props.update(total=shares.total, answer=answer_ms, shares=asdict(shares))

    def show_first_sound(self, ms: float) -> None:
        """Show the time from the end of speech to the first sound of the reply."""
        self._props["sound"] = ms

    def empty(self) -> None:
        """Clear it."""
        if self.total_ms is not None or self._props.get("sound") is not None:
            self.total_ms = self.answer_ms = None
            self._props.update(total=None, answer=None, shares=None, sound=None)
