"""The events a server sends, one frozen dataclass each, and `parse()` from the wire. Pure.

Shapes: openai 3.57, types/realtime/realtime_server_event.py. Reading is lenient: a missing or odd field gets its
default, an event without a class is `Unknown`, what is no event at all is `Malformed`; nothing raises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import orjson

from voice_ui.protocol.items import WireItem
from voice_ui.protocol.lenient_json import loads
from voice_ui.protocol.names import Dialect, event_name
from voice_ui.protocol.reading import Event, mapping, text, text_or_none
from voice_ui.protocol.responses import (
    AudioDelta as AudioDelta,
    AudioDone as AudioDone,
    ContentPartAdded as ContentPartAdded,
    ContentPartDone as ContentPartDone,
    FunctionCallArgumentsDelta as FunctionCallArgumentsDelta,
    FunctionCallArgumentsDone as FunctionCallArgumentsDone,
    OutputAudioTranscriptDelta as OutputAudioTranscriptDelta,
    OutputAudioTranscriptDone as OutputAudioTranscriptDone,
    OutputItemAdded as OutputItemAdded,
    OutputItemDone as OutputItemDone,
    OutputTextDelta as OutputTextDelta,
    OutputTextDone as OutputTextDone,
    ReplyTextDelta as ReplyTextDelta,
    ReplyTextDone as ReplyTextDone,
    ResponseCreated as ResponseCreated,
    ResponseDone as ResponseDone,
)

NAME_LENGTH = 80
"""Of the type of an event we do not know: enough to recognise it by."""


class SessionCreated(Event):
    type: ClassVar[str] = "session.created"
    session: dict[str, Any]


class SessionUpdated(Event):
    type: ClassVar[str] = "session.updated"
    session: dict[str, Any]


class SpeechStarted(Event):
    type: ClassVar[str] = "input_audio_buffer.speech_started"
    item_id: str
    audio_start_ms: float | None = None
    """Of all audio appended in this session; the prefix padding is included."""


class SpeechStopped(Event):
    type: ClassVar[str] = "input_audio_buffer.speech_stopped"
    item_id: str
    audio_end_ms: float | None = None
    """Of all audio appended in this session; the silence that ended the turn is included."""


class TimeoutTriggered(Event):
    """Nobody spoke for `idle_timeout_ms`."""

    type: ClassVar[str] = "input_audio_buffer.timeout_triggered"
    item_id: str
    audio_start_ms: float | None = None
    audio_end_ms: float | None = None


class Committed(Event):
    type: ClassVar[str] = "input_audio_buffer.committed"
    item_id: str
    previous_item_id: str | None = None


class Cleared(Event):
    type: ClassVar[str] = "input_audio_buffer.cleared"


class ItemAdded(Event):
    """An item is in the conversation, perhaps still being written."""

    type: ClassVar[str] = "conversation.item.added"
    item: WireItem
    previous_item_id: str | None = None


class ItemDone(Event):
    type: ClassVar[str] = "conversation.item.done"
    item: WireItem
    previous_item_id: str | None = None


class McpListToolsFailed(Event):
    """A hosted MCP server did not say which tools it has."""

    type: ClassVar[str] = "mcp_list_tools.failed"
    item_id: str


class ItemRetrieved(Event):
    type: ClassVar[str] = "conversation.item.retrieved"
    item: WireItem


class ItemDeleted(Event):
    type: ClassVar[str] = "conversation.item.deleted"
    item_id: str


class ItemTruncated(Event):
    type: ClassVar[str] = "conversation.item.truncated"
    item_id: str
    content_index: int = 0
    audio_end_ms: float | None = None


class TranscriptionDelta(Event):
    type: ClassVar[str] = "conversation.item.input_audio_transcription.delta"
    constants = {"content_index": 0}
    item_id: str
    delta: str


class TranscriptionCompleted(Event):
    type: ClassVar[str] = "conversation.item.input_audio_transcription.completed"
    constants = {"content_index": 0}
    item_id: str
    transcript: str
    usage: dict[str, Any] = field(default_factory=dict)
    """`{"type": "duration", "seconds": …}` or `{"type": "tokens", …}`; billed apart from the responses."""


class TranscriptionFailed(Event):
    type: ClassVar[str] = "conversation.item.input_audio_transcription.failed"
    item_id: str
    code: str | None = None
    message: str = ""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        error = {"type": "server_error", "code": self.code, "message": self.message, "param": None}
        return {"type": self.type, "item_id": self.item_id, "content_index": 0, "error": error}

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        error = mapping(wire.get("error"))
        return cls(text(wire.get("item_id")), text_or_none(error.get("code")), text(error.get("message")))


class ErrorEvent(Event):
    """`error`: not fatal by itself; it is if the server closes right after it."""

    wire_type: ClassVar[str] = "error"
    type: str  # type: ignore[misc]  # the error's own: invalid_request_error, server_error, …
    code: str | None = None
    message: str = ""
    param: str | None = None
    event_id: str | None = None
    """Of the client event that caused it, where it had one."""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        error = {"type": self.type, "code": self.code, "message": self.message, "param": self.param}
        return {"type": self.wire_type, "error": error | {"event_id": self.event_id}}

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        error = mapping(wire.get("error"))
        get = error.get
        said = text(get("message")) or text(wire.get("error")) or text(wire.get("message"))
        code, param, event_id = (text_or_none(get(name)) for name in ("code", "param", "event_id"))
        return cls(text(get("type")) or cls.wire_type, code, said, param, event_id)


@dataclass(frozen=True)
class Unknown:
    """An event we have no use for: counted, never fatal."""

    type: str


@dataclass(frozen=True)
class Malformed:
    """Not an event at all."""

    reason: str


ServerEvent = Event | Unknown | Malformed


def _by_name() -> dict[str, type[Event]]:
    """Return every event class by its names in both dialects."""
    found: dict[str, type[Event]] = {ErrorEvent.wire_type: ErrorEvent}
    for kind in globals().values():
        if isinstance(kind, type) and issubclass(kind, Event) and (name := getattr(kind, "type", None)):
            found[name] = found[event_name(name, Dialect.BETA)] = kind
    return found


EVENT_CLASSES = _by_name()


def parse(message: str | bytes) -> ServerEvent:
    """Return what one message of the server says; raises nothing."""
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        event = loads(message)
    if not isinstance(event, dict) or not isinstance(name := event.get("type"), str):
        return Malformed("not JSON" if event is None else "not an event: it has no type")
    kind = EVENT_CLASSES.get(name)
    return kind.from_wire(event) if kind else Unknown(name[:NAME_LENGTH])
