"""The client events we send, built under their wire names. Pure.

Every field is one the dialect knows: a server drops a whole `session.update` for a single unknown one (openai 3.54,
types/realtime/realtime_client_event.py and types/beta/realtime/realtime_client_event.py, and what they unite).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voice_ui import audio, models
from voice_ui.protocol.dialect import Dialect

ClientEvent = dict[str, Any]
"""One client event, ready to be written as JSON."""


@dataclass(frozen=True)
class SessionConfig:
    """What we ask of a session; audio in is always our one PCM format, replies are always text."""

    instructions: str
    turn_detection: str = "server_vad"
    """server_vad, semantic_vad or none."""
    threshold: float = 0.5
    """How loud speech must be for `server_vad`, from 0 to 1; the documented default."""
    eagerness: str = "auto"
    """How soon `semantic_vad` takes a pause for the end: low, medium, high; auto is medium."""
    silence_ms: int = 500
    """Silence that ends a turn of `server_vad`; the documented default, the live one is shorter (200 ms)."""
    transcription_model: str | None = None
    language: str | None = None
    """ISO 639-1 code of what is spoken, None to let the model find out."""
    reasoning_effort: str | None = None
    """Only for models that reason: the others refuse the whole update for it."""


def session_update(config: SessionConfig, event_id: str, dialect: Dialect = Dialect.GA) -> ClientEvent:
    """Ask for `config`, with every value said: the documented defaults are not the live ones."""
    session = _ga_session(config) if dialect is Dialect.GA else _beta_session(config)
    return {"type": "session.update", "event_id": event_id, "session": session}


def _ga_session(config: SessionConfig) -> dict[str, Any]:
    audio_input: dict[str, Any] = {
        "format": {"type": "audio/pcm", "rate": audio.SAMPLE_RATE},
        "transcription": _transcription(config, config.transcription_model),
        "turn_detection": _turn_detection(config, {"prefix_padding_ms": 300}),
    }
    session: dict[str, Any] = {
        "type": "realtime",
        "output_modalities": ["text"],
        "instructions": config.instructions,
        "audio": {"input": audio_input},
    }
    if config.reasoning_effort:
        session["reasoning"] = {"effort": config.reasoning_effort}
    return session


def _beta_session(config: SessionConfig) -> dict[str, Any]:
    """The audio format is left at its default, our own: Speaches refuses to be told it, or the prefix padding."""
    model = config.transcription_model
    if model == models.DEFAULT_TRANSCRIPTION:
        model = models.BETA_TRANSCRIPTION
    return {
        "modalities": ["text"],
        "instructions": config.instructions,
        "input_audio_transcription": _transcription(config, model),
        "turn_detection": _turn_detection(config, {}),
    }


def _transcription(config: SessionConfig, model: str | None) -> dict[str, str] | None:
    if not model:
        return None
    language = {"language": config.language} if config.language else {}
    return {"model": model, **language}


def _turn_detection(config: SessionConfig, more: dict[str, float]) -> dict[str, Any] | None:
    if config.turn_detection == "none":
        return None
    replies = {"create_response": True, "interrupt_response": True}
    if config.turn_detection == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": config.eagerness, **replies}
    vad = {"type": "server_vad", "threshold": config.threshold, "silence_duration_ms": config.silence_ms}
    return vad | more | replies


def input_audio_buffer_append(pcm: bytes) -> ClientEvent:
    """Hand over PCM; there is no answer to it."""
    return {"type": "input_audio_buffer.append", "audio": audio.encode(pcm)}


def input_audio_buffer_commit(event_id: str) -> ClientEvent:
    """End the turn by hand; an error with under 100 ms in the buffer, and of no use where the server detects turns."""
    return {"type": "input_audio_buffer.commit", "event_id": event_id}


def input_audio_buffer_clear(event_id: str) -> ClientEvent:
    """Forget the sound that is part of no turn yet."""
    return {"type": "input_audio_buffer.clear", "event_id": event_id}


def response_create(event_id: str) -> ClientEvent:
    """Ask for a reply; an error while one is being written."""
    return {"type": "response.create", "event_id": event_id}


def response_cancel(event_id: str) -> ClientEvent:
    """Stop the reply being written; an error if there is none, which may be ignored."""
    return {"type": "response.cancel", "event_id": event_id}


def conversation_item_create(
    item_id: str, role: str, text: str, event_id: str, dialect: Dialect = Dialect.GA
) -> ClientEvent:
    """Add a written message at the end of the conversation: typed by the user, or carried over from before.

    `role` is user or assistant.
    """
    written = "output_text" if dialect is Dialect.GA else "text"
    content = {"type": "input_text" if role == "user" else written, "text": text}
    item = {"id": item_id, "type": "message", "role": role, "content": [content]}
    return {"type": "conversation.item.create", "event_id": event_id, "item": item}
