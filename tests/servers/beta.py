"""A practice server that speaks the beta dialect, as Speaches and DashScope still do.

    python -m tests.servers.beta [--port N]

The session behind it speaks GA; names and shapes are translated on their way (openai 3.57, types/beta/realtime).
"""

from __future__ import annotations

import sys
from typing import Any

import orjson

from voice_ui.offline.connection import ClientConnection
from voice_ui.protocol import Dialect, names
from voice_ui.protocol.client import Rejected
from voice_ui.protocol.items import WireItem

MODALITIES = (["text"], ["text", "audio"], ["audio", "text"])

UNKNOWN = {"conversation.item.done", "input_audio_buffer.timeout_triggered"}
"""Events the beta does not have."""

KNOWN = {*names.SESSION.values(), "temperature", "conversation", "metadata"}
"""Fields of a session, or of a response."""


class BetaConnection(ClientConnection):
    """A client that speaks the beta; the temperature, which GA abolished, is remembered here."""

    temperature = 0.8

    def receive(self, message: str | bytes) -> None:
        """Take in a message of the client, in GA."""
        try:
            event = orjson.loads(message) if isinstance(message, str) else None
        except orjson.JSONDecodeError:
            event = None
        if isinstance(event, dict):
            try:
                message = orjson.dumps(self._to_ga(event)).decode()
            except Rejected as refusal:
                event_id = event.get("event_id")
                return self.session.refuse(refusal, event_id if isinstance(event_id, str) else None)
        super().receive(message)

    def send(self, wire: dict[str, Any]) -> None:
        """Send a GA event in beta."""
        if wire["type"] in UNKNOWN:
            return
        wire = wire | {"type": names.event_name(wire["type"], Dialect.BETA)}
        if wire["type"] == "error" and wire["error"]["param"]:
            wire["error"] = wire["error"] | {"param": _beta_path(wire["error"]["param"])}
        for name, shaped in (("session", self._session), ("item", _item), ("response", self._response)):
            if name in wire:
                wire[name] = shaped(wire[name])
        super().send(wire)

    def _to_ga(self, event: dict[str, Any]) -> dict[str, Any]:
        match event:
            case {"type": "session.update", "session": dict(session)}:
                nested = _nested(session, "session")
                self.temperature = session.get("temperature") or self.temperature
                return event | {"session": {"type": "realtime", **nested}}
            case {"type": "response.create", "response": dict(response)}:
                kept = {name: response[name] for name in ("conversation", "metadata") if name in response}
                return event | {"response": _nested(response, "response") | kept}
            case {"type": "conversation.item.create", "item": {"content": list(content)} as item}:
                parts = [
                    part | {"type": names.GA_PARTS.get(str(part.get("type")), part.get("type"))}
                    for part in content
                    if isinstance(part, dict)
                ]
                return event | {"item": item | {"content": parts}}
        return event

    def _session(self, session: dict[str, Any]) -> dict[str, Any]:
        flat = names.flat(session)
        if flat["turn_detection"]:
            flat["turn_detection"] = dict(flat["turn_detection"])
            flat["turn_detection"].pop("idle_timeout_ms", None)
        ids = {"id": session["id"], "object": session["object"]}
        return ids | flat | {"temperature": self.temperature, "client_secret": None}

    def _response(self, response: dict[str, Any]) -> dict[str, Any]:
        kept = ("object", "id", "status", "status_details", "conversation_id", "metadata")
        usage = response["usage"]
        if usage:
            counted = {"text_tokens", "audio_tokens", "cached_tokens"}
            details = {name: value for name, value in usage["input_token_details"].items() if name in counted}
            usage = usage | {"input_token_details": details}
        flat = names.flat(response) | {"max_output_tokens": response.get("max_output_tokens")}
        flat.pop("max_response_output_tokens", None)
        return (
            {name: response.get(name) for name in kept}
            | flat
            | {
                "output": [_item(item) for item in response["output"]],
                "temperature": self.temperature,
                "usage": usage,
            }
        )


def _nested(flat: dict[str, Any], param: str) -> dict[str, Any]:
    for name in flat:
        if name not in KNOWN:
            raise Rejected("unknown_parameter", f"Unknown parameter: '{param}.{name}'.", f"{param}.{name}")
    modalities = flat.get("modalities")
    if isinstance(modalities, list) and modalities not in MODALITIES:
        message = f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio', 'text']."
        raise Rejected("invalid_value", message, f"{param}.modalities")
    temperature = flat.get("temperature")
    if isinstance(temperature, (int, float)) and not 0.6 <= temperature <= 1.2:
        edge = "above_max" if temperature > 1 else "below_min"
        message = f"Invalid '{param}.temperature': expected a value from 0.6 to 1.2, but got {temperature}."
        raise Rejected(f"decimal_{edge}_value", message, f"{param}.temperature")
    for name in ("input_audio_format", "output_audio_format"):
        if flat.get(name, "pcm16") != "pcm16":
            raise Rejected("invalid_value", f"Invalid value: '{flat[name]}'. Supported values are: 'pcm16'.",
                           f"{param}.{name}")  # fmt: skip
    return names.nested(flat)


def _beta_path(param: str) -> str:
    for path, name in names.SESSION.items():
        param = param.replace(f"session.{'.'.join(path)}", f"session.{name}")
    return param


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {"object": "realtime.item", **WireItem.from_wire(item).to_wire(Dialect.BETA)}


if __name__ == "__main__":
    from tests.servers.faulty.__main__ import main

    sys.exit(main([*sys.argv[1:], "--dialect", "beta"]))
