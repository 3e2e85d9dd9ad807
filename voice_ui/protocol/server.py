"""The server events we understand, one frozen dataclass each, and `parse()` from the wire. Pure.

Shapes: openai 3.54, types/realtime/realtime_server_event.py. Fields we have no use for are left on the wire. What we
do not know is `Unknown`, what cannot be read is `Malformed`: values, never exceptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson


@dataclass(frozen=True)
class SessionCreated:
    session: dict[str, Any]


@dataclass(frozen=True)
class SessionUpdated:
    session: dict[str, Any]


@dataclass(frozen=True)
class SpeechStarted:
    item_id: str
    audio_start_ms: int
    """Of all audio appended in this session; the prefix padding is included."""


@dataclass(frozen=True)
class SpeechStopped:
    item_id: str
    audio_end_ms: int
    """Of all audio appended in this session; the silence that ended the turn is included."""


@dataclass(frozen=True)
class Committed:
    item_id: str


@dataclass(frozen=True)
class ItemAdded:
    item_id: str
    role: str
    """user, assistant, system; empty for an item that is not a message."""
    text: str
    """The written content there is so far, or the transcript of spoken content."""
    previous_item_id: str | None


@dataclass(frozen=True)
class ItemDeleted:
    item_id: str


@dataclass(frozen=True)
class TranscriptionDelta:
    item_id: str
    delta: str


@dataclass(frozen=True)
class TranscriptionCompleted:
    item_id: str
    transcript: str


@dataclass(frozen=True)
class TranscriptionFailed:
    item_id: str
    code: str | None
    message: str


@dataclass(frozen=True)
class ResponseCreated:
    response_id: str


@dataclass(frozen=True)
class TextDelta:
    """`response.output_text.delta`; a spoken reply's transcript, where a server insists on speaking, is the same."""

    response_id: str
    item_id: str
    delta: str


@dataclass(frozen=True)
class TextDone:
    """The whole text of one content part, whatever deltas came before."""

    response_id: str
    item_id: str
    text: str


@dataclass(frozen=True)
class ResponseDone:
    response_id: str
    status: str
    """completed, cancelled, incomplete, failed"""
    reason: str | None = None
    """cancelled: turn_detected, client_cancelled; incomplete: max_output_tokens, content_filter"""
    error_code: str | None = None
    error_type: str | None = None
    message: str = ""
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ErrorEvent:
    """`error`: alone it is not fatal; it is if the server closes right after it."""

    type: str
    code: str | None
    message: str
    param: str | None
    event_id: str | None
    """Of the client event that caused it, where it had one."""


@dataclass(frozen=True)
class Unknown:
    """An event we have no use for: counted, never fatal."""

    type: str


@dataclass(frozen=True)
class Malformed:
    """Not an event at all, or one that lacks what its type promises."""

    reason: str


ServerEvent = (
    SessionCreated
    | SessionUpdated
    | SpeechStarted
    | SpeechStopped
    | Committed
    | ItemAdded
    | ItemDeleted
    | TranscriptionDelta
    | TranscriptionCompleted
    | TranscriptionFailed
    | ResponseCreated
    | TextDelta
    | TextDone
    | ResponseDone
    | ErrorEvent
    | Unknown
    | Malformed
)

_BETA_NAMES = {
    "conversation.item.created": "conversation.item.added",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
}


def parse(message: str | bytes) -> ServerEvent:
    """Return what one message of the server says; raises nothing."""
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        return Malformed("not JSON")
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return Malformed("not an event: it has no type")
    name: str = event["type"]
    try:
        return _read(_BETA_NAMES.get(name, name), event)
    except _Missing as missing:
        return Malformed(f"{name[:80]} without a usable {missing}")


def _read(name: str, e: dict[str, Any]) -> ServerEvent:
    match name:
        case "response.output_text.delta" | "response.output_audio_transcript.delta":
            return TextDelta(_get(e, "response_id", str), _get(e, "item_id", str), _get(e, "delta", str))
        case "response.output_text.done":
            return TextDone(_get(e, "response_id", str), _get(e, "item_id", str), _get(e, "text", str))
        case "response.output_audio_transcript.done":
            return TextDone(_get(e, "response_id", str), _get(e, "item_id", str), _get(e, "transcript", str))
        case "session.created":
            return SessionCreated(_get(e, "session", dict))
        case "session.updated":
            return SessionUpdated(_get(e, "session", dict))
        case "input_audio_buffer.speech_started":
            return SpeechStarted(_get(e, "item_id", str), _get(e, "audio_start_ms", int))
        case "input_audio_buffer.speech_stopped":
            return SpeechStopped(_get(e, "item_id", str), _get(e, "audio_end_ms", int))
        case "input_audio_buffer.committed":
            return Committed(_get(e, "item_id", str))
        case "conversation.item.added":
            return _item_added(_get(e, "item", dict), _maybe(e, "previous_item_id", str))
        case "conversation.item.deleted":
            return ItemDeleted(_get(e, "item_id", str))
        case "conversation.item.input_audio_transcription.delta":
            return TranscriptionDelta(_get(e, "item_id", str), _maybe(e, "delta", str) or "")
        case "conversation.item.input_audio_transcription.completed":
            return TranscriptionCompleted(_get(e, "item_id", str), _get(e, "transcript", str))
        case "conversation.item.input_audio_transcription.failed":
            error = _maybe(e, "error", dict) or {}
            return TranscriptionFailed(
                _get(e, "item_id", str), _maybe(error, "code", str), _maybe(error, "message", str) or ""
            )
        case "response.created":
            return ResponseCreated(_get(_get(e, "response", dict), "id", str))
        case "response.done":
            return _response_done(_get(e, "response", dict))
        case "error":
            return _error(_get(e, "error", dict))
        case _:
            return Unknown(name)


def _item_added(item: dict[str, Any], previous_item_id: str | None) -> ItemAdded:
    parts = [part for part in _maybe(item, "content", list) or [] if isinstance(part, dict)]
    words = [_maybe(part, "text", str) or _maybe(part, "transcript", str) or "" for part in parts]
    return ItemAdded(_get(item, "id", str), _maybe(item, "role", str) or "", "".join(words), previous_item_id)


def _response_done(response: dict[str, Any]) -> ResponseDone:
    details = _maybe(response, "status_details", dict) or {}
    error = _maybe(details, "error", dict) or {}
    return ResponseDone(
        _get(response, "id", str),
        _get(response, "status", str),
        _maybe(details, "reason", str),
        _maybe(error, "code", str),
        _maybe(error, "type", str),
        _maybe(error, "message", str) or "",
        _maybe(response, "usage", dict) or {},
    )


def _error(error: dict[str, Any]) -> ErrorEvent:
    return ErrorEvent(
        _maybe(error, "type", str) or "error",
        _maybe(error, "code", str),
        _maybe(error, "message", str) or "",
        _maybe(error, "param", str),
        _maybe(error, "event_id", str),
    )


class _Missing(Exception):
    """A field that an event of this type must have is absent or of another type."""


_T = TypeVar("_T")


def _get(event: dict[str, Any], name: str, kind: type[_T]) -> _T:
    value = event.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _Missing(name)
    return value


def _maybe(event: dict[str, Any], name: str, kind: type[_T]) -> _T | None:
    value = event.get(name)
    return value if isinstance(value, kind) else None
