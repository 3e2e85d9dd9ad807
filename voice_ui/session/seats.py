"""How many sessions may run at once. Pure."""

from __future__ import annotations

from collections import Counter

from voice_ui.errors import Refused
from voice_ui.session.accounts import OWNER


class Seats:
    """How many sessions may run at once. One seat is kept for the owner, and no visitor takes more than half."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.closed_for = ""
        """The code of a problem, if nobody may take a seat any more."""
        self._held: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._held.total()

    def take(self, holder: str = OWNER) -> Seat:
        """Return a seat; raises Refused (`room-full`, `visitor-seats` or `closed_for`) if there is none."""
        if self.closed_for:
            raise Refused(self.closed_for)
        if holder != OWNER and self._held[holder] >= (most := max(1, self.limit // 2)):
            raise Refused("visitor-seats", seats=str(most))
        for_visitors = max(1, self.limit - 1) - (self.taken - self._held[OWNER])
        if self.taken >= self.limit or (holder != OWNER and for_visitors <= 0):
            raise Refused("room-full", seats=str(self.limit))
        self._held[holder] += 1
        return self._seat(holder)

    def _seat(self, holder: str) -> Seat:
        return Seat(self, holder)

    def give_back(self, holder: str) -> None:
        """Count one less; called by the seat."""
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]


class Seat:
    """One of the seats, to be given back once."""

    def __init__(self, seats: Seats, holder: str) -> None:
        self._seats: Seats | None = seats
        self._holder = holder

    async def claim(self) -> None:
        """Make sure that it is ours, where others take seats, too; raises Refused. Called before anything is spent."""

    def give_back(self) -> None:
        """Free the seat."""
        if self._seats:
            self._seats.give_back(self._holder)
            self._seats = None
