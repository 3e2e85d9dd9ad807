"""What a server leaves out or gets wrong costs that field, never the event; garbage is a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from voice_ui.protocol import Part, WireItem, parse, server, well_formed
from voice_ui.protocol.reading import Event


def heard(**event: Any) -> server.ServerEvent:
    return parse(json.dumps(event))


@pytest.mark.parametrize("name", ["response.output_text.delta", "response.text.delta"])
def test_the_words_of_a_reply_are_the_same_in_both_dialects(name: str) -> None:
    event = heard(type=name, response_id="r", item_id="i", delta="Hi", output_index=0, content_index=0)
    assert event == server.OutputTextDelta("r", "i", 0, "Hi")
    assert isinstance(event, server.ReplyTextDelta)


@pytest.mark.parametrize("name", ["response.output_audio_transcript.done", "response.audio_transcript.done"])
def test_the_words_of_a_spoken_reply_are_words(name: str) -> None:
    event = heard(type=name, response_id="r", item_id="i", transcript="Hi", content_index=1)
    assert event == server.OutputAudioTranscriptDone("r", "i", 1, "Hi")
    assert isinstance(event, server.ReplyTextDone)


@pytest.mark.parametrize("name", ["conversation.item.added", "conversation.item.created"])
def test_an_item_is_added_or_created(name: str) -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "audio", "transcript": " there"}]
    item = {"id": "i", "type": "message", "role": "assistant", "content": parts}
    event = heard(type=name, item=item, previous_item_id="h")
    written, spoken = Part("output_text", "Hello"), Part("output_audio", transcript=" there")
    assert event == server.ItemAdded(WireItem("i", role="assistant", content=(written, spoken)), "h")
    assert isinstance(event, server.ItemAdded) and event.item.text == "Hello there"


def test_a_failed_response_says_why() -> None:
    details = {"type": "failed", "error": {"type": "insufficient_quota", "code": None, "message": "No credit"}}
    event = heard(type="response.done", response={"id": "r", "status": "failed", "status_details": details})
    assert event == server.ResponseDone("r", "failed", None, None, "insufficient_quota", "No credit")


def test_an_unknown_event_is_a_value_with_a_short_name() -> None:
    assert heard(type="conversation.item.sound_detection", x=1) == server.Unknown("conversation.item.sound_detection")
    assert heard(type="x" * 5000) == server.Unknown("x" * server.NAME_LENGTH)


@pytest.mark.parametrize(
    ("event", "read"),
    [
        ({"item_id": "i"}, server.SpeechStarted("i", None)),
        ({"item_id": "i", "audio_start_ms": 1520.0}, server.SpeechStarted("i", 1520.0)),
        ({"item_id": "i", "audio_start_ms": True}, server.SpeechStarted("i", None)),
        ({"item_id": "i", "audio_start_ms": 10**400}, server.SpeechStarted("i", None)),
        ({"item_id": 7, "audio_start_ms": "1520"}, server.SpeechStarted("", None)),
    ],
)
def test_a_missing_or_odd_field_costs_the_field(event: dict[str, Any], read: server.ServerEvent) -> None:
    assert heard(type="input_audio_buffer.speech_started", **event) == read


def test_a_transcript_of_null_is_an_empty_one() -> None:
    name = "conversation.item.input_audio_transcription.completed"
    assert heard(type=name, item_id="i", transcript=None) == server.TranscriptionCompleted("i", "")


@pytest.mark.parametrize("response", [None, {}, {"status": None}, [], "r"])
def test_a_response_without_status_or_id_is_over(response: Any) -> None:
    assert heard(type="response.done", response=response) == server.ResponseDone("", "completed")


def test_an_index_may_be_written_as_a_float() -> None:
    event = heard(type="response.output_text.delta", response_id="r", item_id="i", delta="Hi", content_index=1.0)
    assert event == server.OutputTextDelta("r", "i", 1, "Hi")


def test_the_words_of_an_error_are_found_wherever_they_are() -> None:
    assert heard(type="error", error="It broke.") == server.ErrorEvent("error", None, "It broke.")
    assert heard(type="error", message="It broke.") == server.ErrorEvent("error", None, "It broke.")


def test_usage_beside_the_response_is_usage() -> None:
    event = heard(type="response.done", response={"id": "r"}, usage={"total_tokens": 5})
    assert isinstance(event, server.ResponseDone) and event.usage == {"total_tokens": 5}


def test_nan_is_read_as_nothing() -> None:
    event = parse('{"type":"response.done","response":{"id":"r","usage":{"total_tokens":NaN}}}')
    assert event == server.ResponseDone("r", usage={"total_tokens": None})


def test_halves_of_an_emoji_are_kept_at_the_ends_of_a_delta_to_be_joined() -> None:
    first, second = (
        parse(f'{{"type":"response.output_text.delta","response_id":"r","item_id":"i","delta":"{part}"}}')
        for part in (r"Hi \ud83d", r"\ude00!")
    )
    assert isinstance(first, server.ReplyTextDelta) and isinstance(second, server.ReplyTextDelta)
    assert well_formed(first.delta + second.delta) == "Hi 😀!"


def test_a_lone_half_elsewhere_is_replaced() -> None:
    name = "conversation.item.input_audio_transcription.completed"
    event = parse(rf'{{"type":"{name}","item_id":"i","transcript":"a\ud83db"}}')
    assert event == server.TranscriptionCompleted("i", "a\ufffdb")


def test_a_lone_half_is_never_sent() -> None:
    assert json.dumps(Part("input_text", "a\ud83d").to_wire(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "null", b"\xff\xfe", '{"type": 1}', "1e999", "[" * 5000, '{"a":' * 100_000, "9" * 10_000, "{}"],
    ids=range(11),
)
def test_garbage_is_a_value(message: str | bytes) -> None:
    assert isinstance(parse(message), server.Malformed)


def test_a_type_that_comes_twice_is_one_of_them() -> None:
    assert parse('{"type":"error","type":"input_audio_buffer.cleared"}') == server.Cleared()


FIELDS = ["item_id", "response_id", "delta", "text", "item", "response", "session", "error", "id", "status", "content",
          "status_details", "audio_end_ms", "transcript", "previous_item_id", "role", "usage", "output", "part",
          "content_index", "output_index", "type", "phase", "call_id"]  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "user", "\ud83d", "failed"])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(server.EVENT_CLASSES)), st.dictionaries(st.sampled_from(FIELDS), values, max_size=5))
def test_a_known_event_stays_one_whatever_is_in_it(name: str, fields: dict[str, Any]) -> None:
    event = parse(json.dumps({**fields, "type": name}))
    assert isinstance(event, Event)
    assert parse(json.dumps(event.to_wire())) == event


@given(st.binary(max_size=200))
def test_no_bytes_raise(message: bytes) -> None:
    assert parse(message) is not None


@given(st.text(st.characters(codec=None), max_size=50))
def test_any_text_can_be_made_well_formed(text: str) -> None:
    assert well_formed(text).encode().decode() == well_formed(text)
