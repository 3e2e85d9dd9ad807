"""Tabs that are out of touch: one that reconnects, or is loaded again, finds its conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Generic, Protocol, TypeVar

PARKING_SECONDS = 60.0
"""How long a conversation waits, in memory, for a tab that lost its connection."""

LEFT_SECONDS = 5.0
"""How long it waits for a tab that was left: loaded again, it is back at once; closed, it has nothing to wait for."""


class Parkable(Protocol):
    """What can be kept for a while."""

    def close(self) -> Awaitable[None]:
        """Nobody came for it: let go of everything."""


P = TypeVar("P", bound=Parkable)


class Parking(Generic[P]):
    """Keeps things by the id of their browser tab, each for a while."""

    def __init__(self) -> None:
        self._parked: dict[str, tuple[P, asyncio.TimerHandle]] = {}
        self._closing: set[asyncio.Future[None]] = set()

    def park(self, tab_id: str, parked: P, seconds: float = PARKING_SECONDS) -> None:
        """Keep something; it is closed if nobody reclaims it in time."""
        self.reclaim(tab_id)
        timer = asyncio.get_running_loop().call_later(seconds, self._give_up, tab_id)
        self._parked[tab_id] = (parked, timer)

    def reclaim(self, tab_id: str) -> P | None:
        """Return what was parked for that tab, if it is still there."""
        if tab_id not in self._parked:
            return None
        parked, timer = self._parked.pop(tab_id)
        timer.cancel()
        return parked

    def _give_up(self, tab_id: str) -> None:
        parked, _ = self._parked.pop(tab_id)
        closing = asyncio.ensure_future(parked.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
