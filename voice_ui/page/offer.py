"""What a tab has to offer: who answers, with which models, and how to get there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from voice_ui.errors import Problem
from voice_ui.protocol import SessionConfig
from voice_ui.session import Limits, Target


@dataclass(frozen=True)
class Offer:
    """Made by the app, for one tab."""

    server: str
    notice: str
    """What to say about the server before anybody speaks; empty if nothing."""
    model: str
    models: Sequence[str]
    """To choose from; empty if there is no choice."""
    config: SessionConfig
    """What holds while nothing else is chosen."""
    target: Callable[[str, SessionConfig], Target]
    """For a model."""
    check: Callable[[str], Awaitable[Problem | None]]
    """What is known against a model before anybody speaks."""
    limits: Limits
    controls: Callable[[], object] = lambda: None
    """Builds more of them into the header."""
