"""Pacing: bursts become steps, pauses make the wait good, words do not get lost, and places are found again."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from voice_ui import audio
from voice_ui.transport.pacing import FRAME_BYTES, FRAME_MS, PAUSE_MS, SILENCE, SLACK_MS, Pacing

LOUD = b"\x00\x20" * (FRAME_BYTES // 2)


def words(number: int) -> bytes:
    """One loud frame that can be told from others."""
    return LOUD[:-2] + number.to_bytes(2, "little")


def test_a_burst_comes_out_in_steps_and_in_order() -> None:
    pacing = Pacing()
    pacing.put(b"".join(words(number) for number in range(5)), 0.0)
    assert pacing.waiting_ms == 5 * FRAME_MS
    assert [pacing.take() for _ in range(7)] == [*(words(number) for number in range(5)), SILENCE, SILENCE]


@given(st.lists(st.integers(1, 3000), max_size=30))
def test_pieces_of_any_length_come_out_as_they_went_in(lengths: list[int]) -> None:
    pacing = Pacing()
    stream = bytes(range(1, 251)) * 400
    place = 0
    for length in lengths:
        pacing.put(stream[place : place + length], 0.0)
        place += length
    whole = place - place % FRAME_BYTES
    assert b"".join(pacing.take() for _ in range(whole // FRAME_BYTES)) == stream[:whole]


def test_a_wait_is_made_good_in_a_pause_and_no_word_is_lost() -> None:
    pacing = Pacing()
    pause = 3000 // FRAME_MS
    pacing.put(b"".join(words(number) for number in range(50)) + SILENCE * pause, 0.0)
    came = []
    for number in range(50, 400):  # what is said while the rest goes out, as fast as it is spoken
        came.append(pacing.take())
        pacing.put(words(number), 0.0)
    loud = [frame for frame in came if frame != SILENCE]
    assert loud == [words(number) for number in range(len(loud))]
    assert came.count(SILENCE) * FRAME_MS >= PAUSE_MS  # the end of a turn is still to be heard
    assert pacing.waiting_ms <= 50 * FRAME_MS + PAUSE_MS + SLACK_MS


def test_silence_that_is_not_late_is_left_alone() -> None:
    pacing = Pacing()
    for _ in range(200):
        pacing.put(SILENCE, 0.0)
        pacing.take()
    assert pacing.place_of(pacing.sent_ms) == pytest.approx(200 * FRAME_MS, abs=FRAME_MS)


def test_a_place_on_the_servers_clock_is_a_place_in_what_was_said() -> None:
    pacing = Pacing()
    for _ in range(10):
        pacing.take()  # nothing was said yet, and the server counts
    pacing.put(words(1) + words(2), 0.0)
    for _ in range(5):
        pacing.take()
    pacing.put(words(3), 0.0)
    pacing.take()
    assert pacing.place_of(100.0) == 0.0
    assert pacing.place_of(10 * FRAME_MS + 5) == 5.0
    assert pacing.place_of(11 * FRAME_MS + 7) == FRAME_MS + 7
    assert pacing.place_of(14 * FRAME_MS) == 2 * FRAME_MS  # between two words: the end of the first
    assert pacing.place_of(15 * FRAME_MS + 3) == 2 * FRAME_MS + 3


def test_of_more_than_fits_the_oldest_goes() -> None:
    pacing = Pacing()
    pacing.put(audio.silence(70_000), 0.0)
    assert pacing.waiting_ms == 60_000
