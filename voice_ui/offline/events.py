"""The server events, built under their wire names; the engine stamps the `event_id`. Pure.

Shapes and order: openai 3.54, types/realtime/realtime_server_event.py, and dated captures of the live service.
"""

from __future__ import annotations

from typing import Any

from voice_ui.offline.checks import Rejected
from voice_ui.offline.items import Item

ServerEvent = dict[str, Any]
"""One server event, ready to be written as JSON."""


def session_created(session: dict[str, Any]) -> ServerEvent:
    """The first word on every connection."""
    return {"type": "session.created", "session": session}


def session_updated(session: dict[str, Any]) -> ServerEvent:
    """The whole effective session, after a change was accepted."""
    return {"type": "session.updated", "session": session}


def error(refusal: Rejected, event_id: str | None, kind: str = "invalid_request_error") -> ServerEvent:
    """A client event was not accepted; `event_id` is the client's own, where it had one."""
    told = {"code": refusal.code, "message": refusal.message, "param": refusal.param, "event_id": event_id}
    return {"type": "error", "error": {"type": kind, **told}}


def speech_started(item_id: str, audio_start_ms: int) -> ServerEvent:
    """Somebody speaks; what they say will be this item."""
    return {"type": "input_audio_buffer.speech_started", "audio_start_ms": audio_start_ms, "item_id": item_id}


def speech_stopped(item_id: str, audio_end_ms: int) -> ServerEvent:
    """They were silent for as long as ends a turn."""
    return {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": audio_end_ms, "item_id": item_id}


def timeout_triggered(item_id: str, audio_start_ms: int, audio_end_ms: int) -> ServerEvent:
    """Nobody spoke for `idle_timeout_ms` after the last reply."""
    span = {"audio_start_ms": audio_start_ms, "audio_end_ms": audio_end_ms}
    return {"type": "input_audio_buffer.timeout_triggered", **span, "item_id": item_id}


def committed(item_id: str, previous_item_id: str | None) -> ServerEvent:
    """The buffered audio became an item."""
    return {"type": "input_audio_buffer.committed", "previous_item_id": previous_item_id, "item_id": item_id}


def cleared() -> ServerEvent:
    """The buffered audio was thrown away."""
    return {"type": "input_audio_buffer.cleared"}


def item_added(item: Item, previous_item_id: str | None) -> ServerEvent:
    """An item is in the conversation, perhaps still being written."""
    return {"type": "conversation.item.added", "previous_item_id": previous_item_id, "item": item.wire()}


def item_done(item: Item, previous_item_id: str | None) -> ServerEvent:
    """An item is whole."""
    return {"type": "conversation.item.done", "previous_item_id": previous_item_id, "item": item.wire()}


def item_retrieved(item: Item) -> ServerEvent:
    """The item a client asked for."""
    return {"type": "conversation.item.retrieved", "item": item.wire()}


def item_deleted(item_id: str) -> ServerEvent:
    """An item is gone."""
    return {"type": "conversation.item.deleted", "item_id": item_id}


def item_truncated(item_id: str, content_index: int, audio_end_ms: int) -> ServerEvent:
    """A spoken reply was cut to what had been played of it."""
    cut = {"content_index": content_index, "audio_end_ms": audio_end_ms}
    return {"type": "conversation.item.truncated", "item_id": item_id, **cut}


_TRANSCRIPTION = "conversation.item.input_audio_transcription"


def transcription_delta(item_id: str, delta: str) -> ServerEvent:
    """Words that were heard."""
    return {"type": f"{_TRANSCRIPTION}.delta", "item_id": item_id, "content_index": 0, "delta": delta}


def transcription_completed(item_id: str, transcript: str, usage: dict[str, Any]) -> ServerEvent:
    """All that was heard."""
    heard = {"content_index": 0, "transcript": transcript, "usage": usage}
    return {"type": f"{_TRANSCRIPTION}.completed", "item_id": item_id, **heard}


def transcription_failed(item_id: str, message: str) -> ServerEvent:
    """Somebody spoke, but nobody can say what."""
    told = {"type": "server_error", "code": None, "message": message, "param": None}
    return {"type": f"{_TRANSCRIPTION}.failed", "item_id": item_id, "content_index": 0, "error": told}


def rate_limits_updated(rate_limits: list[dict[str, Any]]) -> ServerEvent:
    """What is left of an allowance, after each response."""
    return {"type": "rate_limits.updated", "rate_limits": rate_limits}


def response_created(response: dict[str, Any]) -> ServerEvent:
    """A reply is on its way."""
    return {"type": "response.created", "response": response}


def response_done(response: dict[str, Any]) -> ServerEvent:
    """A reply is over, whatever became of it."""
    return {"type": "response.done", "response": response}


def output_item_added(response_id: str, item: Item) -> ServerEvent:
    """The reply's one item begins."""
    return {"type": "response.output_item.added", "response_id": response_id, "output_index": 0, "item": item.wire()}


def output_item_done(response_id: str, item: Item) -> ServerEvent:
    """The reply's one item is whole."""
    return {"type": "response.output_item.done", "response_id": response_id, "output_index": 0, "item": item.wire()}


def content_part_added(place: dict[str, Any], part: dict[str, Any]) -> ServerEvent:
    """The item's one content part begins."""
    return {"type": "response.content_part.added", **place, "part": part}


def content_part_done(place: dict[str, Any], part: dict[str, Any]) -> ServerEvent:
    """The item's one content part is whole."""
    return {"type": "response.content_part.done", **place, "part": part}


def output_text_delta(place: dict[str, Any], delta: str) -> ServerEvent:
    """More of a written reply."""
    return {"type": "response.output_text.delta", **place, "delta": delta}


def output_text_done(place: dict[str, Any], text: str) -> ServerEvent:
    """The whole of a written reply."""
    return {"type": "response.output_text.done", **place, "text": text}


def output_audio_transcript_delta(place: dict[str, Any], delta: str) -> ServerEvent:
    """More of the words of a reply that should be spoken."""
    return {"type": "response.output_audio_transcript.delta", **place, "delta": delta}


def output_audio_transcript_done(place: dict[str, Any], transcript: str) -> ServerEvent:
    """All words of a reply that should be spoken."""
    return {"type": "response.output_audio_transcript.done", **place, "transcript": transcript}


def output_audio_done(place: dict[str, Any]) -> ServerEvent:
    """There is no more sound; from this server there never was any."""
    return {"type": "response.output_audio.done", **place}
