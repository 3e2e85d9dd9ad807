"""What the speaker reports: plain values. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Output:
    """One of the output devices the browser knows."""

    id: str
    label: str
    """The browser's name for it; empty before the first use of the microphone."""
    in_use: bool


@dataclass(frozen=True)
class SpeakerProblem:
    """Nothing can be heard. `on_cured` names its code once it is over."""

    code: str
    detail: str = ""
    """The browser's words."""
