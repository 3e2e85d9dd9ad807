"""What a turn would have cost: plausible token counts, as `response.done` reports them. Pure.

Nothing is charged; the numbers let a page that shows usage be tried without a key.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from voice_ui.offline.items import Entry

MS_PER_TOKEN_IN = 100
"""Of speech that is heard: 16 tokens for 1.63 s, measured on the live service."""

MS_PER_TOKEN_OUT = 50
"""Of speech that is spoken: 1,200 tokens a minute."""

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


def of_audio(duration_ms: float, ms_per_token: int = MS_PER_TOKEN_IN) -> int:
    """Return the tokens in this much speech."""
    return math.ceil(duration_ms / ms_per_token)


def of_items(entries: Iterable[Entry]) -> Tokens:
    """Return the tokens in a conversation: speech counts as speech, whatever was understood of it."""
    total = Tokens()
    for entry in entries:
        total += (
            Tokens(audio=of_audio(entry.audio_ms))
            if entry.audio_ms
            else Tokens(text=math.ceil(entry.size / CHARACTERS_PER_TOKEN))
        )
    return total


def of_response(context: Tokens, cached: Tokens, output: Tokens) -> dict[str, Any]:
    """Return the `usage` of a response that read `context`, `cached` of it for the second time."""
    return {
        "total_tokens": context.total + output.total,
        "input_tokens": context.total,
        "output_tokens": output.total,
        "input_token_details": {
            "text_tokens": context.text,
            "audio_tokens": context.audio,
            "image_tokens": 0,
            "cached_tokens": cached.total,
            "cached_tokens_details": {"text_tokens": cached.text, "audio_tokens": cached.audio, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": output.text, "audio_tokens": output.audio},
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
