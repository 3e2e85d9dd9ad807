"""Words by which a listener says “go on”: they do not ask for the turn. Pure.

Only what is said alone counts: “okay” does not cut a reply short, “okay, stop” does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from functools import cache

_SOUNDS = (
    "mm, mhm, mmhm, mm-hm, mm-hmm, mmm, hm, hmm, uh-huh, ah, aha, oh, uh, um, うん, うんうん, ふうん, 嗯, 嗯嗯, 음"
)
"""Never an answer to anything."""

_EVERYWHERE = "ok, okay"

_BY_LANGUAGE = {
    "de": "ja, jaja, genau, gut, stimmt, klar, alles klar, verstehe, ach so, achso, richtig, okidoki",
    "en": "yeah, yep, yup, yes, right, sure, i see, got it, gotcha, all right, alright, cool, nice, wow, really, good",
    "es": "sí, ya, claro, vale, bueno, bien, ajá, entiendo, de acuerdo",
    "fr": "oui, ouais, d'accord, voilà, bien, bien sûr, je vois, hum, ah bon, très bien",
    "it": "sì, già, certo, esatto, va bene, bene, capisco, capito, d'accordo",
    "ja": "はい, ええ, そう, そうですね, そうですか, なるほど, へえ",
    "ko": "네, 예, 응, 그래, 그렇군요, 맞아요, 아",
    "nl": "ja, jaja, precies, goed, oké, klopt, begrepen, juist",
    "pl": "tak, dobrze, dobra, jasne, rozumiem, aha",
    "pt": "sim, é, pois, pois é, certo, claro, tá, tá bom, entendi, está bem",
    "ru": "да, ага, угу, так, ясно, понятно, хорошо, ладно",
    "sv": "ja, jo, precis, okej, just det, bra, jaha",
    "tr": "evet, hı hı, tamam, peki, anladım, doğru",
    "zh": "对, 好, 好的, 是, 是的, 哦, 明白, 知道了",
}
"""By ISO 639-1 code. NOTE: no word in here may also mean “stop”."""

LANGUAGES = tuple(_BY_LANGUAGE)

_ANNOTATION = re.compile(r"[\[(*♪][^\])*♪]*[\])*♪]")
"""What transcription models write for what is no speech: [cough], (laughs), *sighs*, ♪."""

_HALF_ANNOTATION = re.compile(r"[\[(*♪].*$")


class Said(Enum):
    """What was said over a reply, as far as it is known."""

    NOTHING = auto()
    """A noise, or a sound such as “mm-hmm”."""
    GO_ON = auto()
    """A back-channel, which is an answer when the reply is over: “yes”."""
    WORDS = auto()
    UNKNOWN = auto()
    """More of it will decide."""


def said_in(text: str, languages: Iterable[str] = (), *, is_whole: bool) -> Said:
    """Return what `text` is; without `languages` (ISO 639-1 codes), the back-channels of all languages count."""
    said = _letters(_ANNOTATION.sub(" ", text) if is_whole else _HALF_ANNOTATION.sub(" ", _ANNOTATION.sub(" ", text)))
    words = _words(tuple(sorted({code.lower().partition("-")[0] for code in languages})))
    if is_whole:
        if not said or said in _sounds():
            return Said.NOTHING
        return Said.GO_ON if said in words else Said.WORDS
    may_go_on = any(word.startswith(said) for word in (*_sounds(), *words))
    return Said.UNKNOWN if may_go_on else Said.WORDS


@cache
def _words(languages: tuple[str, ...]) -> frozenset[str]:
    chosen = [_BY_LANGUAGE[code] for code in languages or LANGUAGES if code in _BY_LANGUAGE]
    return frozenset(_letters(word) for words in (_EVERYWHERE, *chosen) for word in words.split(","))


@cache
def _sounds() -> frozenset[str]:
    return frozenset(_letters(sound) for sound in _SOUNDS.split(","))


def _letters(text: str) -> str:
    """Return only letters and digits: “Mm-hmm.” is written in many ways."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
