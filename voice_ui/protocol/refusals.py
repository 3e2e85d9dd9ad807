"""Strict reading of what a client sends: `refusals.read()`, with the codes and words of OpenAI's own refusals. Pure.

Codes and words: captures of the live service. Unknown fields are refused by their path.
"""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from voice_ui.protocol.reading import mapping
from voice_ui.protocol.rejected import Rejected
from voice_ui.protocol.strict import CLIENT_EVENT

MAX_DEPTH = 32
"""Levels of nesting in one event; a JSON writer gives up on far deeper ones, and the session is written back."""


def read(message: str | bytes) -> dict[str, Any]:
    """Return one message of a client as checked JSON; raises Rejected."""
    if isinstance(message, bytes):
        raise Rejected("invalid_event", "Binary frames are not supported. Send events as JSON in text frames.")
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise Rejected("invalid_json", "We could not parse the JSON body of your event.") from None
    if not isinstance(event, dict):
        raise Rejected("invalid_event", "An event is a JSON object with a 'type'.")
    event_id = event.get("event_id")
    try:
        _check(event)
    except Rejected as refusal:
        refusal.event_id = event_id if isinstance(event_id, str) and len(event_id) <= 512 else None
        raise
    return event


def _check(event: dict[str, Any]) -> None:
    if _depth_exceeds(event, MAX_DEPTH):
        raise Rejected("invalid_value", f"Your event is nested more than {MAX_DEPTH} levels deep.")
    path = "session" if "session" in event else "response"
    settings = mapping(event.get(path))
    if path == "session" and settings.get("type") == "transcription":
        message = "Passing a transcription session update event to a realtime session is not allowed."
        raise Rejected("invalid_parameter", message, "session.type")
    try:
        CLIENT_EVENT.validate_python(event)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0], event) from None
    if event["type"] == "session.update" and settings.get("type") is None:
        raise _missing("session.type")
    modalities = settings.get("output_modalities")
    if modalities is not None and modalities not in (["text"], ["audio"]):
        message = f"Invalid modalities: {modalities[:4]}. Supported combinations are: ['text'] and ['audio']."
        raise Rejected("invalid_value", message, f"{path}.output_modalities")


def _refusal(error: ErrorDetails, event: dict[str, Any]) -> Rejected:
    """Return what pydantic found as OpenAI says it."""
    path, value = _path(error["loc"], event, missing=error["type"] == "missing")
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return Rejected("unknown_parameter", f"Unknown parameter: '{path}'.", path)
        case "missing":
            return _missing(path)
        case "union_tag_not_found":
            return _missing(_join(path, context["discriminator"].strip("'")))
        case "union_tag_invalid":
            tag = context["discriminator"].strip("'")
            given = value.get(tag) if isinstance(value, dict) else value
            return _invalid_value(_join(path, tag), given, context["expected_tags"])
        case "literal_error" if isinstance(value, str):
            return _invalid_value(path, value, context["expected"])
        case "greater_than_equal" | "less_than_equal" as kind:
            side, sign = ("below_min", ">=") if kind == "greater_than_equal" else ("above_max", "<=")
            bound = context.get("ge", context.get("le"))
            noun = "decimal" if isinstance(bound, float) else "integer"
            words = f"{noun} {side.split('_')[0]} {'minimum' if sign == '>=' else 'maximum'} value"
            message = f"Invalid '{path}': {words}. Expected a value {sign} {bound}, but got {value} instead."
            return Rejected(f"{noun}_{side}_value", message, path)
        case "string_too_long":
            most = context["max_length"]
            message = f"Invalid '{path}': string too long. Expected a string with maximum length {most}."
            return Rejected("string_above_max_length", message, path)
        case "too_long":
            noun = "array" if isinstance(value, list) else "object"
            message = f"Invalid '{path}': {noun} too long. Expected at most {context['max_length']}."
            return Rejected(f"{noun}_above_max_length", message, path)
    message = f"Invalid type for '{path}': {error['msg']}, but got {_noun(value)} instead."
    return Rejected("invalid_type", message, path)


def _path(location: tuple[int | str, ...], event: dict[str, Any], *, missing: bool) -> tuple[str, Any]:
    """Return the path of a field, without the tags that pydantic puts between its steps, and what is there."""
    path = ""
    value: Any = event
    for step in location:
        if isinstance(step, int):
            path, value = f"{path}[{step}]", value[step]
        elif isinstance(value, dict) and step in value:
            path, value = _join(path, step), value[step]
    if missing:
        path, value = _join(path, f"{location[-1]}"), None
    return path[:200], value


def _missing(path: str) -> Rejected:
    return Rejected("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def _invalid_value(path: str, value: Any, expected: str) -> Rejected:
    if not isinstance(value, str):
        return Rejected("invalid_type", f"Invalid type for '{path}': expected a string, but got {_noun(value)}.", path)
    message = f"Invalid value: '{value[:80]}'. Supported values are: {expected}."
    return Rejected("invalid_value", message, path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _noun(value: Any) -> str:
    names = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}
    return "null" if value is None else names.get(type(value), "an object")


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [each for each in level if isinstance(each, (dict, list))]
        if not level:
            return False
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return True
