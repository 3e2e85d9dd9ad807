"""What a turn would have cost: plausible token counts, as `response.done` reports them. Pure.

Nothing is charged; the numbers let a page that shows usage be tried without a key.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from voice_ui.offline.items import Entry

MS_PER_TOKEN_IN = 100
"""Of speech that is heard: 16 tokens for 1.63 s, measured on the live service."""

MS_PER_TOKEN_OUT = 50
"""Of speech that is spoken: 1,200 tokens a minute."""

CHARACTERS_PER_TOKEN = 4
"""OpenAI's own rule of thumb for English text."""

Tokens = tuple[int, int, int]
"""Text, audio and image tokens of something."""


def of_text(text: str) -> int:
    """Return the tokens in a text."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def of_items(entries: Iterable[Entry]) -> Tokens:
    """Return the tokens in items: speech counts as speech, whatever was understood of it."""
    text = audio = image = 0
    for entry in entries:
        audio += math.ceil(entry.audio_ms / MS_PER_TOKEN_IN)
        text += 0 if entry.audio_ms else math.ceil(entry.size / CHARACTERS_PER_TOKEN)
        image += entry.image.tokens if entry.image else 0
    return text, audio, image


def of_response(instructions: str, context: Tokens, cached: Tokens, written: int, spoken_ms: float) -> dict[str, Any]:
    """Return the `usage` of a response that read `context`, `cached` of it for the second time."""
    text, audio, image = of_text(instructions) + context[0], *context[1:]
    spoken = math.ceil(spoken_ms / MS_PER_TOKEN_OUT)
    return {
        "total_tokens": text + audio + image + written + spoken,
        "input_tokens": text + audio + image,
        "output_tokens": written + spoken,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "image_tokens": image,
            "cached_tokens": sum(cached),
            "cached_tokens_details": {"text_tokens": cached[0], "audio_tokens": cached[1], "image_tokens": cached[2]},
        },
        "output_token_details": {"text_tokens": written, "audio_tokens": spoken},
    }


def of_transcription(model: str | None, duration_ms: float, transcript: str) -> dict[str, Any]:
    """Return the `usage` of a transcription: by duration for whisper, by tokens for what came after it."""
    if model == "whisper-1":
        return {"type": "duration", "seconds": round(duration_ms / 1000, 2)}
    heard, written = math.ceil(duration_ms / MS_PER_TOKEN_IN), of_text(transcript)
    return {
        "type": "tokens",
        "total_tokens": heard + written,
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": written,
    }
