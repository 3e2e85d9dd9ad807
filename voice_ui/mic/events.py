"""What the microphone reports: plain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StopReason = Literal["asked", "failed", "device-lost", "server-lost", "reloaded"]
"""`failed` and `device-lost` follow a problem; `server-lost`: the page had no server for a minute; `reloaded`: the page
was loaded again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sound of 20 ms, or of `Mic.chunk_ms`; the last chunk of a capture is shorter."""

    pcm: bytes
    """16-bit little-endian, mono."""
    rate: int
    """Hertz."""
    seq: int
    """Grows by one for every 20 ms, and for each of the microphone's other events."""


@dataclass(frozen=True)
class Started:
    """The first sound has come in."""

    rate: int
    """Hertz; the requested rate, or the device's own if the browser refuses another."""
    device: str
    """The browser's name for the microphone; may be empty."""


@dataclass(frozen=True)
class Stopped:
    """The device was released, or was never opened."""

    reason: StopReason


@dataclass(frozen=True)
class Device:
    """One of the microphones the browser knows."""

    id: str
    label: str
    """The browser's name for it; empty before the first capture."""
    in_use: bool


@dataclass(frozen=True)
class MicProblem:
    """Something is wrong. If it ends the capture, `Stopped` follows; `on_cured` names its code once it is over."""

    code: str
    detail: str = ""
    """The browser's words."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For `mic-gap`: `seconds` of sound that could not be kept while the page had no server."""
