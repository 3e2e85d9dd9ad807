"""Words that nobody said: speech models write "Thank you for watching" or "You" for noise. Pure.

The thresholds were chosen on synthesised noises and voices; `benchmarks/recognition.py` reports on others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST_VOICED_MS = 128
"""Milliseconds that the voice detector takes for a voice: the shortest words have 160, clicks and knocks none."""

LEAST_CONFIDENCE = -1.0
"""Mean log-probability per token: below it the words are wrong more often than right."""

SHORT_MS, LEAST_CONFIDENCE_SHORT = 320, -0.7
"""With so little voice a chord or a cough may be all there was: be surer."""

LEAST_CONFIDENCE_MUSIC = -0.3
"""Whoever says "music" is understood better than this (five synthesised voices); the model writes it for music, too."""

REPEATS = 3
"""A phrase that comes so many times in a row is invented, but for the first."""
LONGEST_PHRASE = 6
"""Tokens."""

_FOREIGN = re.compile("[©®]|[^\u0000-\u024f\u2000-\u206f€£]")
"""Notes, credits of subtitles, and letters that English is not written with."""

_HABITS = frozenset(
    "you|thank you for watching|thanks for watching|thank you very much for watching|please subscribe".split("|")
)
"""What the model writes for noise, and hardly anybody says to a computer."""

_FILLER = re.compile(r"(?:um+|uh+|ah+|oh|mm+|hm+|er+)(?: (?:um+|uh+|ah+|oh|mm+|hm+|er+))*")
"""Sounds of a voice, perhaps, but not words that want an answer."""


def is_invented(text: str, confidence: float, voiced_ms: float) -> bool:
    """Whether nobody said this."""
    words = " ".join(re.sub(r"[^\w\s'-]", " ", text.lower()).split())
    return (
        not words
        or voiced_ms < LEAST_VOICED_MS
        or confidence < (LEAST_CONFIDENCE_SHORT if voiced_ms < SHORT_MS else LEAST_CONFIDENCE)
        or bool(_FOREIGN.search(text))
        or words in _HABITS
        or (words == "music" and confidence < LEAST_CONFIDENCE_MUSIC)
        or bool(_FILLER.fullmatch(words))
    )


def repeats(ids: Sequence[int]) -> int:
    """Return how many of the last tokens only repeat what is in front of them; 0 in most texts.

    A number such as "one one one" may well be said: single tokens must come twice as often.
    """
    for length in range(1, LONGEST_PHRASE + 1):
        times = REPEATS * 2 if length == 1 else REPEATS
        phrase = ids[-length:]
        if len(ids) >= times * length and all(
            ids[len(ids) - (n + 1) * length : len(ids) - n * length] == phrase for n in range(1, times)
        ):
            return (times - 1) * length
    return 0
