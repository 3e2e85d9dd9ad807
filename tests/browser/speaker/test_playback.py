"""What is played is heard: without gaps and clicks, and as much of it as is reported."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.browser.speaker.conftest import Room
from tests.patience import until

STEEPEST = 0.07
"""The largest step of 660 Hz at half of full scale, in 48 kHz, is 0.042."""


def played(room: Room, item: str) -> int:
    return max((int(report[2]) for report in room.reports if report[:2] == ("played", item)), default=0)


async def test_two_items_are_one_sound_without_gap_or_click(room: Room) -> None:
    await room.press("Unlock")
    await room.reports_state("idle")
    await room.press("Play")
    await room.reports_state("idle", "playing", "idle")
    await room.hears(0.5)
    ((begin, end),) = room.recording.stretches
    assert end - begin == pytest.approx(3, abs=0.02)
    assert room.recording.steepest < STEEPEST
    assert (played(room, "item-0"), played(room, "item-1")) == (1500, 1500)


async def test_stop_reports_what_was_heard(room: Room) -> None:
    """Within 60 ms, by the recording; a click on the page stops as a call from Python does."""
    await room.press("Unlock")
    await room.reports_state("idle")
    states = ["idle"]
    for number, button in enumerate(("Stop", "Stop here"), 1):
        await room.press("Long")
        states += ["playing"]
        await room.reports_state(*states)
        await until(partial(lambda ms: played(room, "long") >= ms, 1000 * number))
        await room.press(button)
        states += ["idle"]
        await room.reports_state(*states)
        await room.hears(1)
        begin, end = room.recording.stretches[-1]
        stopped = [int(report[2]) for report in room.reports if report[:2] == ("stopped", "long")]
        assert len(stopped) == number
        assert stopped[-1] == pytest.approx(1000 * (end - begin), abs=60)
        assert room.recording.steepest < STEEPEST


async def test_a_stalled_connection_is_a_pause_without_a_click(room: Room) -> None:
    await room.press("Unlock")
    await room.reports_state("idle")
    await room.press("Stall")
    await room.reports_state("idle", "playing", "idle", "playing", "idle")
    await room.hears(0.5)
    lengths = [end - begin for begin, end in room.recording.stretches]
    assert lengths == [pytest.approx(1, abs=0.02)] * 2
    assert room.recording.steepest < STEEPEST


async def test_ten_minutes_at_once_are_bounded_on_both_sides(room: Room) -> None:
    await room.press("Unlock")
    await room.reports_state("idle")
    received = 0
    devtools = await room.page.context.new_cdp_session(room.page)
    await devtools.send("Network.enable")

    def count(event: dict[str, Any]) -> None:
        nonlocal received
        received += len(event["response"]["payloadData"])

    devtools.on("Network.webSocketFrameReceived", count)
    await room.press("Ten minutes")
    await room.reports_state("idle", "playing")
    taken = next(report for report in room.reports if report[0] == "taken")
    assert int(taken[2]) == 300_000  # milliseconds wait in Python
    await room.hears(1)
    assert received < (3 + 2) * 48_000 * 4 / 3 * 1.1  # seconds in the browser; the devtools count base64
    await room.press("Stop")
    await room.reports_state("idle", "playing", "idle")
