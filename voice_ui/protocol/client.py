"""The events a client sends, one frozen dataclass each, and the strict `read()` for the practice server. Pure.

Shapes: openai 3.57, types/realtime/realtime_client_event.py. Every field is one the dialect knows: a server drops a
whole event for a single unknown one.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar, Self

from voice_ui.protocol.items import WireItem
from voice_ui.protocol.names import Dialect
from voice_ui.protocol.reading import Event, mapping, text_or_none
from voice_ui.protocol.rejected import Rejected as Rejected
from voice_ui.protocol.session import SessionConfig


class ClientEvent(Event):
    """An event whose fields are left out where they are None."""

    event_id: str | None = field(default=None, kw_only=True)

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        return {name: value for name, value in super().to_wire(dialect).items() if value is not None}


class SessionUpdate(ClientEvent):
    type: ClassVar[str] = "session.update"
    config: SessionConfig
    session: dict[str, Any] | None = field(default=None, compare=False)
    """As a client wrote it, where the event was read: only the fields in it change."""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        event_id = {"event_id": self.event_id} if self.event_id is not None else {}
        session = self.config.to_wire(dialect) if self.session is None else self.session
        return {"type": self.type, **event_id, "session": session}

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        session = mapping(wire.get("session"))
        return cls(SessionConfig.from_wire(session), session, event_id=text_or_none(wire.get("event_id")))


class InputAudioBufferAppend(ClientEvent):
    """There is no answer to it. Most events are of this kind, so it is made and written as cheaply as can be."""

    type: ClassVar[str] = "input_audio_buffer.append"
    audio: str
    """Base64 PCM."""

    def __init__(self, audio: str, *, event_id: str | None = None) -> None:
        self.__dict__["audio"] = audio
        if event_id is not None:
            self.__dict__["event_id"] = event_id

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        wire = {"type": self.type, "audio": self.audio}
        return wire if self.event_id is None else wire | {"event_id": self.event_id}


class InputAudioBufferCommit(ClientEvent):
    """Ends the turn by hand; an error with under 100 ms in the buffer, and of no use where the server detects turns."""

    type: ClassVar[str] = "input_audio_buffer.commit"


class InputAudioBufferClear(ClientEvent):
    """Drops the audio that is part of no turn yet."""

    type: ClassVar[str] = "input_audio_buffer.clear"


class ConversationItemCreate(ClientEvent):
    """Adds a message, or the output of a tool."""

    type: ClassVar[str] = "conversation.item.create"
    item: WireItem
    previous_item_id: str | None = None
    """"root" for the first place; None for the last."""


class ConversationItemDelete(ClientEvent):
    type: ClassVar[str] = "conversation.item.delete"
    item_id: str


class ConversationItemRetrieve(ClientEvent):
    type: ClassVar[str] = "conversation.item.retrieve"
    item_id: str


class ConversationItemTruncate(ClientEvent):
    """Cuts a spoken reply to what was played of it."""

    type: ClassVar[str] = "conversation.item.truncate"
    item_id: str
    content_index: int
    audio_end_ms: int


class ResponseCreate(ClientEvent):
    """Asks for a reply; an error while one is being written."""

    type: ClassVar[str] = "response.create"
    response: dict[str, Any] | None = None
    """Settings for this response only."""


class ResponseCancel(ClientEvent):
    """Stops the reply being written; an error if there is none, which may be ignored."""

    type: ClassVar[str] = "response.cancel"
    response_id: str | None = None


EVENT_CLASSES: dict[str, type[ClientEvent]] = {kind.type: kind for kind in ClientEvent.__subclasses__()}


def read(message: str | bytes) -> ClientEvent:
    """Return the event in one message of a client; raises Rejected, with the path of the field that is wrong."""
    from voice_ui.protocol import refusals  # loads pydantic, which only the practice server needs

    event = refusals.read(message)
    return EVENT_CLASSES[event["type"]].from_wire(event)
