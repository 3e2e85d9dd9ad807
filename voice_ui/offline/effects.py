"""What is wanted besides sending events; `connection` does it, and answers the engine with inputs. Pure.

The engine wants the first six. The others are how a fault looks on the wire, see `faults`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Listen:
    """Begin to recognise one utterance; its words belong to this item and to no other."""

    item_id: str


@dataclass(frozen=True)
class Feed:
    """More of an utterance."""

    item_id: str
    pcm: bytes


@dataclass(frozen=True)
class Finish:
    """The utterance is whole: answer with `Engine.heard` or `Engine.transcription_failed`."""

    item_id: str


@dataclass(frozen=True)
class Cancel:
    """Nobody will ask what was said in this utterance."""

    item_id: str


@dataclass(frozen=True)
class TickAfter:
    """Call `Engine.tick` with this response after so many seconds."""

    response_id: str
    seconds: float


@dataclass(frozen=True)
class Close:
    """Close the connection, after everything before it was sent."""

    code: int
    reason: str


@dataclass(frozen=True)
class Abort:
    """Drop the connection without a word."""


@dataclass(frozen=True)
class Freeze:
    """Neither read nor write any more, and leave the connection open."""


@dataclass(frozen=True)
class Pause:
    """Send what follows so many seconds later."""

    seconds: float


@dataclass(frozen=True)
class SendRaw:
    """Send what need not be an event."""

    message: str | bytes


Effect = Listen | Feed | Finish | Cancel | TickAfter | Close | Abort | Freeze | Pause | SendRaw
