"""Shows protocol traffic to an observer: client events as they are sent, messages as they are received.

A session has a tracer only while an inspector is open. Without one, its `EventTransport` only checks one attribute per
event.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from voice_ui.protocol import parse, server


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """One event, on its way."""

    number: int
    """Counted from 1, both directions together."""
    at: float
    """Seconds of the monotonic clock."""
    event: dict[str, Any] | str | bytes
    """A client event, or the raw message of a server; not to be changed."""


@final
class Tracer:
    """Numbers and shows events; keeps none."""

    def __init__(self, show: Callable[[TracedEvent], object], clock: Callable[[], float] = time.monotonic) -> None:
        """`show` is called before an event is sent or handled, and must not wait."""
        self._show = show
        self._clock = clock
        self._count = 0
        self.received: int | None = None
        """The number of the connection's last message."""
        self.error: int | None = None
        """The same, if that message is an `error`: right before the end of a connection, it tells why."""

    def begin(self) -> None:
        """A connection is about to be made: what came over another one is no cause of what happens here."""
        self.received = self.error = None

    def send(self, event: dict[str, Any]) -> None:
        """Show an event that is about to be sent."""
        self._pass(event)

    def receive(self, message: str | bytes) -> None:
        """Show a message that was received."""
        self.received = self._pass(message)
        self.error = self.received if isinstance(parse(message), server.ErrorEvent) else None

    def _pass(self, what: dict[str, Any] | str | bytes) -> int:
        self._count += 1
        self._show(TracedEvent(self._count, self._clock(), what))
        return self._count
