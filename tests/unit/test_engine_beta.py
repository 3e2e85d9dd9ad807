"""The same engine, spoken to in the beta dialect: its names and shapes, and its own refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.judge import judge_beta_server_event
from tests.unit.engine_client import EngineClient, loud, quiet
from voice_ui.offline.beta import Beta

MODEL = "gpt-4o-realtime-preview-2024-12-17"


def beta_client(**update: Any) -> EngineClient:
    return EngineClient(model=MODEL, dialect=Beta(), update=update)


def test_a_session_is_flat_and_speaks_and_writes_by_default() -> None:
    client = EngineClient(model=MODEL, dialect=Beta())
    client.take(client.engine.start())
    session = client.one("session.created")["session"]
    assert session["model"] == MODEL
    assert session["voice"] == "alloy"
    assert session["input_audio_format"] == session["output_audio_format"] == "pcm16"
    assert session["turn_detection"]["type"] == "server_vad"
    assert session["temperature"] == 0.8
    assert "audio" not in session
    client.send("session.update", session={"modalities": None})
    assert client.one("session.updated")["session"]["modalities"] == ["audio", "text"]


def test_a_spoken_turn_has_the_names_of_the_beta() -> None:
    client = beta_client(input_audio_transcription={"model": "whisper-1"})
    client.say(quiet(500), loud(1000), quiet(300))
    client.hear("hello")
    client.let_time_pass()
    assert client.types == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.created",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.text.delta",
        "response.text.delta",
        "response.text.delta",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    response = client.one("response.done")["response"]
    assert response["modalities"] == ["text"]
    assert response["output"][0]["content"] == [{"type": "text", "text": "You said: hello"}]
    assert response["output"][0]["object"] == "realtime.item"
    for event in client.events:
        judge_beta_server_event(event)


def test_every_setting_of_the_beta_comes_back_as_it_was_set() -> None:
    asked = {
        "modalities": ["audio", "text"],
        "instructions": "Be brief.",
        "voice": "verse",
        "speed": 1.1,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "whisper-1", "language": "en"},
        "input_audio_noise_reduction": {"type": "near_field"},
        "tools": [{"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}],
        "tool_choice": "none",
        "temperature": 0.7,
        "max_response_output_tokens": 200,
        "tracing": "auto",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.6,
            "prefix_padding_ms": 200,
            "silence_duration_ms": 600,
            "create_response": False,
            "interrupt_response": False,
        },
    }
    client = beta_client()
    client.send("session.update", session=asked)
    session = client.one("session.updated")["session"]
    assert {name: session[name] for name in asked} == asked
    judge_beta_server_event(client.events[-1])


def test_a_spoken_reply_and_a_carried_over_conversation() -> None:
    client = beta_client(modalities=["audio", "text"])
    for role, kind in (("user", "input_text"), ("assistant", "text"), ("user", "input_text")):
        content = [{"type": kind, "text": f"{role} text"}]
        client.send("conversation.item.create", item={"type": "message", "role": role, "content": content})
    client.send("response.create", response={"temperature": 0.9, "max_response_output_tokens": 100})
    client.let_time_pass()
    assert client.one("response.audio_transcript.done")["transcript"] == "You said: user text"
    assert client.one("response.audio.done")
    assert client.one("response.done")["response"]["max_output_tokens"] == 100
    for event in client.events:
        judge_beta_server_event(event)


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": "realtime"}, "unknown_parameter", "session.type"),
        ({"output_modalities": ["text"]}, "unknown_parameter", "session.output_modalities"),
        ({"modalities": ["audio"]}, "invalid_value", "session.modalities"),
        ({"input_audio_format": "g711_ulaw"}, "invalid_value", "session.input_audio_format"),
        ({"temperature": 2}, "decimal_above_max_value", "session.temperature"),
        ({"turn_detection": {"type": "server_vad", "threshold": 7}}, "decimal_above_max_value",
         "session.turn_detection.threshold"),
        ({"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}, "unknown_parameter",
         "session.turn_detection.idle_timeout_ms"),
        ({"model": "another"}, "invalid_value", "session.model"),
    ],
)  # fmt: skip
def test_what_is_not_beta_is_refused_by_its_beta_name(session: dict[str, Any], code: str, param: str) -> None:
    client = beta_client()
    client.send("session.update", session={"temperature": 0.7} | session)
    assert client.types == ["error"]
    assert client.refusal == (code, param)
    client.forget()
    client.send("session.update", session={})
    assert client.one("session.updated")["session"]["temperature"] == 0.8


def test_the_content_types_of_ga_are_unknown() -> None:
    client = beta_client()
    content = [{"type": "output_text", "text": "x"}]
    client.send("conversation.item.create", item={"type": "message", "role": "assistant", "content": content})
    assert client.refusal == ("invalid_value", "item.content[0].type")
