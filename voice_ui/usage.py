"""Tokens of a conversation, by kind, and what they cost. Pure.

The server counts: `response.done` carries the tokens of its response (openai 3.54, types/realtime/
realtime_response_usage.py). Cached tokens are part of the input tokens and are priced apart from the fresh ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import add
from typing import Any

from voice_ui.models import Prices
from voice_ui.protocol.reading import mapping, number


@dataclass(frozen=True)
class Usage:
    """Tokens; the fresh ones do not include the cached ones."""

    text_in: int = 0
    text_cached: int = 0
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    audio_out: int = 0
    image_in: int = 0
    image_cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(add, vars(self).values(), vars(other).values()))

    @property
    def total(self) -> int:
        """All tokens."""
        return sum(vars(self).values())

    @property
    def cached(self) -> int:
        """Tokens the server had in its cache."""
        return self.text_cached + self.audio_cached + self.image_cached

    def cost(self, prices: Prices) -> float:
        """Return US dollars."""
        millionths = (
            self.text_in * prices.text_in
            + self.text_cached * prices.text_cached
            + self.text_out * prices.text_out
            + self.audio_in * prices.audio_in
            + self.audio_cached * prices.audio_cached
            + self.audio_out * prices.audio_out
            + self.image_in * prices.image_in
            + self.image_cached * prices.image_cached
        )
        return millionths / 1_000_000


def usage_of(told: Mapping[str, Any]) -> Usage:
    """Return the tokens of one response by its `usage`; what a server does not tell apart counts as text."""
    inputs, outputs = _part(told, "input_token_details"), _part(told, "output_token_details")
    cached = _part(inputs, "cached_tokens_details")
    audio_in, image_in = _count(inputs, "audio_tokens"), _count(inputs, "image_tokens")
    text_in = max(0, _count(told, "input_tokens") - audio_in - image_in)
    audio_cached = min(audio_in, _count(cached, "audio_tokens"))
    image_cached = min(image_in, _count(cached, "image_tokens"))
    rest_cached = _count(inputs, "cached_tokens") - audio_cached - image_cached
    text_cached = min(text_in, max(_count(cached, "text_tokens"), rest_cached))
    audio_out = _count(outputs, "audio_tokens")
    return Usage(
        text_in=text_in - text_cached,
        text_cached=text_cached,
        text_out=max(0, _count(told, "output_tokens") - audio_out),
        audio_in=audio_in - audio_cached,
        audio_cached=audio_cached,
        audio_out=audio_out,
        image_in=image_in - image_cached,
        image_cached=image_cached,
    )


def is_counted(told: Mapping[str, Any]) -> bool:
    """Whether the `usage` of a response holds any count of tokens."""
    return any(number(told.get(name)) is not None for name in ("input_tokens", "output_tokens"))


def in_dollars(amount: float) -> str:
    """Return US dollars with two to four places; a little is not shown as nothing."""
    if 0 < amount < 0.0001:
        return "under $0.0001"
    whole, _, places = f"{amount:,.4f}".partition(".")
    return f"${whole}.{places[:2]}{places[2:].rstrip('0')}"


def _part(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    return mapping(told.get(name))


def _count(told: Mapping[str, Any], name: str) -> int:
    return max(0, int(number(told.get(name)) or 0))
