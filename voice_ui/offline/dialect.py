"""The two ways to say the same: a client event comes in by `read`, a server event goes out by `write`. Pure.

The engine knows the GA dialect only; `beta` translates at its two doors.
"""

from __future__ import annotations

from typing import Any, Protocol

from voice_ui.offline import client_events
from voice_ui.offline.events import ServerEvent


class Dialect(Protocol):
    """A translator of one session; it may remember what GA has no word for."""

    def read(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return a client event in GA; raises Rejected unless it is one of this dialect, and whole."""

    def write(self, event: ServerEvent) -> ServerEvent | None:
        """Return a GA event in this dialect, None where it has no such event."""


class GA:
    """OpenAI's dialect since 2025."""

    def read(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the event if it is one; see `Dialect`."""
        client_events.check(event)
        return event

    def write(self, event: ServerEvent) -> ServerEvent:
        """Return the event; see `Dialect`."""
        return event
