"""What the stream holds: audio, and marks between it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from voice_ui.images import Image

SHORTEST_TURN_MS = 100.0
"""Servers refuse to commit less (protocol facts, section 3)."""


@dataclass(slots=True, eq=False)
class StreamEntry:
    """Anything in the stream."""

    end_ms: float = field(default=0.0, kw_only=True)
    """The place where it ends, in the audio of the current connection; 0 until it is sent."""


@dataclass(slots=True, eq=False)
class Audio(StreamEntry):
    """PCM at the wire's rate."""

    pcm: bytes
    captured: float
    """When its last sample came in, in seconds of the session's clock."""
    duration_ms: float
    quiet: bool = False
    """Nobody speaks in it."""
    attempts: int = 0
    """How many connections had begun to reply to it."""
    sent: float = 0.0
    """When it was sent over the current connection, in seconds of the session's clock."""


@dataclass(slots=True, eq=False)
class EndOfPress(StreamEntry):
    """The microphone was closed here."""


@dataclass(slots=True, eq=False)
class Clear(StreamEntry):
    """What was said so far is part of no turn from here on: turns end in another way."""


@dataclass(slots=True, eq=False)
class Ask(StreamEntry):
    """Something that awaits a reply."""

    attempts: int = field(default=0, kw_only=True)
    """How many connections were asked for the reply."""


@dataclass(slots=True, eq=False)
class Commit(Ask):
    """A manual end of a turn."""

    wants_reply: bool = True


@dataclass(slots=True, eq=False)
class Message(Ask):
    """A typed or transcribed turn."""

    item_id: str
    text: str
    image: Image | None = None
    wants_reply: bool = True


@dataclass(slots=True, eq=False)
class Outputs(Ask):
    """What tools returned to the calls of one response."""

    item_id: str
    """Of the last of these calls."""
    outputs: tuple[tuple[str, str], ...]
    """The id of each call, and what the model is told."""
    wants_reply: bool = True
