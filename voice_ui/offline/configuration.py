"""The configuration of a session, and how a `session.update` changes it. Pure.

Only the fields that are present change, and objects are merged field by field; null resets a field to its default,
except turn detection, which it turns off (openai 3.57, types/realtime/session_update_event.py).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from voice_ui.audio import SAMPLE_RATE
from voice_ui.protocol.client import Rejected

INSTRUCTIONS = "You are the practice server of Voice UI."
"""Shown in `session.created`, as OpenAI shows its own."""

_REPLIES = {"create_response": True, "interrupt_response": True}
_TURN_DETECTION: dict[str, dict[str, Any]] = {
    "server_vad": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,  # what the live service echoes; its documents say 500
        "idle_timeout_ms": None,
        **_REPLIES,
    },
    "semantic_vad": {"type": "semantic_vad", "eagerness": "auto", **_REPLIES},
}

_SILENCE_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 400}
"""No model here detects the end of a sentence: `eagerness` selects the silence that ends a turn."""


@dataclass(frozen=True)
class TurnDetection:
    """When a turn begins and ends, and what the server does then."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: int | None = None


def default(model: str, session_id: str, expires_at: int, output: str) -> dict[str, Any]:
    """Return the session a client finds on connecting, with OpenAI's live defaults; `output` is audio or text."""
    pcm = {"type": "audio/pcm", "rate": SAMPLE_RATE}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": [output],
        "instructions": INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "include": None,
        "audio": {
            "input": {
                "format": dict(pcm),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": dict(_TURN_DETECTION["server_vad"]),
            },
            "output": {"format": dict(pcm), "voice": "alloy", "speed": 1.0},
        },
        "expires_at": expires_at,
    }


def updated(session: dict[str, Any], change: dict[str, Any], *, speaks: bool) -> dict[str, Any]:
    """Return `session` with a checked `change` in it; without a voice the output stays text. Raises Rejected."""
    if change.get("model", session["model"]) != session["model"]:
        message = f"The model of a session cannot be changed: it is '{session['model'][:80]}'."
        raise Rejected("invalid_value", message, "session.model")
    defaults = default(session["model"], session["id"], session["expires_at"], "audio" if speaks else "text")
    merged = _merged(session, copy.deepcopy(change), defaults)
    if not speaks:
        merged["output_modalities"] = ["text"]
    listening = merged["audio"]["input"]
    listening["turn_detection"] = _whole_turn_detection(listening["turn_detection"])
    return merged


def for_reply(session: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of one reply: the session's, with a checked `response.create` in their place."""
    return _merged(session, copy.deepcopy(change), session)


def turn_detection(session: dict[str, Any]) -> TurnDetection | None:
    """Return how turns are detected, None if the client ends its turns."""
    detection = session["audio"]["input"]["turn_detection"]
    if detection is None:
        return None
    replies = detection["create_response"], detection["interrupt_response"]
    if detection["type"] == "semantic_vad":
        usual = _TURN_DETECTION["server_vad"]
        return TurnDetection(
            usual["threshold"], usual["prefix_padding_ms"], _SILENCE_MS[detection["eagerness"]], *replies
        )
    timing = detection["prefix_padding_ms"], detection["silence_duration_ms"]
    return TurnDetection(detection["threshold"], *timing, *replies, detection["idle_timeout_ms"])


def _merged(current: dict[str, Any], change: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(current)
    for name, value in change.items():
        before, usual = merged.get(name), defaults.get(name)
        if value is None:
            merged[name] = None if name == "turn_detection" else usual
        elif isinstance(value, dict) and isinstance(before, dict) and _same_kind(before, value):
            merged[name] = _merged(before, value, usual if isinstance(usual, dict) else {})
        else:
            merged[name] = value
    return merged


def _same_kind(before: dict[str, Any], value: dict[str, Any]) -> bool:
    return value.get("type", before.get("type")) == before.get("type")


def _whole_turn_detection(detection: dict[str, Any] | None) -> dict[str, Any] | None:
    if detection is None or detection["type"] == "none":
        return None
    defaults = _TURN_DETECTION[detection["type"]]
    return defaults | {name: value for name, value in detection.items() if value is not None}
