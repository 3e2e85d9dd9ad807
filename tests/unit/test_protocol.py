"""What we say is valid to the letter by OpenAI's own types; what we hear is understood or set aside, never fatal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.beta.realtime import RealtimeClientEvent as BetaClientEvent
from openai.types.realtime import RealtimeClientEvent
from pydantic import TypeAdapter

from voice_ui.protocol import ClientEvent, Dialect, SessionConfig, client, dialect_of, parse, server

CONFIGS = [
    SessionConfig("Be brief."),
    SessionConfig("", turn_detection="none"),
    SessionConfig("Sei kurz.", turn_detection="semantic_vad", transcription_model="gpt-live-transcribe"),
    SessionConfig("x", silence_ms=200, transcription_model="m", language="de", reasoning_effort="low"),
]

CLIENT_EVENTS: list[ClientEvent] = [
    *(client.session_update(config, "e1") for config in CONFIGS),
    client.input_audio_buffer_append(bytes(960)),
    client.input_audio_buffer_commit("e2"),
    client.response_create("e3"),
    client.input_audio_buffer_clear("e3"),
    client.response_cancel("e4"),
    client.conversation_item_create("item_1", "user", "Hello", "e5"),
    client.conversation_item_create("item_2", "assistant", "Hi", "e6"),
]

BETA_EVENTS: list[ClientEvent] = [
    *(client.session_update(config, "e1", Dialect.BETA) for config in CONFIGS),
    *CLIENT_EVENTS[len(CONFIGS) : -1],
    client.conversation_item_create("item_2", "assistant", "Hi", "e6", Dialect.BETA),
]


def kept(value: Any) -> Any:
    """Strip what a model did not declare, at any depth: an unknown key is then missing from the dump."""
    if hasattr(value, "model_extra"):
        fields = type(value).model_fields
        return {
            fields[name].alias or name: kept(getattr(value, name)) for name in value.model_fields_set if name in fields
        }
    if isinstance(value, list):
        return [kept(part) for part in value]
    return value


@pytest.mark.parametrize("event", CLIENT_EVENTS, ids=lambda event: event["type"])
def test_every_event_we_send_is_valid_and_has_no_unknown_field(event: ClientEvent) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    assert kept(adapter.validate_python(event)) == event


@pytest.mark.parametrize("event", BETA_EVENTS, ids=lambda event: event["type"])
def test_every_event_we_send_in_beta_is_valid_there(event: ClientEvent) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(BetaClientEvent)
    assert kept(adapter.validate_python(event)) == event


@pytest.mark.parametrize(
    ("session", "dialect"),
    [
        ({"type": "realtime", "output_modalities": ["audio"], "audio": {}}, Dialect.GA),
        ({"modalities": ["text", "audio"], "input_audio_format": "pcm16", "turn_detection": None}, Dialect.BETA),
        ({"id": "sess_1"}, Dialect.GA),
    ],
)
def test_a_server_shows_its_dialect_with_its_first_event(session: dict[str, Any], dialect: Dialect) -> None:
    assert dialect_of(session) is dialect


def test_the_check_for_unknown_fields_finds_one() -> None:
    event = client.session_update(CONFIGS[0], "e1")
    event["session"]["temperature"] = 0.8
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    assert kept(adapter.validate_python(event)) != event


def test_every_builder_is_among_the_events_checked() -> None:
    builders = {
        name.replace("_", ".")
        for name, made in vars(client).items()
        if callable(made) and name.islower() and name[0] != "_"
    } - {"dataclass"}
    assert builders == {event["type"].replace("_", ".") for event in CLIENT_EVENTS}


def heard(**event: Any) -> server.ServerEvent:
    return parse(json.dumps(event))


@pytest.mark.parametrize(
    "name", ["response.output_text.delta", "response.text.delta", "response.output_audio_transcript.delta"]
)
def test_the_words_of_a_reply_are_the_same_in_every_dialect_and_modality(name: str) -> None:
    event = heard(type=name, response_id="r", item_id="i", delta="Hi", output_index=0, content_index=0)
    assert event == server.TextDelta("r", "i", "Hi")


@pytest.mark.parametrize("name", ["conversation.item.added", "conversation.item.created"])
def test_an_item_is_added_or_created(name: str) -> None:
    item = {"id": "i", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    assert heard(type=name, item=item, previous_item_id="h") == server.ItemAdded("i", "user", "Hello", "h")


def test_a_failed_response_says_why() -> None:
    details = {"type": "failed", "error": {"type": "insufficient_quota", "code": None, "message": "No credit"}}
    event = heard(type="response.done", response={"id": "r", "status": "failed", "status_details": details})
    assert event == server.ResponseDone("r", "failed", None, None, "insufficient_quota", "No credit")


def test_an_unknown_event_is_a_value() -> None:
    assert heard(type="conversation.item.sound_detection", x=1) == server.Unknown("conversation.item.sound_detection")


@pytest.mark.parametrize(
    "message", ["", "{", "[]", "null", b"\xff\xfe", '{"type": 1}', '{"type": "response.done"}', "1e999", "[" * 5000]
)
def test_garbage_is_a_value(message: str | bytes) -> None:
    assert isinstance(parse(message), server.Malformed)


def test_numbers_are_not_mistaken_for_flags() -> None:
    event = heard(type="input_audio_buffer.speech_started", item_id="i", audio_start_ms=True)
    assert isinstance(event, server.Malformed)


NAMES = [
    "session.created", "session.updated", "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed", "conversation.item.added", "conversation.item.deleted", "response.created",
    "conversation.item.input_audio_transcription.completed", "conversation.item.input_audio_transcription.failed",
    "response.output_text.delta", "response.output_text.done", "response.done", "error", "rate_limits.updated",
]  # fmt: skip
FIELDS = ["item_id", "response_id", "delta", "text", "item", "response", "session", "error", "id", "status", "content",
          "status_details", "audio_end_ms", "transcript", "previous_item_id", "role", "usage"]  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "user", "failed"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), values, max_size=4))
def test_no_shape_of_a_known_event_raises(name: str, fields: dict[str, Any]) -> None:
    assert parse(json.dumps({**fields, "type": name})) is not None


@given(st.binary(max_size=200))
def test_no_bytes_raise(message: bytes) -> None:
    assert parse(message) is not None
