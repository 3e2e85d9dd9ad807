"""The beta dialect, which OpenAI switched off in May 2026 and others still speak: translated to GA and back. Pure.

Flat session fields, other names for some events, `text` for `output_text` (openai 3.54, types/beta/realtime).
"""

from __future__ import annotations

from typing import Any

from voice_ui.offline import beta_events
from voice_ui.offline.events import ServerEvent

_PATHS = {
    "instructions": ("instructions",),
    "model": ("model",),
    "tools": ("tools",),
    "tool_choice": ("tool_choice",),
    "tracing": ("tracing",),
    "max_response_output_tokens": ("max_output_tokens",),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "conversation": ("conversation",),
    "metadata": ("metadata",),
}
"""Where in GA the fields of a session or a response are that only moved."""

_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_audio.done": "response.audio.done",
}

_UNHEARD_OF = {"conversation.item.done", "input_audio_buffer.timeout_triggered"}

_CONTENT = {"text": "output_text", "audio": "output_audio"}


class Beta:
    """The dialect of one session; remembers the temperature, which GA abolished."""

    def __init__(self) -> None:
        self._temperature = 0.8
        self._asked_temperature = 0.8

    def read(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return a beta event in GA; see `Dialect`."""
        beta_events.check(event)
        match event["type"]:
            case "session.update":
                self._asked_temperature = event["session"].get("temperature") or self._temperature
                return event | {"session": {"type": "realtime", **_nested(event["session"])}}
            case "conversation.item.create":
                return event | {"item": _item_from_beta(event["item"])}
            case "response.create" if event.get("response"):
                return event | {"response": _nested(event["response"])}
        return event

    def write(self, event: ServerEvent) -> ServerEvent | None:
        """Return a GA event in beta; see `Dialect`."""
        name = event["type"]
        if name in _UNHEARD_OF:
            return None
        event = event | {"type": _NAMES.get(name, name)}
        if name == "session.updated":
            self._temperature = self._asked_temperature
        if "session" in event:
            event["session"] = self._flat_session(event["session"])
        if "item" in event:
            event["item"] = _item_to_beta(event["item"])
        if "response" in event:
            event["response"] = self._flat_response(event["response"])
        return event

    def _flat_session(self, session: dict[str, Any]) -> dict[str, Any]:
        listening, speaking = session["audio"]["input"], session["audio"]["output"]
        turn_detection = listening["turn_detection"]
        if turn_detection:
            turn_detection = {name: value for name, value in turn_detection.items() if name != "idle_timeout_ms"}
        return {
            "id": session["id"],
            "object": session["object"],
            "model": session["model"],
            "modalities": _modalities(session),
            "instructions": session["instructions"],
            "voice": speaking["voice"],
            "speed": speaking["speed"],
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "input_audio_transcription": listening["transcription"],
            "input_audio_noise_reduction": listening["noise_reduction"],
            "turn_detection": turn_detection,
            "tools": session["tools"],
            "tool_choice": session["tool_choice"],
            "temperature": self._temperature,
            "max_response_output_tokens": session["max_output_tokens"],
            "tracing": session["tracing"],
            "client_secret": None,
        }

    def _flat_response(self, response: dict[str, Any]) -> dict[str, Any]:
        usage = response["usage"]
        if usage:
            counted = {"text_tokens", "audio_tokens", "cached_tokens"}
            details = {name: value for name, value in usage["input_token_details"].items() if name in counted}
            usage = usage | {"input_token_details": details}
        kept = ("object", "id", "status", "status_details", "conversation_id", "max_output_tokens", "metadata")
        return {name: response[name] for name in kept} | {
            "output": [_item_to_beta(item) for item in response["output"]],
            "modalities": _modalities(response),
            "voice": response["audio"]["output"]["voice"],
            "output_audio_format": "pcm16",
            "temperature": self._temperature,
            "usage": usage,
        }


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a session or a response as GA arranges them."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        if name in _PATHS:
            *folders, last = _PATHS[name]
            place = nested
            for folder in folders:
                place = place.setdefault(folder, {})
            place[last] = value
    if "modalities" in flat:
        nested["output_modalities"] = flat["modalities"] and (["audio"] if "audio" in flat["modalities"] else ["text"])
    if flat.get("input") is not None:
        nested["input"] = [_item_from_beta(item) for item in flat["input"]]
    return nested


def _modalities(settings: dict[str, Any]) -> list[str]:
    return ["audio", "text"] if settings["output_modalities"] == ["audio"] else ["text"]


def _item_from_beta(item: dict[str, Any]) -> dict[str, Any]:
    if "content" not in item:
        return item
    return item | {"content": [part | {"type": _CONTENT.get(part["type"], part["type"])} for part in item["content"]]}


def _item_to_beta(item: dict[str, Any]) -> dict[str, Any]:
    item = item | {"object": "realtime.item"}
    if "content" in item:
        words = {new: old for old, new in _CONTENT.items()}
        item["content"] = [part | {"type": words.get(part["type"], part["type"])} for part in item["content"]]
    return item
