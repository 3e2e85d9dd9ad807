"""How a session is set up: what OpenAI shows and takes, and what it refuses, with its codes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.practice_client import PracticeClient, loud, quiet


def session(client: PracticeClient) -> dict[str, Any]:
    client.forget()
    client.update()
    shown: dict[str, Any] = client.one("session.updated")["session"]
    return shown


async def test_a_session_begins_with_the_defaults_of_the_live_service_and_the_model_that_was_asked_for() -> None:
    client = PracticeClient(model="gpt-realtime-2.1-mini")
    created = client.created[0]["session"]
    assert created["model"] == "gpt-realtime-2.1-mini"
    client = PracticeClient()
    client.update(output_modalities=None)
    created = client.one("session.updated")["session"]
    assert created["type"] == "realtime"
    assert created["object"] == "realtime.session"
    assert created["expires_at"] > 1_700_000_000
    assert created["output_modalities"] == ["text"]
    assert created["max_output_tokens"] == "inf"
    assert created["audio"]["input"] == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 200,
            "idle_timeout_ms": None,
            "create_response": True,
            "interrupt_response": True,
        },
    }


async def test_only_what_is_present_changes() -> None:
    client = PracticeClient()
    client.update(instructions="Be brief.")
    client.update(audio={"input": {"transcription": {"model": "gpt-live-transcribe", "language": "en"}}})
    client.update(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}})
    client.update(audio={"input": {"transcription": {"language": "de"}}})
    shown = session(client)
    assert shown["instructions"] == "Be brief."
    assert shown["audio"]["input"]["transcription"] == {"model": "gpt-live-transcribe", "language": "de"}
    assert shown["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
    assert shown["audio"]["input"]["turn_detection"]["prefix_padding_ms"] == 300


async def test_null_clears() -> None:
    client = PracticeClient()
    client.update(audio={"input": {"transcription": {"model": "any"}, "noise_reduction": {"type": "near_field"}}})
    client.update(audio={"input": {"transcription": None, "noise_reduction": None, "turn_detection": None}})
    listening = session(client)["audio"]["input"]
    assert listening["transcription"] is listening["noise_reduction"] is listening["turn_detection"] is None


async def test_another_kind_of_turn_detection_brings_its_own_defaults() -> None:
    client = PracticeClient()
    client.update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    assert session(client)["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"modalities": ["text"]}, "unknown_parameter", "session.modalities"),
    ({"type": "realtime", "modalities": ["text"]}, "unknown_parameter", "session.modalities"),
    ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
    ({"type": "realtime", "audio": {"input": {"vad": 1}}}, "unknown_parameter", "session.audio.input.vad"),
    ({"instructions": "no type"}, "missing_required_parameter", "session.type"),
    ({"type": "transcription"}, "invalid_parameter", "session.type"),
    ({"type": "other"}, "invalid_value", "session.type"),
    ({"type": 1}, "invalid_type", "session.type"),
    ({"type": "realtime", "instructions": 1}, "invalid_type", "session.instructions"),
    ({"type": "realtime", "output_modalities": ["text", "audio"]}, "invalid_value", "session.output_modalities"),
    ({"type": "realtime", "output_modalities": ["video"]}, "invalid_value", "session.output_modalities[0]"),
    ({"type": "realtime", "model": "another"}, "invalid_value", "session.model"),
    ({"type": "realtime", "max_output_tokens": 0}, "integer_below_min_value", "session.max_output_tokens"),
    ({"type": "realtime", "max_output_tokens": "lots"}, "invalid_value", "session.max_output_tokens"),
    ({"type": "realtime", "max_output_tokens": []}, "invalid_type", "session.max_output_tokens"),
    (
        {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
        "integer_below_min_value",
        "session.audio.input.format.rate",
    ),
    (
        {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}},
        "invalid_value",
        "session.audio.input.format.type",
    ),
    (
        {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}},
        "decimal_above_max_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        {"type": "realtime", "audio": {"input": {"turn_detection": {"threshold": 0.5}}}},
        "missing_required_parameter",
        "session.audio.input.turn_detection.type",
    ),
    (
        {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
        "unknown_parameter",
        "session.audio.input.turn_detection.threshold",
    ),
    ({"type": "realtime", "audio": {"output": {"speed": 2}}}, "decimal_above_max_value", "session.audio.output.speed"),
    ({"type": "realtime", "tools": [{"type": "mcp"}]}, "invalid_value", "session.tools[0].type"),
]


@pytest.mark.parametrize(("update", "code", "param"), REFUSED, ids=lambda value: str(value)[:60])
async def test_a_bad_update_is_dropped_whole(update: dict[str, Any], code: str, param: str | None) -> None:
    client = PracticeClient()
    before = session(client)
    client.forget()
    client.send("session.update", event_id="cfg", session={"instructions": "Taken?"} | update)
    assert client.types == ["error"]
    assert client.refusal == (code, param)
    assert client.one("error")["error"]["event_id"] == "cfg"
    assert session(client) == before


BAD_MESSAGES: list[tuple[str | bytes, str, str | None]] = [
    (b'{"type":"response.create"}', "invalid_event", None),
    ("{", "invalid_json", None),
    ("", "invalid_json", None),
    ('"\\ud800"', "invalid_json", None),
    ("[]", "invalid_event", None),
    ("null", "invalid_event", None),
    ("{}", "missing_required_parameter", "type"),
    ('{"type":7}', "invalid_type", "type"),
    ('{"type":"response.make"}', "invalid_value", "type"),
    ('{"type":"transcription_session.update"}', "invalid_value", "type"),
    ('{"type":"response.create","model":"x"}', "unknown_parameter", "model"),
    ('{"type":"response.create","event_id":5}', "invalid_type", "event_id"),
    ('{"type":"response.create","response":{"modalities":["text"]}}', "unknown_parameter", "response.modalities"),
    ('{"type":"response.create","response":{"output_modalities":[]}}', "invalid_value", "response.output_modalities"),
    ('{"type":"response.create","response":{"metadata":{"a":1}}}', "invalid_type", "response.metadata.a"),
    ('{"type":"session.update"}', "missing_required_parameter", "session"),
    ('{"type":"session.update","session":[]}', "invalid_type", "session"),
    ('{"type":"input_audio_buffer.append"}', "missing_required_parameter", "audio"),
    ('{"type":"input_audio_buffer.append","audio":null}', "invalid_type", "audio"),
    ('{"type":"input_audio_buffer.append","audio":"AAAA!"}', "invalid_value", "audio"),
    ('{"type":"input_audio_buffer.append","audio":"AAAA"}', "invalid_value", "audio"),
    ('{"type":"input_audio_buffer.append","audio":"' + "A" * (9 << 19) + '"}', "string_above_max_length", "audio"),
]


@pytest.mark.parametrize(("message", "code", "param"), BAD_MESSAGES, ids=lambda value: str(value)[:60])
async def test_a_bad_message_is_answered_with_an_error_and_the_session_goes_on(
    message: str | bytes, code: str, param: str | None
) -> None:
    client = PracticeClient()
    client.receive(message)
    assert client.types == ["error"]
    assert client.refusal == (code, param)
    client.forget()
    client.say(loud(500), quiet(200))
    await client.hear("hello")
    await client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"


async def test_nesting_that_could_not_be_written_again_is_refused() -> None:
    client = PracticeClient()
    deep: Any = {}
    for _ in range(200):
        deep = {"inner": deep}
    client.update(tools=[{"type": "function", "name": "dig", "parameters": deep}])
    assert client.refusal == ("invalid_value", None)


async def test_the_end_of_a_session_is_announced() -> None:
    client = PracticeClient()
    client.connection._expire()
    client.take()
    assert client.one("error")["error"]["code"] == "session_expired"
