"""The accounts of one machine: in memory, and the sums of each day in a small SQLite file that survives a restart.

The file holds dates and sums, nothing else. Several processes may use it at once: each adds to the sums of the others.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from voice_ui.errors import Refused
from voice_ui.session.accounts import Spent

BUSY_SECONDS = 5.0
"""How long a process waits for another one that writes to the file."""

MOST_VISITORS = 10_000
"""Whose sums are kept; of more, the one who spent least is forgotten."""

_log = logging.getLogger("voice_ui.session")


def today() -> date:
    """Return the day by UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Sums:
    """US dollars, of all processes that share a file."""

    days: Mapping[date, float]
    total: float


class Ledger:
    """The file. Its calls block; each opens and closes it, so that it can be used from any thread."""

    def __init__(self, path: Path) -> None:
        """Create it, or check that it can be used; raises OSError or sqlite3.Error."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.add({})

    def add(self, amounts: Mapping[date, float]) -> Sums:
        """Add to the sums of days, all at once, and return what they are then; raises sqlite3.Error."""
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute("CREATE TABLE IF NOT EXISTS spent (day TEXT PRIMARY KEY, dollars REAL NOT NULL)")
            file.executemany(
                "INSERT INTO spent VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET dollars = dollars + excluded.dollars",
                [(day.isoformat(), dollars) for day, dollars in amounts.items()],
            )
            rows = file.execute("SELECT day, dollars FROM spent").fetchall()
            file.execute("COMMIT")
        days = {date.fromisoformat(day): float(dollars) for day, dollars in rows}
        return Sums(days, sum(days.values()))


class LocalAccounts:
    """Accounts in this process; with a ledger, the sums of the day and in total survive it."""

    def __init__(self, ledger: Ledger | None = None, *, today: Callable[[], date] = today) -> None:
        """`today` returns the day to which is booked."""
        self._ledger, self._today = ledger, today
        self._visitors: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._saved = Sums({}, 0.0)
        self._unsaved: dict[date, float] = {}  # without a ledger: all there is
        self._being_saved: dict[date, float] = {}
        self._lock = asyncio.Lock()
        self._saving: asyncio.Task[None] | None = None

    async def refresh(self, visitor: str) -> None:
        """Read what other processes have spent; raises Refused."""
        if self._ledger and (reason := await self._save()):
            raise Refused("cost-unrecorded", reason, file=self._ledger.path.name)

    def spent(self, visitor: str) -> Spent:
        """Return the sums as last known."""
        day, parts = self._today(), (self._unsaved, self._being_saved)
        return Spent(
            visitor=self._visitors.get(visitor, 0.0),
            day=self._saved.days.get(day, 0.0) + sum(part.get(day, 0.0) for part in parts),
            total=self._saved.total + sum(sum(part.values()) for part in parts),
        )

    def book(self, visitor: str, dollars: float) -> None:
        """Add to all sums; the file follows in the background."""
        self._visitors[visitor] = self._visitors.get(visitor, 0.0) + dollars
        if len(self._visitors) > MOST_VISITORS:
            del self._visitors[min(self._visitors, key=self._visitors.__getitem__)]
        day = self._today()
        self._unsaved[day] = self._unsaved.get(day, 0.0) + dollars
        if self._ledger and self._saving is None:
            self._saving = asyncio.get_running_loop().create_task(self._save_all(), name="save sums")

    def stop(self, visitor: str) -> None:
        """Refuse this visitor until `allow`."""
        self._stopped.add(visitor)

    def allow(self, visitor: str) -> None:
        """Let a visitor start again."""
        self._stopped.discard(visitor)

    def is_stopped(self, visitor: str) -> bool:
        """Whether the owner has stopped this visitor."""
        return visitor in self._stopped

    async def close(self) -> None:
        """Write down what is not written yet."""
        if self._ledger and self._unsaved:
            await self._save()
        if self._saving:
            await self._saving

    async def _save_all(self) -> None:
        try:
            while self._unsaved and not await self._save():
                pass
        finally:
            self._saving = None

    async def _save(self) -> str:
        """Write down what is not written yet and read the sums; return why that failed, or nothing."""
        assert self._ledger is not None
        async with self._lock:
            self._being_saved, self._unsaved = self._unsaved, {}
            try:
                self._saved = await asyncio.to_thread(self._ledger.add, self._being_saved)
            except (sqlite3.Error, OSError, ValueError) as error:
                for day, dollars in self._being_saved.items():
                    self._unsaved[day] = self._unsaved.get(day, 0.0) + dollars
                _log.warning("the sums spent cannot be written to %s: %s", self._ledger.path.name, error)
                return str(error)
            finally:
                self._being_saved = {}
        return ""
