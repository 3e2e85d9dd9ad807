"""VOICE_UI_PRICES: what models and deployments cost where the built-in table does not know it, or is out of date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from voice_ui.models import FREE, TRANSCRIPTION_MINUTE, Prices, known

ALLOWED = (
    "NAME=MODEL, NAME=text IN/CACHED/OUT audio IN/CACHED/OUT (US dollars per million tokens), NAME=PRICE/min for a "
    "transcription model, NAME=free, or the date you read them; separated by semicolons"
)

MOST = 100_000.0
"""US dollars per million tokens, or per minute: more is a mistake."""


@dataclass(frozen=True)
class OwnPrices:
    """What the owner says; it wins over the built-in table."""

    models: Mapping[str, Prices] = field(default_factory=dict)
    transcription: Mapping[str, float] = field(default_factory=dict)
    """US dollars per minute of audio."""

    def of(self, model: str, prices: Prices | None) -> Prices | None:
        """Return the prices of a model whose prices are otherwise these; None if they are unknown."""
        prices = self.models.get(model, prices)
        return prices and replace(prices, transcription={**prices.transcription, **self.transcription})


def own_prices(value: str) -> OwnPrices:
    """Return what is written in the setting; raises ValueError."""
    models: dict[str, Prices] = {}
    minutes: dict[str, float] = {}
    read: date | None = None
    for entry in filter(None, (part.strip() for part in value.split(";"))):
        name, equals, price = (part.strip() for part in entry.partition("="))
        if not equals:
            read = date.fromisoformat(entry)
        elif not re.fullmatch(r"[!-~]+", name):
            raise ValueError
        elif price == "free":
            models[name], minutes[name] = FREE, 0.0
        elif price in TRANSCRIPTION_MINUTE:
            minutes[name] = TRANSCRIPTION_MINUTE[price]
        elif found := known(price).prices:
            models[name] = found
        elif minute := re.fullmatch(r"(\S+?) ?/ ?min", price):
            minutes[name] = _amount(minute[1])
        else:
            models[name] = _tokens(price)
    return OwnPrices({name: replace(prices, read=prices.read or read) for name, prices in models.items()}, minutes)


_AMOUNTS = r"([0-9.]+)/([0-9.]+)"
_TOKENS = re.compile(rf"text {_AMOUNTS}/([0-9.]+) +audio {_AMOUNTS}/([0-9.]+)(?: +image {_AMOUNTS})?")


def _tokens(price: str) -> Prices:
    """Return the prices per million tokens; where images are left out, they cost as text does."""
    if not (found := _TOKENS.fullmatch(price)):
        raise ValueError
    text_in, text_cached, text_out, audio_in, audio_cached, audio_out = map(_amount, found.groups()[:6])
    image_in, image_cached = map(_amount, found.groups()[6:]) if found[7] else (text_in, text_cached)
    return Prices(text_in, text_cached, text_out, audio_in, audio_cached, audio_out, image_in, image_cached)


def _amount(text: str) -> float:
    if not 0 <= (amount := float(text)) <= MOST:
        raise ValueError
    return amount
