"""What was spent today and in total survives the process, whatever happens to its file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from voice_ui.errors import Refused
from voice_ui.session.accounts import Spent
from voice_ui.session.ledger import MOST_VISITORS, Ledger, LocalAccounts

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


class Day:
    now = MONDAY

    def __call__(self) -> date:
        return self.now


async def test_sums_are_kept_apart_by_visitor_and_by_day() -> None:
    accounts = LocalAccounts(today=(day := Day()))
    accounts.book("a", 0.25)
    accounts.book("b", 0.5)
    day.now = TUESDAY
    accounts.book("a", 1.0)
    assert accounts.spent("a") == Spent(visitor=1.25, day=1.0, total=1.75)
    assert accounts.spent("nobody") == Spent(visitor=0.0, day=1.0, total=1.75)


async def test_the_day_and_the_total_survive_a_restart_and_visitors_do_not(tmp_path: Path) -> None:
    path = tmp_path / "state" / "spent.sqlite"
    before = LocalAccounts(Ledger(path), today=Day())
    before.book("a", 0.25)
    before.book("b", 0.5)
    assert before.spent("a").total == 0.75, "counted before it is written"
    await before.close()
    after = LocalAccounts(Ledger(path), today=Day())
    await after.refresh("a")
    assert after.spent("a") == Spent(visitor=0.0, day=0.75, total=0.75)


async def test_the_file_holds_dates_and_sums_and_nothing_else(tmp_path: Path) -> None:
    accounts = LocalAccounts(Ledger(path := tmp_path / "spent.sqlite"), today=Day())
    for visitor in ("192.0.2.7", "somebody"):
        accounts.book(visitor, 0.125)
    await accounts.close()
    assert sqlite3.connect(path).execute("SELECT * FROM spent").fetchall() == [("2026-11-23", 0.25)]
    assert b"192.0.2.7" not in path.read_bytes()


def test_two_programs_at_once_add_to_one_sum(tmp_path: Path) -> None:
    path = tmp_path / "spent.sqlite"
    program = (
        "import sys; from datetime import date; from pathlib import Path; from voice_ui.session.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for _ in range(50): ledger.add({date(2026, 11, 23): 0.01})"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert Ledger(path).add({}).total == pytest.approx(1.0)


async def test_what_another_program_spent_is_known_at_the_next_start_and_after_the_next_reply(tmp_path: Path) -> None:
    path = tmp_path / "spent.sqlite"
    mine, other = (LocalAccounts(Ledger(path), today=Day()) for _ in range(2))
    other.book("x", 1.0)
    await other.close()
    mine.book("a", 0.5)
    await mine.close()
    assert mine.spent("a").day == 1.5
    await other.refresh("x")
    assert other.spent("x").total == 1.5


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to look like one" * 20, b"SQLite format 3\0"]
)
def test_a_garbled_file_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    (path := tmp_path / "spent.sqlite").write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError):
        Ledger(path)
    assert path.read_bytes() == content


async def test_a_file_that_is_torn_while_the_program_runs_refuses_the_next_start_and_forgets_nothing(
    tmp_path: Path,
) -> None:
    accounts = LocalAccounts(Ledger(path := tmp_path / "spent.sqlite"), today=Day())
    accounts.book("a", 0.5)
    await accounts.close()
    whole = path.read_bytes()
    path.write_bytes(b"torn" * 100)
    accounts.book("a", 0.25)
    await asyncio.sleep(0.1)
    with pytest.raises(Refused) as caught:
        await accounts.refresh("a")
    assert caught.value.problem.code == "cost-unrecorded"
    assert accounts.spent("a") == Spent(0.75, 0.75, 0.75)
    path.write_bytes(whole)
    await accounts.refresh("a")
    assert accounts.spent("a") == Spent(0.75, 0.75, 0.75)
    assert Ledger(path).add({}).total == 0.75


async def test_a_file_that_is_deleted_begins_anew(tmp_path: Path) -> None:
    accounts = LocalAccounts(Ledger(path := tmp_path / "spent.sqlite"), today=Day())
    accounts.book("a", 0.5)
    await accounts.close()
    path.unlink()
    await accounts.refresh("a")
    assert accounts.spent("a") == Spent(visitor=0.5, day=0.0, total=0.0)


async def test_the_memory_for_visitors_is_bounded() -> None:
    accounts = LocalAccounts(today=Day())
    accounts.book("dear", 1.0)
    for number in range(MOST_VISITORS + 5):
        accounts.book(f"{number}", 0.001)
    assert len(accounts._visitors) == MOST_VISITORS and accounts.spent("dear").visitor == 1.0
