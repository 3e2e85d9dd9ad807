"""What is played is heard: without gaps and clicks, and as much of it as is reported."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.speaker.conftest import Room
from tests.patience import until

STEEPEST = 0.07
"""The largest step of 660 Hz at half of full scale, in 48 kHz, is 0.042."""


def played(room: Room, item: str) -> int:
    return max((int(report[2]) for report in room.reports if report[:2] == ("played", item)), default=0)


async def test_two_items_are_one_sound_without_gap_or_click(room: Room) -> None:
    await room.unlock()
    await room.press("Play")
    await room.reports_state("idle", "playing", "idle")
    await room.hears(0.5)
    ((begin, end),) = room.recording.stretches
    assert end - begin == pytest.approx(3, abs=0.02)
    assert room.recording.steepest < STEEPEST
    assert (played(room, "item-0"), played(room, "item-1")) == (1500, 1500)


@pytest.mark.parametrize("button", ["Stop", "Stop here"])
async def test_stop_reports_what_was_heard(room: Room, button: str) -> None:
    await room.unlock()
    await room.press("Long")
    await until(lambda: played(room, "long") >= 1000)
    await room.press(button)
    await room.reports_state("idle", "playing", "idle")
    await room.hears(1)
    ((begin, end),) = room.recording.stretches
    (stopped,) = [int(report[2]) for report in room.reports if report[:2] == ("stopped", "long")]
    assert stopped == pytest.approx(1000 * (end - begin), abs=60)
    assert room.recording.steepest < STEEPEST


async def test_a_stalled_connection_is_a_pause_without_a_click(room: Room) -> None:
    await room.unlock()
    await room.press("Stall")
    await room.reports_state("idle", "playing", "idle", "playing", "idle")
    await room.hears(0.5)
    lengths = [end - begin for begin, end in room.recording.stretches]
    assert lengths == [pytest.approx(1, abs=0.02)] * 2
    assert room.recording.steepest < STEEPEST


async def test_ten_minutes_at_once_are_bounded_on_both_sides(room: Room) -> None:
    await room.unlock()
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


async def test_a_duck_waits_and_goes_on_where_it_was(room: Room) -> None:
    await room.unlock()
    await room.press("Play")
    await until(lambda: played(room, "item-0") >= 300)
    await room.press("Duck")
    await room.hears(1)
    await room.press("Unduck")
    await room.reports_state("idle", "playing", "idle")
    await room.hears(0.5)
    (begin, ducked), (unducked, end) = room.recording.stretches
    assert unducked - ducked > 0.5
    assert ducked - begin + end - unducked == pytest.approx(3, abs=0.03)
    assert room.recording.steepest < STEEPEST
    assert (played(room, "item-0"), played(room, "item-1")) == (1500, 1500)


async def test_audio_that_comes_unevenly_is_played_evenly_once_the_buffer_has_grown(room: Room) -> None:
    await room.unlock()
    await room.press("Jitter")
    await room.reports_state("idle", "playing", "idle")
    await room.hears(0.5)
    stretches = room.recording.stretches
    assert sum(end - begin for begin, end in stretches) == pytest.approx(4, abs=0.05)
    assert room.recording.steepest < STEEPEST
    assert [begin for begin, _ in stretches if begin > stretches[0][0] + 1] == []  # the pauses are at the begin


async def test_a_suspended_context_is_brought_back_and_nothing_is_lost(room: Room) -> None:
    await room.unlock()
    await room.press("Play")
    await until(lambda: played(room, "item-0") >= 300)
    await room.evaluate("SPEAKER.ctx.suspend()")  # as a phone call does
    await room.reports_state("idle", "playing", "idle")
    assert (played(room, "item-0"), played(room, "item-1")) == (1500, 1500)


async def test_a_device_that_goes_away_and_a_lost_connection_lose_nothing(room: Room) -> None:
    await room.unlock()
    await room.press("Play")
    await until(lambda: played(room, "item-0") >= 300)
    await room.evaluate("SPEAKER.reopen()")  # as Chromium's error event of a context does
    await until(lambda: played(room, "item-0") >= 600)
    await room.evaluate("window.socket.io.engine.close()")
    await room.reports_state("idle", "playing", "idle")
    assert (played(room, "item-0"), played(room, "item-1")) == (1500, 1500)
    await room.hears(0.5)
    assert sum(end - begin for begin, end in room.recording.stretches) == pytest.approx(3, abs=0.25)
