"""What a session needs of a connection, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from voice_ui.errors import Problem


class Transport(Protocol):
    """What a session needs of a connection."""

    patience: float
    """Seconds without any sign of life after which the connection is taken for lost; may be changed at any time."""

    @property
    def alive_at(self) -> float:
        """The last moment, of the monotonic clock, up to which all that was sent is known to have arrived."""

    @property
    def round_trip_ms(self) -> float | None:
        """To the server and back, as last measured; None if not yet."""

    @property
    def problem(self) -> Problem | None:
        """Something to tell although there is a connection."""

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event; raises SessionError if the connection is gone or breaks while this waits for it."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the server's messages; raises SessionError at the end."""
