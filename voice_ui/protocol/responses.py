"""The events from `response.created` to `response.done`; part of `server`. Pure."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar, Self

from voice_ui.protocol.items import Part, WireItem
from voice_ui.protocol.names import Dialect
from voice_ui.protocol.reading import Event, array, mapping, text, text_or_none


class ResponseCreated(Event):
    type: ClassVar[str] = "response.created"
    response_id: str
    settings: dict[str, Any] = field(default_factory=dict, compare=False)
    """What else a server writes about the response; not read."""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        start = {"object": "realtime.response", "id": self.response_id, "status": "in_progress"}
        rest: dict[str, Any] = {"status_details": None, "output": [], "usage": None}
        return {"type": self.type, "response": start | rest | self.settings}

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        return cls(text(mapping(wire.get("response")).get("id")))


class OutputItemAdded(Event):
    type: ClassVar[str] = "response.output_item.added"
    response_id: str
    item: WireItem
    output_index: int = 0


class OutputItemDone(Event):
    type: ClassVar[str] = "response.output_item.done"
    response_id: str
    item: WireItem
    output_index: int = 0


class ContentPartAdded(Event):
    type: ClassVar[str] = "response.content_part.added"
    response_id: str
    item_id: str
    part: Part
    content_index: int = 0
    output_index: int = 0

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        # Both dialects say text and audio here.
        return super().to_wire(dialect) | {"part": self.part.to_wire(Dialect.BETA)}


class ContentPartDone(ContentPartAdded):
    type: ClassVar[str] = "response.content_part.done"


class _PartDelta(Event):
    """More of one content part."""

    response_id: str
    item_id: str
    content_index: int
    delta: str
    output_index: int = 0

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """As everywhere; the usual case is written out and kept cheap, because most events are of this kind."""
        get = wire.get
        response_id, item_id, delta = get("response_id"), get("item_id"), get("delta")
        if not type(response_id) is type(item_id) is type(delta) is str or not get("content_index") == 0 == get(
            "output_index"
        ):
            return super().from_wire(wire)
        event = object.__new__(cls)
        event.__dict__.update(response_id=response_id, item_id=item_id, content_index=0, delta=delta, output_index=0)
        return event


class ReplyTextDelta(_PartDelta):
    """More of a written reply, or of the transcript of a spoken one.

    Half an emoji at either end of `delta` is a lone surrogate; the other half is in the next delta.
    """


class OutputTextDelta(ReplyTextDelta):
    type: ClassVar[str] = "response.output_text.delta"


class OutputAudioTranscriptDelta(ReplyTextDelta):
    type: ClassVar[str] = "response.output_audio_transcript.delta"


class ReplyTextDone(Event):
    """The whole text of one content part, whatever deltas came before."""

    field_name: ClassVar[str] = "text"
    response_id: str
    item_id: str
    content_index: int
    text: str
    output_index: int = 0

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        wire = super().to_wire(dialect)
        wire[self.field_name] = wire.pop("text")
        return wire

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        return super().from_wire(wire | {"text": wire.get(cls.field_name)})


class OutputTextDone(ReplyTextDone):
    type: ClassVar[str] = "response.output_text.done"


class OutputAudioTranscriptDone(ReplyTextDone):
    type: ClassVar[str] = "response.output_audio_transcript.done"
    field_name: ClassVar[str] = "transcript"


class AudioDelta(_PartDelta):
    """Base64 PCM of a spoken reply."""

    type: ClassVar[str] = "response.output_audio.delta"


class AudioDone(Event):
    type: ClassVar[str] = "response.output_audio.done"
    response_id: str
    item_id: str
    content_index: int = 0
    output_index: int = 0


class FunctionCallArgumentsDelta(Event):
    type: ClassVar[str] = "response.function_call_arguments.delta"
    response_id: str
    item_id: str
    call_id: str
    delta: str
    output_index: int = 0


class FunctionCallArgumentsDone(Event):
    type: ClassVar[str] = "response.function_call_arguments.done"
    response_id: str
    item_id: str
    call_id: str
    name: str
    arguments: str
    output_index: int = 0


ENDINGS = ("completed", "cancelled", "incomplete", "failed")


class ResponseDone(Event):
    type: ClassVar[str] = "response.done"
    response_id: str
    status: str = "completed"
    """One of `ENDINGS`. A response that is over is not `in_progress`, whatever a server writes."""
    reason: str | None = None
    """cancelled: turn_detected, client_cancelled; incomplete: max_output_tokens, content_filter"""
    error_code: str | None = None
    error_type: str | None = None
    message: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    output: tuple[WireItem, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict, compare=False)
    """What else a server writes about the response; not read."""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        details: dict[str, Any] = {"type": self.status}
        if self.reason:
            details["reason"] = self.reason
        if self.error_code or self.error_type or self.message:
            message = {"message": self.message} if self.message else {}
            details["error"] = {"type": self.error_type, "code": self.error_code, **message}
        response = {
            "object": "realtime.response",
            "id": self.response_id,
            "status": self.status,
            "status_details": details if len(details) > 1 else None,
            "output": [item.to_wire(dialect) for item in self.output],
            "usage": self.usage or None,
        }
        return {"type": self.type, "response": response | self.settings}

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        response = mapping(wire.get("response"))
        details = mapping(response.get("status_details"))
        error = mapping(details.get("error"))
        return cls(
            text(response.get("id")),
            status if (status := response.get("status")) in ENDINGS else cls.status,
            text_or_none(details.get("reason")),
            text_or_none(error.get("code")),
            text_or_none(error.get("type")),
            text(error.get("message")),
            # xAI counts beside the response, not in it.
            mapping(response.get("usage")) or mapping(wire.get("usage")),
            tuple(WireItem.from_wire(item) for item in array(response.get("output")) if isinstance(item, dict)),
        )
