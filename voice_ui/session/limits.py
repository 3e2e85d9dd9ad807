"""What protects the owner's money: how long, how idle, and how dear a conversation may be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voice_ui.errors import Problem
from voice_ui.models import Prices
from voice_ui.usage import Usage, usage_of


@dataclass(frozen=True)
class Limits:
    """What protects the owner's money; None is no limit."""

    max_minutes: float | None = None
    """From Start."""
    idle_minutes: float | None = None
    """Listening, and nobody speaks."""
    max_cost: float | None = None
    """US dollars of the whole conversation."""


class Bill:
    """What one conversation has used, and whether it may go on."""

    def __init__(self, most: float | None) -> None:
        self.usage = Usage()
        self.cost = 0.0
        """US dollars, as far as prices are known."""
        self._most = most

    def add(self, told: dict[str, Any], prices: Prices | None) -> None:
        """Count the `usage` of one response."""
        usage = usage_of(told)
        self.usage += usage
        self.cost += usage.cost(prices) if prices else 0.0

    @property
    def problem(self) -> Problem | None:
        """What to tell if all that may be spent is spent."""
        if self._most is None or self.cost < self._most:
            return None
        return Problem("cost-limit", facts={"dollars": f"{self.cost:.2f}"})
