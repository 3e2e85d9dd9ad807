"""The realtime models that are known by name: which live, which are gone, and what each can do. Pure.

Read on 2026-11-23 from OpenAI's deprecations page and the openai 3.54 SDK's types/realtime. A name that is not here
is not an error: it is tried as asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

DEFAULT = "gpt-realtime-2.1"
DEFAULT_TRANSCRIPTION = "gpt-live-transcribe"


@dataclass(frozen=True)
class Model:
    """One known model; `shutdown` is the day OpenAI switches it off, or did."""

    name: str
    reasoning: bool = False
    """Whether it takes `reasoning.effort`; the others refuse the whole session.update for it."""
    shutdown: date | None = None
    successor: str | None = None


_MODELS = (
    Model("gpt-realtime-2.1", reasoning=True),
    Model("gpt-realtime-2.1-mini", reasoning=True),
    Model("gpt-realtime-2", reasoning=True),
    Model("gpt-realtime-1.5"),
    Model("gpt-realtime", shutdown=date(2027, 1, 20), successor="gpt-realtime-2.1"),
    Model("gpt-realtime-2025-08-28", shutdown=date(2027, 1, 20), successor="gpt-realtime-2.1"),
    Model("gpt-realtime-mini", shutdown=date(2027, 1, 20), successor="gpt-realtime-2.1-mini"),
    Model("gpt-realtime-mini-2025-12-15", shutdown=date(2027, 1, 20), successor="gpt-realtime-2.1-mini"),
    Model("gpt-realtime-mini-2025-10-06", shutdown=date(2026, 7, 23), successor="gpt-realtime-2.1-mini"),
    Model("gpt-4o-realtime-preview", shutdown=date(2026, 5, 7), successor="gpt-realtime-2.1"),
    Model("gpt-4o-realtime-preview-2025-06-03", shutdown=date(2026, 5, 7), successor="gpt-realtime-2.1"),
    Model("gpt-4o-realtime-preview-2024-12-17", shutdown=date(2026, 5, 7), successor="gpt-realtime-2.1"),
    Model("gpt-4o-realtime-preview-2024-10-01", shutdown=date(2025, 10, 10), successor="gpt-realtime-2.1"),
    Model("gpt-4o-mini-realtime-preview", shutdown=date(2026, 5, 7), successor="gpt-realtime-2.1-mini"),
    Model("gpt-4o-mini-realtime-preview-2024-12-17", shutdown=date(2026, 5, 7), successor="gpt-realtime-2.1-mini"),
)

MODELS = {model.name: model for model in _MODELS}


def reasons(name: str) -> bool:
    """Tell whether the model of that name is known to take a reasoning effort."""
    return name in MODELS and MODELS[name].reasoning
