"""Items of a conversation as events carry them: messages, calls of tools and their outputs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voice_ui.protocol.names import GA_PARTS, Dialect, part_name
from voice_ui.protocol.reading import READERS, array, mapping, text, text_or_none, well_formed


@dataclass(frozen=True)
class Part:
    """One content part of a message."""

    type: str
    """input_text, input_audio, output_text or output_audio; the GA names in both dialects."""
    text: str = ""
    transcript: str | None = None
    """Of a spoken part; None while it is not known."""
    audio: str | None = None
    """Base64 PCM, which only a client sends along."""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        wire: dict[str, Any] = {"type": part_name(self.type, dialect)}
        if self.type.endswith("_audio"):
            wire["transcript"] = None if self.transcript is None else well_formed(self.transcript)
        else:
            wire["text"] = well_formed(self.text)
        return wire if self.audio is None else wire | {"audio": self.audio}

    @classmethod
    def from_wire(cls, wire: Any) -> Part:
        """Return what a JSON object says; raises nothing."""
        part = mapping(wire)
        type = text(part.get("type"))
        transcript, sound = text_or_none(part.get("transcript")), text_or_none(part.get("audio"))
        return cls(GA_PARTS.get(type, type), text(part.get("text")), transcript, sound)


@dataclass(frozen=True)
class WireItem:
    """One item of a conversation; fields that its type does not have are empty."""

    id: str = ""
    type: str = "message"
    """message, function_call, function_call_output, mcp_list_tools, mcp_call, mcp_approval_request,
    mcp_approval_response, or another that we do not know."""
    role: str = ""
    """user, assistant or system."""
    status: str = ""
    """in_progress, completed or incomplete."""
    content: tuple[Part, ...] = ()
    phase: str | None = None
    """commentary or final_answer, from models that answer in several items."""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""
    server_label: str = ""
    """Of a hosted tool: the MCP server that has it."""
    tools: tuple[str, ...] = ()
    """The names of the tools that an MCP server has, in mcp_list_tools."""
    approval_request_id: str = ""
    approve: bool | None = None
    error: str | None = None
    """Why a hosted call failed."""

    @property
    def text(self) -> str:
        """The written text or the transcript of all parts."""
        return "".join(part.text or part.transcript or "" for part in self.content)

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        given = {"id": self.id, "status": self.status, "role": self.role, "phase": self.phase, "call_id": self.call_id}
        wire: dict[str, Any] = {"type": self.type} | {name: value for name, value in given.items() if value}
        match self.type:
            case "message":
                wire["content"] = [part.to_wire(dialect) for part in self.content]
            case "function_call":
                wire |= {"name": self.name, "arguments": self.arguments}
            case "function_call_output":
                wire["output"] = well_formed(self.output)
            case "mcp_approval_response":
                wire |= {"approval_request_id": self.approval_request_id, "approve": bool(self.approve)}
        return wire

    @classmethod
    def from_wire(cls, wire: Any) -> WireItem:
        """Return what a JSON object says; raises nothing."""
        item = mapping(wire)
        return cls(
            id=text(item.get("id")),
            type=text(item.get("type")) or "message",
            role=text(item.get("role")),
            status=text(item.get("status")),
            content=tuple(Part.from_wire(part) for part in array(item.get("content")) if isinstance(part, dict)),
            phase=text_or_none(item.get("phase")),
            call_id=text(item.get("call_id")),
            name=text(item.get("name")),
            arguments=text(item.get("arguments")),
            output=text(item.get("output")),
            server_label=text(item.get("server_label")),
            tools=tuple(text(tool.get("name")) for tool in array(item.get("tools")) if isinstance(tool, dict)),
            approval_request_id=text(item.get("approval_request_id")),
            approve=item.get("approve") if isinstance(item.get("approve"), bool) else None,
            error=_error(item.get("error")),
        )


def _error(error: Any) -> str | None:
    if error is None:
        return None
    return text(error) or text(mapping(error).get("message")) or text(mapping(error).get("type")) or "failed"


READERS["WireItem"] = WireItem.from_wire
READERS["Part"] = Part.from_wire
