"""What is asked of a session, and how each dialect writes it. Pure.

Every value is written out, because the documented defaults are not the live ones; a field that is None is left to the
server. A server drops a whole `session.update` for one field it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from voice_ui import audio, models
from voice_ui.protocol.names import Dialect, flat
from voice_ui.protocol.reading import array, mapping, number, text, text_or_none, well_formed, whole

_BRIEFLY = "Answer in the language you are spoken to. Be brief and to the point unless asked for more."

INSTRUCTIONS = {
    "text": f"You are a helpful voice assistant whose replies are read on a screen. {_BRIEFLY}",
    "audio": "You are a helpful voice assistant whose replies are heard, not read: use no lists, tables, code or other "
    f"formatting. {_BRIEFLY}",
}
"""What holds where no instructions are given, by the kind of output."""

PREFIX_PADDING_MS = 300
"""Audio before the detected start of speech that belongs to the turn; the documented default."""


@dataclass(frozen=True)
class SessionConfig:
    """Settings of a session. Audio is sent as PCM at `audio.SAMPLE_RATE`."""

    instructions: str | None = None
    """None for ours, which depend on whether replies are read or heard."""
    turn_detection: str = "server_vad"
    """server_vad, semantic_vad or none."""
    threshold: float = 0.5
    """Speech threshold of `server_vad`, 0 to 1: higher values ignore quieter speech. 0.5 is the documented default."""
    eagerness: str = "auto"
    """How soon `semantic_vad` treats a pause as the end of a turn: low, medium, high; auto means medium."""
    silence_ms: int = 500
    """Silence that ends a turn with `server_vad`. 500 is the documented default; the live service uses 200."""
    barge_in: str = "words"
    """What cuts a reply short while turns are detected: at-once (any sound taken for speech), words, or never."""
    transcription_model: str | None = models.DEFAULT_TRANSCRIPTION
    language: str | None = None
    """ISO 639-1 code of the spoken language; None to detect it."""
    reasoning_effort: str | None = None
    """Only for reasoning models; other models reject the whole configuration."""
    output: str = "text"
    """text or audio; audio replies include a transcript."""
    voice: str | None = None
    speed: float | None = None
    """Speaking speed, 0.25 to 1.5."""
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    """auto, none, required, or one tool by name."""
    noise_reduction: str | None = None
    """near_field (a headset), far_field (a laptop, a room) or off."""
    keywords: tuple[str, ...] = ()
    """Words that the transcription model should expect. A model that takes none gets them in its prompt."""
    languages: tuple[str, ...] = ()
    """Languages that the transcription model should expect; if set, `language` is not sent."""
    transcription_prompt: str | None = None
    """What the transcription should know: the topic, the style."""
    max_output_tokens: int | str | None = None
    """1 to 4096, or inf."""
    truncation: str | dict[str, Any] | None = None
    """auto, disabled, or a retention ratio; GA only."""

    @property
    def interrupts_at_once(self) -> bool:
        """Whether the server is to cut replies short by itself; without a transcription, no words can be waited for."""
        return self.barge_in == "at-once" or (self.barge_in == "words" and not self.transcription_model)

    def after(self, before: SessionConfig) -> SessionConfig:
        """Return this configuration with the defaults that undo what `before` asked for: what is left out stays."""
        usual: dict[str, Any] = {
            "speed": 1.0,
            "noise_reduction": "off",
            "max_output_tokens": "inf",
            "truncation": "auto",
        }
        undone = {
            name: value
            for name, value in usual.items()
            if getattr(self, name) is None and getattr(before, name) is not None
        }
        return replace(self, **undone)

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        """Return the `session` of a `session.update`."""
        return self._ga() if dialect is Dialect.GA else self._beta()

    @classmethod
    def from_wire(cls, session: dict[str, Any]) -> SessionConfig:
        """Read a GA session; missing fields get their defaults. Raises nothing."""
        sound = mapping(session.get("audio"))
        sound_in, sound_out = mapping(sound.get("input")), mapping(sound.get("output"))
        transcription = mapping(sound_in.get("transcription"))
        turns = sound_in.get("turn_detection", {"type": cls.turn_detection})
        vad = mapping(turns)
        threshold, limit = number(vad.get("threshold")), session.get("max_output_tokens")
        instructions = text_or_none(session.get("instructions")) or ""
        choice, truncation = session.get("tool_choice"), session.get("truncation")
        return cls(
            instructions=None if instructions in INSTRUCTIONS.values() else instructions,
            turn_detection=text(vad.get("type")) or "none",
            barge_in=cls.barge_in if not vad or vad.get("interrupt_response") is False else "at-once",
            threshold=cls.threshold if threshold is None else threshold,
            eagerness=text(vad.get("eagerness")) or cls.eagerness,
            silence_ms=whole(vad["silence_duration_ms"]) if "silence_duration_ms" in vad else cls.silence_ms,
            transcription_model=text_or_none(transcription.get("model")),
            language=text_or_none(transcription.get("language")),
            reasoning_effort=text_or_none(mapping(session.get("reasoning")).get("effort")),
            output="audio" if "audio" in array(session.get("output_modalities")) else "text",
            voice=text_or_none(sound_out.get("voice")),
            speed=number(sound_out.get("speed")),
            tools=tuple(tool for tool in array(session.get("tools")) if isinstance(tool, dict)),
            tool_choice=choice if isinstance(choice, (str, dict)) else None,
            noise_reduction=_noise_reduction(sound_in),
            keywords=tuple(text(word) for word in array(transcription.get("keywords"))),
            languages=tuple(text(code) for code in array(transcription.get("languages"))),
            transcription_prompt=text_or_none(transcription.get("prompt")),
            max_output_tokens=limit if limit == "inf" else whole(limit) or None,
            truncation=truncation if isinstance(truncation, (str, dict)) else None,
        )

    def _ga(self) -> dict[str, Any]:
        sound: dict[str, Any] = {
            "input": {
                "format": {"type": "audio/pcm", "rate": audio.SAMPLE_RATE},
                "transcription": self._transcription(self.transcription_model) if self.transcription_model else None,
                "turn_detection": self._turn_detection(),
            }
        }
        if self.noise_reduction:
            off = self.noise_reduction == "off"
            sound["input"]["noise_reduction"] = None if off else {"type": self.noise_reduction}
        if spoken := _given(voice=self.voice, speed=self.speed):
            sound["output"] = spoken
        return {
            "type": "realtime",
            "output_modalities": [self.output],
            "instructions": well_formed(INSTRUCTIONS[self.output] if self.instructions is None else self.instructions),
            "audio": sound,
            **_given(
                tools=list(self.tools) or None,
                tool_choice=self.tool_choice,
                max_output_tokens=self.max_output_tokens,
                truncation=self.truncation,
                reasoning={"effort": self.reasoning_effort} if self.reasoning_effort else None,
            ),
        }

    def _beta(self) -> dict[str, Any]:
        """The audio format is left at its default, our own: Speaches refuses to be told it, or the prefix padding."""
        session = flat(self._ga())
        del session["input_audio_format"]
        if self.transcription_model:
            model = self.transcription_model
            known = models.BETA_TRANSCRIPTION if model == models.DEFAULT_TRANSCRIPTION else model
            session["input_audio_transcription"] = self._transcription(known, is_beta=True)
        if session["turn_detection"]:
            session["turn_detection"].pop("prefix_padding_ms", None)
        if isinstance(session.get("tool_choice"), dict):
            session["tool_choice"] = "required"  # the beta cannot name one
        return session

    def _transcription(self, model: str, *, is_beta: bool = False) -> dict[str, Any]:
        """Return how speech is written down, with only what the model takes."""
        takes = models.transcription(model)
        several = list(self.languages) if takes.languages and not is_beta and len(self.languages) > 1 else None
        one = self.languages[0] if len(self.languages) == 1 else None if self.languages else self.language
        keywords = list(self.keywords) if takes.keywords and not is_beta else []
        prompt = [self.transcription_prompt or "", "" if keywords else ", ".join(self.keywords)]
        return {
            "model": model,
            **_given(
                language=one,
                languages=several,
                keywords=keywords or None,
                prompt=well_formed("\n".join(filter(None, prompt))) or None if takes.prompt else None,
            ),
        }

    def _turn_detection(self) -> dict[str, Any] | None:
        replies = {"create_response": True, "interrupt_response": self.interrupts_at_once}
        match self.turn_detection:
            case "none":
                return None
            case "semantic_vad":
                return {"type": "semantic_vad", "eagerness": self.eagerness, **replies}
            case _:
                timing = {"silence_duration_ms": self.silence_ms, "prefix_padding_ms": PREFIX_PADDING_MS}
                return {"type": "server_vad", "threshold": self.threshold, **timing, **replies}


def _noise_reduction(sound_in: dict[str, Any]) -> str | None:
    if "noise_reduction" in sound_in and sound_in["noise_reduction"] is None:
        return "off"
    return text_or_none(mapping(sound_in.get("noise_reduction")).get("type"))


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
