"""The realtime models that are known by name: which live, which are gone, and what each costs. Pure.

Read on 2026-11-23 from OpenAI's deprecations and pricing pages and the openai 3.54 SDK's types/realtime. A name that is
not here is not an error: it is tried as asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

TABLE_READ = date(2026, 11, 23)

DEFAULT = "gpt-realtime-2.1"
DEFAULT_TRANSCRIPTION = "gpt-live-transcribe"
BETA_TRANSCRIPTION = "whisper-1"
"""What servers of the beta dialect know."""

NOTICE = timedelta(days=60)
"""How long before its shutdown a model is spoken of."""


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens."""

    text_in: float
    text_cached: float
    text_out: float
    audio_in: float
    audio_cached: float
    audio_out: float


@dataclass(frozen=True)
class Model:
    """One known model; `shutdown` is the day OpenAI switches it off, or did."""

    name: str
    shutdown: date | None = None
    successor: str | None = None
    beta: bool = False
    """Whether it was made for the beta dialect; OpenAI shut all of these down, other servers may go by their names."""
    reasoning: bool = False
    """Whether it takes `reasoning.effort`; the others refuse the whole session.update for it."""
    prices: Prices | None = None

    def retired(self, today: date) -> bool:
        """Whether OpenAI has switched it off."""
        return self.shutdown is not None and self.shutdown <= today

    def retiring(self, today: date) -> bool:
        """Whether its shutdown is near enough to speak of."""
        return self.shutdown is not None and not self.retired(today) and self.shutdown - today <= NOTICE


_FULL = Prices(4.0, 0.4, 24.0, 32.0, 0.4, 64.0)
_MINI = Prices(0.6, 0.06, 2.4, 10.0, 0.3, 20.0)
_2_1, _MINI_2_1 = "gpt-realtime-2.1", "gpt-realtime-2.1-mini"
_MAY, _JANUARY = date(2026, 5, 7), date(2027, 1, 20)

_MODELS = (
    Model(_2_1, reasoning=True, prices=_FULL),
    Model(_MINI_2_1, reasoning=True, prices=_MINI),
    Model("gpt-realtime-2", reasoning=True),
    Model("gpt-realtime-1.5"),
    Model("gpt-realtime", _JANUARY, _2_1),
    Model("gpt-realtime-2025-08-28", _JANUARY, _2_1),
    Model("gpt-realtime-mini", _JANUARY, _MINI_2_1),
    Model("gpt-realtime-mini-2025-12-15", _JANUARY, _MINI_2_1),
    Model("gpt-realtime-mini-2025-10-06", date(2026, 7, 23), _MINI_2_1),
    Model("gpt-4o-realtime", _JANUARY, _2_1),
    Model("gpt-4o-mini-realtime", _JANUARY, _MINI_2_1),
    Model("gpt-4o-realtime-preview", _MAY, _2_1, beta=True),
    Model("gpt-4o-realtime-preview-2025-06-03", _MAY, _2_1, beta=True),
    Model("gpt-4o-realtime-preview-2024-12-17", _MAY, _2_1, beta=True),
    Model("gpt-4o-realtime-preview-2024-10-01", date(2025, 10, 10), _2_1, beta=True),
    Model("gpt-4o-mini-realtime-preview", _MAY, _MINI_2_1, beta=True),
    Model("gpt-4o-mini-realtime-preview-2024-12-17", _MAY, _MINI_2_1, beta=True),
)

MODELS = {model.name: model for model in _MODELS}


def known(name: str) -> Model:
    """Return what is known of the model of that name; nothing special if it is not in the table."""
    return MODELS.get(name) or Model(name)


def living(today: date) -> list[str]:
    """Return the names to choose from, the best first: neither retired nor about to be."""
    return [model.name for model in _MODELS if not model.retired(today) and not model.retiring(today)]
