"""What was said exists once: it is sent in order, kept until it is answered, and said again after a lost connection."""

from __future__ import annotations

import pytest

from voice_ui import audio
from voice_ui.session import stream as stream_module
from voice_ui.session.entries import Audio, Commit, EndOfPress, Message
from voice_ui.session.stream import Stream

CHUNK = audio.silence(20)


def filled(chunks: int, stream: Stream | None = None, *, quiet: bool = False) -> Stream:
    stream = stream or Stream()
    for number in range(chunks):
        stream.append_audio(CHUNK, captured=number * 0.02, quiet=quiet)
    return stream


def send_all(stream: Stream, now: float = 0.0) -> list[object]:
    sent = []
    while not stream.is_sent:
        sent.append(stream.send_next(now))
    return sent


def test_what_is_sent_keeps_its_order_and_knows_its_place() -> None:
    stream = filled(2)
    commit = Commit()
    stream.append(commit)
    filled(1, stream)
    sent = send_all(stream)
    assert [type(entry) for entry in sent] == [Audio, Audio, Commit, Audio]
    assert (commit.end_ms, stream.sent_ms) == (40, 60)


async def test_a_reader_waits_for_what_is_said() -> None:
    stream = Stream()
    filled(1, stream)
    await stream.filled()
    stream.send_next(0.0)
    assert stream.is_sent and not stream.is_empty


def test_a_lost_connection_takes_back_what_was_not_answered() -> None:
    stream = filled(10)
    send_all(stream)
    stream.trim(100)
    assert stream.rewind() == 0
    again = send_all(stream)
    assert len(again) == 5 and stream.sent_ms == 100


def test_marks_that_are_not_answered_are_sent_again_in_their_place() -> None:
    stream = filled(2)
    commit, message = Commit(), Message("item", "typed")
    stream.append(commit)
    filled(2, stream)
    stream.append(message)
    send_all(stream)
    assert stream.asks == 2
    stream.answer(commit)
    stream.rewind()
    assert [type(entry) for entry in send_all(stream)] == [Audio] * 4 + [Message]
    stream.answer(message)
    assert stream.asks == 0


def test_audio_before_an_unanswered_mark_is_let_go_and_the_mark_is_not() -> None:
    stream = filled(5)
    stream.append(Message("item", "typed"))
    filled(5, stream)
    send_all(stream)
    stream.trim(1000)
    stream.rewind()
    assert [type(entry) for entry in send_all(stream)] == [Message] + [Audio] * 5


def test_a_turn_that_is_known_in_writing_takes_the_place_of_its_audio() -> None:
    stream = filled(5)
    commit = Commit()
    stream.append(commit)
    filled(3, stream)
    send_all(stream)
    stream.write_down(100, commit, Message("item", "what was heard"))
    assert stream.asks == 1 and stream.holds("item")
    stream.rewind()
    assert [type(entry) for entry in send_all(stream)] == [Message] + [Audio] * 3


def test_written_turns_keep_the_order_in_which_they_were_said() -> None:
    stream = Stream()
    typed = Message("typed", "first")
    stream.append(typed)
    filled(5, stream)
    send_all(stream)
    stream.write_down(100, None, Message("spoken", "second"))
    stream.append(Message("late", "third"))
    stream.rewind()
    assert [entry.item_id for entry in send_all(stream) if isinstance(entry, Message)] == ["typed", "spoken", "late"]


def test_of_too_much_that_waits_the_oldest_silence_goes_first_and_speech_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "WAITING_SECONDS", 0.2)
    stream = filled(5)
    filled(5, stream, quiet=True)
    assert stream.append_audio(CHUNK, 0.0) == 0  # silence went
    for _ in range(4):
        stream.append_audio(CHUNK, 0.0)
    assert stream.append_audio(CHUNK, 0.0) == 20


def test_speech_that_is_no_longer_kept_is_counted_when_it_would_be_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "KEPT_SECONDS", 0.1)
    stream = filled(8)
    send_all(stream)
    assert stream.rewind() == 60
    stream = filled(8)
    send_all(stream)
    stream.trim(160)  # all of it was answered
    assert stream.rewind() == 0


def test_a_place_leads_back_to_the_moment_of_capture_and_a_moment_to_the_place_sent_by_then() -> None:
    stream = filled(10)  # captured every 20 ms from 0
    for number in range(10):
        stream.send_next(100.0 + number)  # sent much later
    assert stream.captured_at(50) == pytest.approx(0.03)
    assert stream.captured_at(300) is None
    assert stream.sent_before(104.5) == 100
    assert stream.sent_before(99) == 0


def test_at_the_end_nothing_is_left() -> None:
    stream = filled(3)
    stream.append(Commit())
    stream.append(EndOfPress())
    send_all(stream)
    filled(3, stream)
    stream.clear()
    assert stream.is_empty and stream.asks == 0 and stream.speech_ms == 0
