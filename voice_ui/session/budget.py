"""Limits on sessions, time and cost, and the cost so far. Pure.

A seat, the prices and the limits belong to one press of Start, so a reconnect does not lose them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voice_ui.errors import Problem, Refused
from voice_ui.servers import Endpoint
from voice_ui.usage import Usage, usage_of

AUDIO_TOKENS_A_SECOND = 10
"""Of fresh audio in (protocol facts, section 10.1)."""


@dataclass(frozen=True)
class Limits:
    """None is no limit."""

    max_minutes: float | None = None
    """From the press of Start."""
    idle_minutes: float | None = None
    """Time of listening without speech."""
    max_cost: float | None = None
    """US dollars of the whole conversation."""


class Seats:
    """How many sessions may run at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def take(self) -> Seat:
        """Return a seat; raises Refused (`room-full`) if there is none."""
        if self.taken >= self.limit:
            raise Refused("room-full", seats=str(self.limit))
        self.taken += 1
        return Seat(self)


class Seat:
    """One of the seats, to be given back once."""

    def __init__(self, seats: Seats) -> None:
        self._seats: Seats | None = seats

    def give_back(self) -> None:
        """Free the seat."""
        if self._seats:
            self._seats.taken -= 1
            self._seats = None


class Budget:
    """What one conversation has used, and whether it may continue."""

    def __init__(self, max_cost: float | None = None) -> None:
        self.usage = Usage()
        self.cost = 0.0
        """US dollars, as far as prices are known."""
        self._max_cost = max_cost

    def add(self, usage: Mapping[str, Any], endpoint: Endpoint) -> None:
        """Count the `usage` of one response at the prices of the server that gave it."""
        counted = usage_of(usage)
        self.usage += counted
        self.cost += counted.cost(endpoint.prices) if endpoint.prices else 0.0

    def add_transcription(self, usage: Mapping[str, Any], endpoint: Endpoint, model: str | None) -> None:
        """Count the `usage` of one transcript, which is billed separately, at the transcription model's prices."""
        counted = usage_of(usage)
        self.usage += counted
        seconds = usage.get("seconds") if usage.get("type") == "duration" else counted.audio_in / AUDIO_TOKENS_A_SECOND
        minute = endpoint.prices.transcription_minute(model or "") if endpoint.prices else None
        if minute and isinstance(seconds, int | float) and 0 < seconds < float("inf"):
            self.cost += minute * seconds / 60

    def problem(self, endpoint: Endpoint, transcription_model: str | None = None) -> Problem | None:
        """Return why nothing more may be spent there: the limit is reached, or the cost cannot be computed."""
        if self._max_cost is None:
            return None
        if endpoint.prices is None:
            return Problem("cost-unknown", facts={"server": endpoint.name, "model": endpoint.model})
        if transcription_model and endpoint.prices.transcription_minute(transcription_model) is None:
            return Problem("cost-unknown", facts={"server": endpoint.name, "model": transcription_model})
        if self.cost < self._max_cost:
            return None
        return Problem("cost-limit", facts={"dollars": f"{self.cost:.2f}"})
