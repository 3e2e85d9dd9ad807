"""The same engine, spoken to in the beta dialect: its names and shapes, and its own refusals."""

from __future__ import annotations

from typing import Any

from tests.judge import judge_beta_server_event
from tests.unit.practice_client import Hum, PracticeClient, loud, quiet

MODEL = "gpt-4o-realtime-preview-2024-12-17"


def beta_client(**update: Any) -> PracticeClient:
    return PracticeClient(model=MODEL, beta=True, update=update, voice=Hum())


async def test_a_session_is_flat_and_speaks_and_writes_by_default() -> None:
    client = PracticeClient(model=MODEL, beta=True, voice=Hum())
    session = client.created[0]["session"]
    assert session["model"] == MODEL
    assert session["voice"] == "alloy"
    assert session["input_audio_format"] == session["output_audio_format"] == "pcm16"
    assert session["turn_detection"]["type"] == "server_vad"
    assert session["temperature"] == 0.8
    assert "audio" not in session
    client.send("session.update", session={"modalities": None})
    assert client.one("session.updated")["session"]["modalities"] == ["audio", "text"]


async def test_a_spoken_turn_has_the_names_of_the_beta() -> None:
    client = beta_client(input_audio_transcription={"model": "whisper-1"})
    client.say(quiet(500), loud(1000), quiet(300))
    await client.hear("hello")
    await client.let_time_pass()
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
    ]
    response = client.one("response.done")["response"]
    assert response["modalities"] == ["text"]
    assert response["output"][0]["content"] == [{"type": "text", "text": "You said: hello"}]
    assert response["output"][0]["object"] == "realtime.item"
    for event in client.events:
        judge_beta_server_event(event)


async def test_every_setting_of_the_beta_comes_back_as_it_was_set() -> None:
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


async def test_a_spoken_reply_and_a_carried_over_conversation() -> None:
    client = beta_client(modalities=["audio", "text"])
    for role, kind in (("user", "input_text"), ("assistant", "text"), ("user", "input_text")):
        content = [{"type": kind, "text": f"{role} text"}]
        client.send("conversation.item.create", item={"type": "message", "role": role, "content": content})
    client.send("response.create", response={"temperature": 0.9, "max_response_output_tokens": 100})
    await client.let_time_pass()
    assert client.one("response.audio_transcript.done")["transcript"] == "You said: user text"
    assert client.one("response.audio.done")
    assert client.one("response.done")["response"]["max_output_tokens"] == 100
    for event in client.events:
        judge_beta_server_event(event)
