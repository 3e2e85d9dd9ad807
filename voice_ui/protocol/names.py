"""GA and beta: the two dialects of the realtime protocol, and the one table of what they call the same thing. Pure.

OpenAI removed the beta on 2026-05-12; compatible servers still speak it (Speaches, DashScope). Inside Voice UI every
name is the GA one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Dialect(StrEnum):
    """Which names and shapes are on the wire."""

    GA = "ga"
    BETA = "beta"


EVENTS = {
    # GA: beta
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
"""Event types that differ (openai 3.54, types/realtime/ and types/beta/realtime/)."""

PARTS = {"output_text": "text", "output_audio": "audio"}
"""Content types of an assistant's message that differ; GA to beta."""

SESSION: dict[tuple[str, ...], str] = {
    ("model",): "model",
    ("instructions",): "instructions",
    ("tools",): "tools",
    ("tool_choice",): "tool_choice",
    ("tracing",): "tracing",
    ("output_modalities",): "modalities",
    ("max_output_tokens",): "max_response_output_tokens",
    ("audio", "input", "format"): "input_audio_format",
    ("audio", "input", "transcription"): "input_audio_transcription",
    ("audio", "input", "noise_reduction"): "input_audio_noise_reduction",
    ("audio", "input", "turn_detection"): "turn_detection",
    ("audio", "output", "format"): "output_audio_format",
    ("audio", "output", "voice"): "voice",
    ("audio", "output", "speed"): "speed",
}
"""Where GA keeps a field of the session, and what the flat session of the beta calls it."""

GA_PARTS = {beta: ga for ga, beta in PARTS.items()}

_MODALITIES = {"text": ["text"], "audio": ["audio", "text"]}
_BETA_FORMAT = "pcm16"


def event_name(type: str, dialect: Dialect) -> str:
    """Return what `dialect` calls the event of a GA type."""
    return type if dialect is Dialect.GA else EVENTS.get(type, type)


def part_name(type: str, dialect: Dialect) -> str:
    """Return what `dialect` calls a content part of a GA type."""
    return type if dialect is Dialect.GA else PARTS.get(type, type)


def dialect_of(session: dict[str, Any]) -> Dialect:
    """Return the dialect by the session a server sends first: GA has a type and nested audio, the beta neither."""
    if "type" in session or "audio" in session or "output_modalities" in session:
        return Dialect.GA
    if {"modalities", "input_audio_format", "input_audio_transcription"} & session.keys():
        return Dialect.BETA
    return Dialect.GA


def flat(session: dict[str, Any]) -> dict[str, Any]:
    """Return the session, or the settings of a response, as the beta writes it; what the beta does not know is lost."""
    found: dict[str, Any] = {}
    for path, name in SESSION.items():
        place: Any = session
        for step in path:
            place = place.get(step, _NOTHING) if isinstance(place, dict) else _NOTHING
        if place is not _NOTHING:
            found[name] = place
    if isinstance(modalities := found.get("modalities"), list) and modalities:
        found["modalities"] = _MODALITIES.get(modalities[0], modalities)
    return {name: _BETA_FORMAT if name.endswith("_audio_format") else value for name, value in found.items()}


_NOTHING = object()
