"""Chunks get longer when the event loop is full or late, and shorter again when there would be room for it."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.patience import until
from voice_ui.page import load
from voice_ui.page.load import LOOKS_LATE, LOOKS_QUIET, Gauge, Load


def looks(gauge: Gauge, busy: float, late: float = 0.0, count: int = 1) -> list[int]:
    return [gauge.look(busy, late) for _ in range(count)]


def test_a_full_core_gets_longer_chunks_step_by_step_and_there_is_an_end() -> None:
    assert looks(Gauge(), 0.95, count=5) == [40, 60, 100, 100, 100]


def test_one_late_look_changes_nothing_and_several_in_a_row_do() -> None:
    gauge = Gauge()
    for _ in range(3):
        assert looks(gauge, 0.3, 0.2, LOOKS_LATE - 1) == [20] * (LOOKS_LATE - 1)
        assert looks(gauge, 0.3) == [20]
    assert looks(gauge, 0.3, 0.2, LOOKS_LATE)[-1] == 40


def test_a_loop_that_is_late_without_being_busy_keeps_its_short_chunks() -> None:
    assert looks(Gauge(), 0.1, 0.3, 10) == [20] * 10


def test_chunks_get_shorter_only_where_that_would_not_fill_the_core_again() -> None:
    gauge = Gauge()
    looks(gauge, 0.9)
    assert looks(gauge, 0.45, count=3 * LOOKS_QUIET)[-1] == 40  # 0.9 with chunks of 20 ms
    assert looks(gauge, 0.3, count=LOOKS_QUIET - 1)[-1] == 40
    assert looks(gauge, 0.3)[-1] == 20
    assert looks(gauge, 0.3, count=3 * LOOKS_QUIET)[-1] == 20


def test_after_a_burst_chunks_are_short_again_at_once() -> None:
    gauge = Gauge()
    assert looks(gauge, 0.95, count=3)[-1] == 100  # forty pages are opened
    assert looks(gauge, 0.1, count=LOOKS_QUIET)[-1] == 20


def test_chunks_get_only_as_short_as_there_is_room() -> None:
    gauge = Gauge()
    looks(gauge, 0.95, count=3)
    assert looks(gauge, 0.22, count=LOOKS_QUIET)[-1] == 40
    assert looks(gauge, 0.4, count=3 * LOOKS_QUIET)[-1] == 40


async def test_a_loop_that_is_kept_busy_asks_for_longer_chunks_and_one_that_rests_for_shorter_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(load, "FULL", 0.2)  # others may have the core, too
    monkeypatch.setattr(load, "ROOM", 0.1)
    asked: list[int] = []
    watched = Load(asked.append)
    watched.begin()
    end = time.monotonic() + 5
    while not asked and time.monotonic() < end:
        busy_until = time.monotonic() + 0.01
        while time.monotonic() < busy_until:
            pass
        await asyncio.sleep(0)
    assert asked[0] == 40 and watched.words.startswith("chunks 40 ms")
    await until(lambda: asked[-1] == 20)
    watched.end()
    count = len(asked)
    await asyncio.sleep(0.1)
    assert len(asked) == count and watched.chunk_ms == 20
