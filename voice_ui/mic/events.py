"""What the microphone tells: plain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StopReason = Literal["asked", "failed", "device-lost", "server-lost", "reloaded"]
"""`failed` and `device-lost` follow a problem; `server-lost`: a minute without us; `reloaded`: the page began anew."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """20 ms of sound; less at the end of a capture."""

    pcm: bytes
    """16-bit little-endian, mono."""
    rate: int
    """Hertz."""
    seq: int
    """Grows; the microphone's other events count too, so it may skip."""


@dataclass(frozen=True)
class Started:
    """Sound comes in."""

    rate: int
    """Hertz; the one asked for, or the device's own where the browser refuses another."""
    device: str
    """The browser's name for the microphone; may be empty."""


@dataclass(frozen=True)
class Stopped:
    """The device was let go, or never had."""

    reason: StopReason


@dataclass(frozen=True)
class Device:
    """A microphone there is."""

    id: str
    label: str
    """The browser's name for it; empty before the first capture."""
    in_use: bool


@dataclass(frozen=True)
class MicProblem:
    """Something is wrong; if it ends the capture, `Stopped` follows. `on_cured` takes it back by its code."""

    code: str
    detail: str = ""
    """The browser's words."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For `mic-gap`: `seconds` of sound that could not be kept while the page had no server."""
