"""What outlives a conversation: what each visitor has spent, today's sum and the total, and whom the owner stopped.

Pure. `Accounts` is the interface; `ledger.LocalAccounts` keeps them in this process and, if asked, in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

OWNER = "owner"
"""The account of whoever runs the program; the limit per visitor does not apply to it."""


@dataclass(frozen=True)
class Spent:
    """US dollars."""

    visitor: float = 0.0
    day: float = 0.0
    """Since midnight UTC, by everybody. OpenAI's usage page counts the same days."""
    total: float = 0.0


class Accounts(Protocol):
    """What all conversations share, perhaps across processes. A visitor is an opaque id of at most 64 characters."""

    async def refresh(self, visitor: str) -> None:
        """Bring `spent` and `is_stopped` up to date; called at each press of Start, before anything is connected.

        Raises Refused (`cost-unrecorded`) if that is impossible: limits that cannot be counted refuse to start.
        """

    def spent(self, visitor: str) -> Spent:
        """Return the sums as last known, including all that was booked here. Never waits."""

    def book(self, visitor: str, dollars: float) -> None:
        """Add to the sums of the visitor, of today and in total. Never waits and never raises: a failure is kept for
        the next `refresh`."""

    def stop(self, visitor: str) -> None:
        """Refuse this visitor from now on, until `allow`. Never waits."""

    def allow(self, visitor: str) -> None:
        """Let a visitor who was stopped start again. Never waits."""

    def is_stopped(self, visitor: str) -> bool:
        """Whether the owner has stopped this visitor, as last known. Never waits."""

    async def close(self) -> None:
        """Write down what is not written yet."""


@dataclass(frozen=True)
class Account:
    """One visitor's part of the accounts, for a session."""

    accounts: Accounts
    visitor: str = OWNER

    @property
    def is_owner(self) -> bool:
        """Whether it is the owner's."""
        return self.visitor == OWNER

    @property
    def is_stopped(self) -> bool:
        """Whether the owner has stopped this visitor."""
        return self.accounts.is_stopped(self.visitor)

    @property
    def spent(self) -> Spent:
        """The sums as last known."""
        return self.accounts.spent(self.visitor)

    def book(self, dollars: float) -> None:
        """Add to all sums."""
        self.accounts.book(self.visitor, dollars)

    async def refresh(self) -> None:
        """Bring the sums up to date; raises Refused."""
        await self.accounts.refresh(self.visitor)
