"""What a turn would have cost: plausible token counts, as `response.done` reports them. Pure.

Nothing is charged here; the numbers let a page that shows usage be tried without a key.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from voice_ui.offline.items import Item

MS_PER_AUDIO_TOKEN = 100
"""Measured on the live service: 16 tokens for 1.63 s of speech."""

CHARACTERS_PER_TOKEN = 4
"""OpenAI's own rule of thumb for English text."""


@dataclass(frozen=True)
class Tokens:
    """Text and audio tokens of something."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio)

    @property
    def total(self) -> int:
        """Both kinds together."""
        return self.text + self.audio


def of_text(text: str) -> int:
    """Return the tokens in a text."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def of_audio(duration_ms: float) -> int:
    """Return the tokens in so much speech."""
    return math.ceil(duration_ms / MS_PER_AUDIO_TOKEN)


def of_items(items: Iterable[Item]) -> Tokens:
    """Return the tokens in a conversation: speech counts as speech, whatever was understood of it."""
    total = Tokens()
    for item in items:
        total += Tokens(audio=of_audio(item.audio_ms)) if item.audio_ms else Tokens(text=of_text(item.text))
    return total


def of_response(context: Tokens, cached: Tokens, written: str) -> dict[str, Any]:
    """Return the `usage` of a response that read `context`, `cached` of it for the second time."""
    output = of_text(written)
    return {
        "total_tokens": context.total + output,
        "input_tokens": context.total,
        "output_tokens": output,
        "input_token_details": {
            "text_tokens": context.text,
            "audio_tokens": context.audio,
            "image_tokens": 0,
            "cached_tokens": cached.total,
            "cached_tokens_details": {"text_tokens": cached.text, "audio_tokens": cached.audio, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": output, "audio_tokens": 0},
    }


def of_transcription(model: str | None, duration_ms: float, transcript: str) -> dict[str, Any]:
    """Return the `usage` of a transcription: by duration for whisper, by tokens for what came after it."""
    if model == "whisper-1":
        return {"type": "duration", "seconds": round(duration_ms / 1000, 2)}
    heard, written = of_audio(duration_ms), of_text(transcript)
    return {
        "type": "tokens",
        "total_tokens": heard + written,
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": written,
    }


def rate_limits(spent: int) -> list[dict[str, Any]]:
    """Return the `rate_limits` after a response; there is no limit here, the numbers are those of a large account."""
    limit = 15_000_000
    return [{"name": "tokens", "limit": limit, "remaining": limit - spent, "reset_seconds": spent / (limit / 60)}]
