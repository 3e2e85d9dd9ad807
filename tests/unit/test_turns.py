"""Which turns await an answer, and from where the next connection would have to be told again."""

from __future__ import annotations

from voice_ui import audio
from voice_ui.protocol import server
from voice_ui.session.entries import Commit, Message
from voice_ui.session.stream import Stream
from voice_ui.session.turns import ONSET_MS, UNNOTICED_SECONDS, Turns


def spoken(seconds: float, *, by_hand: bool = False) -> tuple[Turns, Stream]:
    """Return the turns of a connection that was sent this much audio at the pace of speech, from 0 s on."""
    stream = Stream()
    for number in range(round(seconds * 50)):
        stream.append_audio(audio.silence(20), captured=number / 50)
        stream.send_next(number / 50)
    return Turns(stream, by_hand=by_hand), stream


def start(turns: Turns, ms: float | None, now: float, item: str = "u") -> None:
    turns.begin_speech(server.SpeechStarted(item, ms), now)


def stop(turns: Turns, ms: float | None, now: float, item: str = "u") -> None:
    turns.end_speech(server.SpeechStopped(item, ms), now)


def test_what_a_living_server_was_sent_long_ago_needs_no_repeating() -> None:
    turns, _ = spoken(20)
    assert turns.unanswered_ms(alive_at=20) == (20 - UNNOTICED_SECONDS) * 1000 - ONSET_MS + 20
    assert turns.unanswered_ms(alive_at=1) == 0


def test_a_burst_is_not_taken_for_heard_because_it_was_spoken_long_ago() -> None:
    stream = Stream()
    for number in range(250):
        stream.append_audio(audio.silence(20), captured=number / 50)
    for _ in range(250):
        stream.send_next(100.0)  # after an outage, all at once
    turns = Turns(stream, by_hand=False)
    assert turns.unanswered_ms(alive_at=100.5) == 0


def test_a_turn_is_unanswered_from_its_first_word_until_its_response_is_done() -> None:
    turns, _ = spoken(5)
    start(turns, 1000, now=5)
    stop(turns, 3000, now=5)
    turns.commit("u", now=5)
    assert [(turn.item_id, turn.end_ms) for turn in turns.open] == [("u", 3000)]
    assert turns.unanswered_ms(alive_at=5) <= 1000
    turns.begin_response("r")
    turns.answer("r")
    assert turns.open == []
    assert turns.unanswered_ms(alive_at=5) == 3000


def test_a_response_answers_what_had_ended_before_it_began() -> None:
    turns, _ = spoken(9)
    start(turns, 1000, now=9, item="u1")
    stop(turns, 2000, now=9, item="u1")
    assert turns.begin_response("r1").item_id == "u1"
    start(turns, 3000, now=9, item="u2")
    stop(turns, 4000, now=9, item="u2")
    turns.answer("r1")
    assert [turn.item_id for turn in turns.open] == ["u2"]
    assert turns.begin_response("r2").item_id == "u2"


def test_speech_stopped_and_committed_are_one_turn_whatever_their_ids() -> None:
    turns, _ = spoken(5)
    start(turns, 1000, now=5)
    stop(turns, 3000, now=5, item="")
    turns.commit("u", now=5)
    assert [turn.item_id for turn in turns.open] == ["u"]


def test_a_server_that_counts_another_time_or_none_is_not_believed() -> None:
    for told in (None, 11_000.0, -5.0):
        turns, _ = spoken(5)
        start(turns, told, now=5)
        assert turns.unanswered_ms(alive_at=5) <= 1020
        stop(turns, told, now=5)
        assert 4500 <= turns.open[0].end_ms <= 5000


def test_a_turn_by_hand_ends_at_its_commit() -> None:
    turns, stream = spoken(2, by_hand=True)
    commit = Commit()
    stream.append(commit)
    stream.send_next(2.0)
    turns.ask(commit)
    turns.commit("u", now=2.1)
    assert (turns.open[0].entry, turns.open[0].end_ms) == (commit, 2000)
    turns.begin_response("r")
    turns.answer("r")
    assert stream.asks == 0


def test_a_commit_whose_reply_is_not_wanted_any_more_still_has_to_arrive() -> None:
    turns, stream = spoken(2, by_hand=True)
    commit = Commit()
    stream.append(commit)
    stream.send_next(2.0)
    turns.ask(commit)
    turns.want_no_reply()
    assert turns.unanswered_ms(alive_at=0.0) == 0 and stream.asks == 1, "it may have to be said again"
    turns.commit("u", now=2.1)
    assert not turns.open and stream.asks == 0


def test_a_commit_of_nothing_awaits_nothing() -> None:
    turns, stream = spoken(0, by_hand=True)
    commit = Commit()
    stream.append(commit)
    stream.send_next(0.0)
    turns.ask(commit)
    turns.refuse_commit(commit)
    assert turns.open == [] and stream.asks == 0


def test_a_typed_line_is_a_turn_without_audio() -> None:
    turns, stream = spoken(1)
    message = Message("m", "typed")
    stream.append(message)
    stream.send_next(1.0)
    turns.ask(message)
    assert turns.begin_response("r").item_id == "m"
    turns.answer("r")
    assert stream.asks == 0


def test_a_response_that_answers_nothing_is_the_servers_own() -> None:
    turns, _ = spoken(1)
    assert turns.begin_response("greeting").item_id is None
