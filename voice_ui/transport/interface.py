"""What a session needs of a connection, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from voice_ui.errors import Problem

PATIENCE_SECONDS = 10.0
"""Without any sign of the other side, until a connection is given up. Servers answer no ping while they think."""


class Transport(Protocol):
    """What a session needs of a connection."""

    patience: float
    """Seconds without any sign of the other side, a message or an answer to a ping, after which the connection is
    broken. The session sets more while a reply is awaited."""

    @property
    def alive_at(self) -> float:
        """The latest moment, on the monotonic clock, up to which everything that was sent is known to have arrived."""

    @property
    def round_trip_ms(self) -> float | None:
        """To the server and back, as last measured; None before the first measurement."""

    @property
    def problem(self) -> Problem | None:
        """Something to report although there is a connection."""

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event, as it stands on the wire; raises SessionError if the connection is gone, or breaks here."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the server's messages; raises SessionError at the end."""
