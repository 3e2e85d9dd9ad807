"""What was heard of a spoken reply is what the browser says it played, no more than was received."""

from __future__ import annotations

import pytest

from voice_ui import audio
from voice_ui.session.playback import UNPLAYED_SECONDS, Playback


def received(seconds: float = 2.0) -> Playback:
    playback = Playback()
    for tenth in range(round(seconds * 10)):
        playback.take_text("a", (tenth + 1) * 2)
        assert playback.receive("a", audio.silence(100))
    return playback


def test_a_reply_is_over_when_all_of_it_was_received_and_played() -> None:
    playback = received()
    assert playback.is_playing
    playback.play("a", 2000)
    assert not playback.is_playing, "more may come"
    playback.receive("a", audio.silence(100))
    playback.complete("a")
    assert playback.is_playing
    playback.play("a", 2100)
    assert not playback.is_playing and playback.cut() == []


def test_what_was_heard_of_a_reply_that_is_cut_short() -> None:
    playback = received()
    playback.play("a", 1050)
    (cut,) = playback.cut()
    assert (cut.item_id, cut.heard_ms, cut.heard_characters) == ("a", 1050, 21)
    assert not playback.is_playing


def test_no_more_is_heard_than_was_received_and_never_less_than_before() -> None:
    playback = received()
    playback.play("a", 99_000)
    playback.play("a", 10)
    (cut,) = playback.cut()
    assert cut.heard_ms == 2000


def test_audio_that_comes_after_the_cut_is_not_played() -> None:
    playback = received()
    playback.cut()
    assert not playback.receive("a", audio.silence(100))
    assert playback.receive("b", audio.silence(100))


def test_what_waits_is_bounded() -> None:
    playback = Playback()
    second = audio.silence(1000)
    taken = sum(playback.receive("a", second) for _ in range(1000))
    assert taken <= UNPLAYED_SECONDS + 1


def test_audio_of_an_item_nobody_knows_is_no_error() -> None:
    Playback().play("x", 100)


@pytest.mark.parametrize("is_whole", [False, True])
def test_only_what_a_lost_connection_had_begun_is_left_over(is_whole: bool) -> None:
    playback = received()
    if is_whole:
        playback.complete("a")
    playback.lose_connection()
    assert playback.take_left_over() == (set() if is_whole else {"a"})
    assert playback.take_left_over() == set(), "once"
