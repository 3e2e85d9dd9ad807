"""What a visitor can choose, and what the browser remembers of it. Pure; invalid values are ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from voice_ui.models import VOICES
from voice_ui.protocol import SessionConfig
from voice_ui.settings import LONGEST_KEYWORD, LONGEST_PROMPT, MOST_KEYWORDS, parts_of

TURN_TAKING = {"server_vad": "Automatic", "semantic_vad": "Semantic", "none": "Push to talk"}
EAGERNESS = {"low": "Patient", "auto": "Normal", "high": "Eager"}
BARGE_IN = {"at-once": "At once", "words": "On words", "never": "Never"}
BARGE_IN_HINTS = {
    "at-once": "Any sound detected as speech interrupts a reply.",
    "words": "Words interrupt a reply. Coughs, noises and “mm-hmm” do not.",
    "never": "Replies are never interrupted. What you say meanwhile is answered afterwards.",
}
NOISE_REDUCTION = {"off": "Off", "near_field": "Headset", "far_field": "Laptop, room"}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
TEXT_SIZES = {"normal": "A", "large": "A+", "huge": "A++"}

LANGUAGES = {
    "ar": "العربية", "bn": "বাংলা", "cs": "Čeština", "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά",
    "en": "English", "es": "Español", "fa": "فارسی", "fi": "Suomi", "fr": "Français", "he": "עברית", "hi": "हिन्दी",
    "hu": "Magyar", "id": "Bahasa Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "nl": "Nederlands",
    "no": "Norsk", "pl": "Polski", "pt": "Português", "ro": "Română", "ru": "Русский", "sv": "Svenska", "th": "ไทย",
    "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""By ISO 639-1 code, each in its own language."""

SILENCE_MS = (200, 3000)
THRESHOLD = (0.1, 0.9)
SPEED = (0.25, 1.5)
LONGEST_INSTRUCTIONS = 10_000
"""Characters; they are read again with every reply."""
SLOW_SILENCE_MS = 1500
"""With more silence than this, a reply within two seconds is not possible: too little time is left for the model."""


