"""The realtime models that are known by name: which are supported, which are gone, and what each costs. Pure.

Read from OpenAI's deprecations, model and pricing pages and the openai SDK's types/realtime (3.54 to 3.57). A name that
is not here is not an error: the server is asked for it, and its price is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

TABLE_READ = date(2026, 11, 23)
"""When the shutdown dates were read."""

PRICES_READ = date(2026, 11, 25)
"""When the prices were read."""

DEFAULT = "gpt-realtime-2.1"
DEFAULT_TRANSCRIPTION = "gpt-live-transcribe"
BETA_TRANSCRIPTION = "whisper-1"
"""What servers of the beta dialect know."""

NOTICE = timedelta(days=60)
"""How long before its shutdown a warning about a model appears."""

VOICES = ("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")
"""Of OpenAI's models (openai 3.54, types/realtime/realtime_audio_config_output.py), the recommended ones first."""

TRANSCRIPTION_MINUTE: Mapping[str, float] = {
    "gpt-live-transcribe": 0.017,
    "gpt-realtime-whisper": 0.017,
    "gpt-transcribe": 0.0045,
}
"""US dollars for a minute of transcribed audio, by transcription model. It is billed apart from the realtime model."""


@dataclass(frozen=True)
class TranscriptionOptions:
    """What a transcription model can be told (openai 3.57, types/realtime/audio_transcription.py)."""

    keywords: bool = False
    languages: bool = False
    """Several; every model takes one."""
    prompt: bool = True


_TRANSCRIPTION = {
    "gpt-live-transcribe": TranscriptionOptions(keywords=True, languages=True),
    "gpt-transcribe": TranscriptionOptions(keywords=True, languages=True),
    "gpt-realtime-whisper": TranscriptionOptions(prompt=False),
    "gpt-4o-transcribe-diarize": TranscriptionOptions(prompt=False),
}


def transcription(model: str) -> TranscriptionOptions:
    """Return what the transcription model of that name can be told."""
    return _TRANSCRIPTION.get(model, TranscriptionOptions())


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens, and per minute of transcription."""

    text_in: float
    text_cached: float
    text_out: float
    audio_in: float
    audio_cached: float
    audio_out: float
    image_in: float = 0.0
    image_cached: float = 0.0
    transcription: Mapping[str, float] = field(default_factory=lambda: TRANSCRIPTION_MINUTE)
    """US dollars per minute, by transcription model."""
    is_free: bool = False
    read: date | None = None
    """When they were read; None if nobody says."""

    @property
    def spoken_minute(self) -> tuple[float, float]:
        """Return what a minute of reply costs as audio, with its transcript, and as text only, in US dollars.

        A second of audio is 20 tokens (OpenAI, "Managing costs": one for each 50 ms); 150 words a minute are 200.
        """
        text = 200 * self.text_out / 1_000_000
        return 1200 * self.audio_out / 1_000_000 + text, text

    def transcription_minute(self, model: str) -> float | None:
        """Return US dollars per minute of audio that `model` transcribes; None if the price is unknown."""
        return 0.0 if self.is_free else self.transcription.get(model)


FREE = Prices(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, is_free=True)
"""The practice server's."""


@dataclass(frozen=True)
class Model:
    """One known model; `shutdown` is the day OpenAI switches it off, or did."""

    name: str
    shutdown: date | None = None
    successor: str | None = None
    beta: bool = False
    """Whether it was made for the beta dialect. OpenAI shut all of these down; other servers may use their names."""
    reasoning: bool = False
    """Whether it accepts `reasoning.effort`; the others reject the whole session.update because of it."""
    prices: Prices | None = None

    def retired(self, today: date) -> bool:
        """Whether OpenAI has switched it off."""
        return self.shutdown is not None and self.shutdown <= today

    def retiring(self, today: date) -> bool:
        """Whether its shutdown is within `NOTICE`."""
        return self.shutdown is not None and not self.retired(today) and self.shutdown - today <= NOTICE


_FULL_2 = Prices(4.0, 0.4, 24.0, 32.0, 0.4, 64.0, 5.0, 0.5, read=PRICES_READ)
_FULL_1 = Prices(4.0, 0.4, 16.0, 32.0, 0.4, 64.0, 5.0, 0.5, read=PRICES_READ)
_MINI = Prices(0.6, 0.06, 2.4, 10.0, 0.3, 20.0, 0.8, 0.08, read=PRICES_READ)
_2_1, _MINI_2_1 = "gpt-realtime-2.1", "gpt-realtime-2.1-mini"
_MAY, _JANUARY = date(2026, 5, 7), date(2027, 1, 20)

_MODELS = (
    Model(_2_1, reasoning=True, prices=_FULL_2),
    Model(_MINI_2_1, reasoning=True, prices=_MINI),
    Model("gpt-realtime-2", reasoning=True, prices=_FULL_2),
    Model("gpt-realtime-1.5", prices=_FULL_1),
    Model("gpt-realtime", _JANUARY, _2_1, prices=_FULL_1),
    Model("gpt-realtime-2025-08-28", _JANUARY, _2_1, prices=_FULL_1),
    Model("gpt-realtime-mini", _JANUARY, _MINI_2_1, prices=_MINI),
    Model("gpt-realtime-mini-2025-12-15", _JANUARY, _MINI_2_1, prices=_MINI),
    Model("gpt-realtime-mini-2025-10-06", date(2026, 7, 23), _MINI_2_1, prices=_MINI),
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


def supported(today: date) -> list[str]:
    """Return the names to choose from, the best first: neither shut down nor about to be."""
    return [model.name for model in _MODELS if not model.retired(today) and not model.retiring(today)]
