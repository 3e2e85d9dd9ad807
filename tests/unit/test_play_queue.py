"""What is queued, sent and played: each sample once, in order, never more ahead than the browser is to have."""

from __future__ import annotations

from hypothesis import given, strategies as st

from voice_ui import audio
from voice_ui.speaker.play_queue import AHEAD_SECONDS, MESSAGE_SAMPLES, QUEUE_SECONDS, Packet, Played, PlayQueue

SECOND = audio.SAMPLE_RATE


def pcm(samples: int, begin: int = 0) -> bytes:
    return b"".join((number % 30_000).to_bytes(2, "little") for number in range(begin, begin + samples))


def taken(stream: PlayQueue) -> list[Packet]:
    messages = []
    while message := stream.next():
        messages.append(message)
    return messages


def test_small_pieces_are_joined_and_large_ones_are_cut() -> None:
    stream = PlayQueue()
    for number in range(30):
        stream.add("a", pcm(480, 480 * number))
    messages = taken(stream)
    assert [len(message.pcm) // 2 for message in messages] == [MESSAGE_SAMPLES] * 3
    assert b"".join(message.pcm for message in messages) == pcm(14_400)
    assert [message.start for message in messages] == [0, 4800, 9600]


def test_no_message_holds_two_items() -> None:
    stream = PlayQueue()
    for item_id in ("a", "b"):
        stream.add(item_id, pcm(100))
    assert [(message.number, len(message.pcm)) for message in taken(stream)] == [(1, 200), (2, 200)]


def test_the_browser_gets_three_seconds_in_advance() -> None:
    stream = PlayQueue()
    stream.add("a", bytes(2 * 10 * SECOND))
    taken(stream)
    assert stream.sent == AHEAD_SECONDS * SECOND
    stream.play(SECOND)
    taken(stream)
    assert stream.sent == (AHEAD_SECONDS + 1) * SECOND


def test_ten_minutes_in_a_second_are_bounded() -> None:
    stream = PlayQueue()
    assert sum(stream.add("a", bytes(2 * SECOND)) for _ in range(600)) == QUEUE_SECONDS
    taken(stream)
    stream.play(SECOND)
    assert stream.add("a", bytes(2 * SECOND))
    assert not stream.add("a", bytes(2 * SECOND))


def test_what_was_played_is_reported_by_item() -> None:
    stream = PlayQueue()
    stream.add("a", pcm(SECOND))
    stream.add("b", pcm(SECOND))
    taken(stream)
    assert stream.play(SECOND // 2) == [Played("a", 500)]
    assert stream.play(SECOND // 2) == []
    assert stream.play(SECOND * 3 // 2) == [Played("a", 1000), Played("b", 500)]
    assert stream.play(9 * SECOND) == [Played("b", 1000)]  # it cannot have played more than it was sent
    assert stream.is_over
    assert stream.play(0) == []


def test_what_the_browser_does_not_have_is_sent_again() -> None:
    stream = PlayQueue()
    stream.add("a", pcm(2 * SECOND))
    taken(stream)
    stream.play(SECOND // 2)
    stream.rewind(SECOND)
    assert taken(stream)[0].start == SECOND
    stream.rewind(0)
    assert taken(stream)[0].start == SECOND // 2  # what was played is gone
    stream.rewind(9 * SECOND)
    assert stream.next() is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from("ab"), st.integers(0, 9_000)),
            st.tuples(st.sampled_from(["play", "rewind"]), st.integers(-10, 100_000)),
        )
    )
)
def test_whatever_a_browser_reports_every_sample_reaches_it(calls: list[tuple[object, ...]]) -> None:
    stream, whole, received = PlayQueue(), b"", b""
    for call in calls:
        match call:
            case ("add", str(item_id), int(samples)):
                assert stream.add(item_id, data := pcm(samples, stream.queued))
                whole += data
            case ("play", int(position)):
                stream.play(position)
            case ("rewind", int(position)):
                stream.rewind(position)
        for message in taken(stream):
            assert 2 * message.start <= len(received)
            received = received[: 2 * message.start] + message.pcm
        assert 0 <= stream.played <= stream.sent <= stream.queued
        assert whole.startswith(received)
    stream.play(10**9)
    while messages := taken(stream):
        received += b"".join(message.pcm for message in messages)
        stream.play(10**9)
    assert received == whole and stream.is_over