@dataclass(frozen=True)
class Choices:
    """Fields of the session are named as on the wire."""

    model: str
    turn_detection: str
    threshold: float
    silence_ms: int
    eagerness: str
    language: str
    """ISO 639-1 codes, separated by commas; empty to let the model find out."""
    instructions: str
    """Empty for ours."""
    reasoning_effort: str
    barge_in: str = "words"
    keywords: str = ""
    """Words for the transcription to expect, separated by commas."""
    transcription_prompt: str = ""
    noise_reduction: str = "off"
    output: str = "text"
    voice: str = ""
    """Empty for the server's choice."""
    speed: float = 1.0
    half_duplex: bool = False
    """Whether the microphone is silent while a reply is played."""
    device: str = ""
    """The id of a microphone; empty for the browser's choice."""
    output_device: str = ""
    """The id of a speaker; empty for the browser's choice."""
    echo_cancellation: bool = True
    noise_suppression: bool = True
    auto_gain_control: bool = True
    text_size: str = "normal"
    plain_text: bool = False
    """Whether replies are shown as written, and not as Markdown."""
    typing: bool = False
    """Whether to show the text field."""
    inspector: bool = False
    """Whether the inspector is open."""

    @classmethod
    def of(cls, model: str, config: SessionConfig) -> Choices:
        """Return the owner's defaults."""
        return cls(
            model=model,
            turn_detection=config.turn_detection,
            threshold=config.threshold,
            silence_ms=config.silence_ms,
            eagerness=config.eagerness,
            language=",".join(config.languages) or config.language or "",
            instructions=config.instructions or "",
            reasoning_effort=config.reasoning_effort or "none",
            barge_in=config.barge_in,
            keywords=", ".join(config.keywords),
            transcription_prompt=config.transcription_prompt or "",
            noise_reduction=config.noise_reduction or "off",
            output=config.output,
            voice=config.voice or "",
            speed=config.speed or 1.0,
        )

    def applied_to(self, config: SessionConfig) -> SessionConfig:
        """Return the configuration of a session with these choices."""
        languages = parts_of(self.language)
        keeps_off = self.noise_reduction == "off" and config.noise_reduction is None
        return replace(
            config,
            turn_detection=self.turn_detection,
            threshold=self.threshold,
            silence_ms=self.silence_ms,
            eagerness=self.eagerness,
            language=self.language if len(languages) == 1 else None,
            languages=languages if len(languages) > 1 else (),
            instructions=self.instructions or None,
            barge_in=self.barge_in,
            keywords=parts_of(self.keywords),
            transcription_prompt=self.transcription_prompt or None,
            noise_reduction=None if keeps_off else self.noise_reduction,
            reasoning_effort=None if self.reasoning_effort == "none" else self.reasoning_effort,
            output=self.output,
            voice=self.voice or None,
            speed=None if self.speed == 1.0 else self.speed,
        )

    def remembered(self, told: Mapping[str, Any], models: tuple[str, ...]) -> Choices:
        """Return these choices, overridden by valid ones that the browser remembers."""
        good = {name: told[name] for name, allowed in _ALLOWED.items() if name in told and allowed(told[name])}
        if told.get("model") in models:
            good["model"] = told["model"]
        return replace(self, **good)

    def changed(self, chosen: Mapping[str, Any], models: Sequence[str], owners: Choices) -> Choices:
        """Return these choices with what a page reports, as far as it is valid or what the owner set."""
        kept = {name: mine for name, mine in vars(owners).items() if name in chosen and chosen[name] == mine}
        return replace(self.remembered(chosen, tuple(models)), **kept)

    def differing(self, default: Choices) -> dict[str, Any]:
        """Return what differs from the owner's defaults; only that is remembered, so that the defaults can change."""
        both = ((field.name, getattr(self, field.name), getattr(default, field.name)) for field in fields(self))
        return {name: mine for name, mine, owners in both if mine != owners}

    @property
    def hint(self) -> str:
        """Why a reply cannot begin within two seconds; empty if it can."""
        if self.turn_detection == "server_vad" and self.silence_ms > SLOW_SILENCE_MS:
            return f"With {self.silence_ms / 1000:.1f} s of silence at the end of a turn, replies take longer than 2 s."
        if self.turn_detection == "semantic_vad" and self.eagerness == "low":
            return "Patient turn taking waits up to 8 s for you to continue, so replies may take longer than 2 s."
        return ""


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in values


def _between(least: float, most: float, kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in {int, kind} and least <= value <= most


def _text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most


def _languages(value: Any) -> bool:
    return isinstance(value, str) and all(code in LANGUAGES for code in parts_of(value))


def are_keywords(value: Any) -> bool:
    """Whether these are not too many, nor too long."""
    words = parts_of(value) if isinstance(value, str) and len(value) <= MOST_KEYWORDS * LONGEST_KEYWORD else None
    return words is not None and len(words) <= MOST_KEYWORDS and all(len(word) <= LONGEST_KEYWORD for word in words)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


_ALLOWED: dict[str, Callable[[Any], bool]] = {
    "turn_detection": _one_of(*TURN_TAKING),
    "threshold": _between(*THRESHOLD, float),
    "silence_ms": _between(*SILENCE_MS, int),
    "eagerness": _one_of(*EAGERNESS),
    "language": _languages,
    "barge_in": _one_of(*BARGE_IN),
    "keywords": are_keywords,
    "transcription_prompt": _text(LONGEST_PROMPT),
    "noise_reduction": _one_of(*NOISE_REDUCTION),
    "instructions": _text(LONGEST_INSTRUCTIONS),
    "reasoning_effort": _one_of(*EFFORTS),
    "output": _one_of("text", "audio"),
    "voice": _one_of("", *VOICES),
    "speed": _between(*SPEED, float),
    "half_duplex": _switch,
    "device": _text(200),
    "output_device": _text(200),
    "echo_cancellation": _switch,
    "noise_suppression": _switch,
    "auto_gain_control": _switch,
    "text_size": _one_of(*TEXT_SIZES),
    "plain_text": _switch,
    "typing": _switch,
    "inspector": _switch,
}
