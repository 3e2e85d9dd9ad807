"""What a client may say: the shape of every client event in GA, and `read()` from the wire. Pure.

Shapes: openai 3.54, types/realtime/realtime_client_event.py and what it unites. What this server cannot do (sound in
another format than PCM, images, MCP) is refused here and not pretended.
"""

from __future__ import annotations

from typing import Any

import orjson

from voice_ui.offline.checks import (
    Check,
    Rejected,
    an_object,
    any_of,
    anything,
    array,
    boolean,
    integer,
    missing,
    nullable,
    number,
    one_of,
    record,
    string_map,
    tagged,
    text,
)

MAX_TEXT = 200_000
"""Characters in one text of a client."""

ID = text(32)
EVENT_ID = text(512)

PCM = record({"type": one_of("audio/pcm"), "rate": integer(24_000, 24_000)}, required=("type",))
FORMAT = tagged({"audio/pcm": PCM})
MAX_OUTPUT_TOKENS = any_of("an integer or 'inf'", integer(1, 4096), one_of("inf"))
MODALITIES = array(one_of("text", "audio"))

_REPLIES = {"type": anything, "create_response": nullable(boolean), "interrupt_response": nullable(boolean)}
SERVER_VAD: dict[str, Check] = {
    **_REPLIES,
    "threshold": nullable(number(0, 1)),
    "prefix_padding_ms": nullable(integer(0, 5000)),
    "silence_duration_ms": nullable(integer(0, 10_000)),
}
SEMANTIC_VAD = record({**_REPLIES, "eagerness": nullable(one_of("low", "medium", "high", "auto"))})
NO_TURN_DETECTION = record({"type": anything})
"""How Azure's clients say null."""

TURN_DETECTION = tagged(
    {
        "server_vad": record({**SERVER_VAD, "idle_timeout_ms": nullable(integer(5000, 30_000))}),
        "semantic_vad": SEMANTIC_VAD,
        "none": NO_TURN_DETECTION,
    }
)
TRANSCRIPTION = record(
    {
        "model": nullable(text(256)),
        "language": nullable(text(16)),
        "languages": nullable(array(text(16), 100)),
        "prompt": nullable(text(MAX_TEXT)),
        "keywords": nullable(array(text(256))),
        "delay": nullable(one_of("minimal", "low", "medium", "high", "xhigh")),
    }
)
NOISE_REDUCTION = record({"type": nullable(one_of("near_field", "far_field")), "strength": nullable(number(0, 1))})
AUDIO_INPUT = record(
    {
        "format": nullable(FORMAT),
        "transcription": nullable(TRANSCRIPTION),
        "noise_reduction": nullable(NOISE_REDUCTION),
        "turn_detection": nullable(TURN_DETECTION),
    }
)
VOICE = any_of("a voice", record({"id": text(256)}, required=("id",)), text(256))
AUDIO_OUTPUT = record(
    {"format": nullable(FORMAT), "voice": nullable(VOICE), "speed": nullable(number(0.25, 1.5))},
)
FUNCTION = record(
    {"type": anything, "name": text(64), "description": nullable(text(MAX_TEXT)), "parameters": nullable(anything)},
    required=("name",),
)
TOOLS = array(tagged({"function": FUNCTION}), 128)
TOOL_CHOICE = any_of(
    "a tool choice",
    tagged({"function": record({"type": anything, "name": text(64)}, required=("name",))}),
    one_of("none", "auto", "required"),
)
PROMPT = record({"id": text(256), "version": nullable(text(64)), "variables": nullable(anything)}, required=("id",))
REASONING = record({"effort": nullable(one_of("minimal", "low", "medium", "high", "xhigh"))})
TRACING = any_of(
    "'auto' or an object",
    record(
        {"workflow_name": nullable(text(256)), "group_id": nullable(text(256)), "metadata": nullable(anything)},
    ),
    one_of("auto"),
)
RETENTION = record(
    {
        "type": anything,
        "retention_ratio": number(0, 1),
        "token_limits": nullable(record({"post_instructions": nullable(integer(0))})),
    },
    required=("retention_ratio",),
)
TRUNCATION = any_of("a truncation strategy", tagged({"retention_ratio": RETENTION}), one_of("auto", "disabled"))

_GENERATION: dict[str, Check] = {
    "instructions": nullable(text(MAX_TEXT)),
    "output_modalities": nullable(MODALITIES),
    "max_output_tokens": nullable(MAX_OUTPUT_TOKENS),
    "tools": nullable(TOOLS),
    "tool_choice": nullable(TOOL_CHOICE),
    "parallel_tool_calls": nullable(boolean),
    "prompt": nullable(PROMPT),
    "reasoning": nullable(REASONING),
}
SESSION = record(
    {
        **_GENERATION,
        "type": anything,
        "model": text(256),
        "audio": record({"input": AUDIO_INPUT, "output": AUDIO_OUTPUT}),
        "include": nullable(array(one_of("item.input_audio_transcription.logprobs"))),
        "tracing": nullable(TRACING),
        "truncation": nullable(TRUNCATION),
    }
)

_ITEM = {
    "id": nullable(ID),
    "type": anything,
    "object": nullable(one_of("realtime.item")),
    "status": nullable(one_of("completed", "incomplete", "in_progress")),
}
_WRITTEN = {"type": anything, "text": text(MAX_TEXT)}
INPUT_TEXT = record(_WRITTEN, required=("text",))
INPUT_AUDIO = record(
    {"type": anything, "audio": text(), "transcript": nullable(text(MAX_TEXT))},
    required=("audio",),
)
OUTPUT_AUDIO = record({"type": anything, "transcript": text(MAX_TEXT)}, required=("transcript",))


def message(**content: Check) -> Check:
    """Allow an item with content of these types."""
    parts = array(tagged(content), 64)
    return record({**_ITEM, "role": anything, "content": parts}, required=("content",))


MESSAGE = tagged(
    {
        "user": message(input_text=INPUT_TEXT, input_audio=INPUT_AUDIO),
        "assistant": message(output_text=INPUT_TEXT, output_audio=OUTPUT_AUDIO),
        "system": message(input_text=INPUT_TEXT),
    },
    tag="role",
)
_CALL = {**_ITEM, "call_id": nullable(text(64))}
ITEMS: dict[str, Check] = {
    "message": MESSAGE,
    "function_call": record({**_CALL, "name": text(64), "arguments": text(MAX_TEXT)}, required=("name", "arguments")),
    "function_call_output": record({**_CALL, "output": text(MAX_TEXT)}, required=("call_id", "output")),
}
ITEM_REFERENCE = record({"type": anything, "id": ID}, required=("id",))
RESPONSE = record(
    {
        **_GENERATION,
        "audio": nullable(record({"output": nullable(record({"format": nullable(FORMAT), "voice": nullable(VOICE)}))})),
        "conversation": nullable(one_of("auto", "none")),
        "input": nullable(array(tagged({**ITEMS, "item_reference": ITEM_REFERENCE}))),
        "metadata": nullable(string_map),
    }
)


def client_event(required: tuple[str, ...] = (), **fields: Check) -> Check:
    """Allow an event with these fields, some of them `required`."""
    return record({"type": anything, "event_id": nullable(EVENT_ID), **fields}, required=required)


def _an_object(value: Any, param: str) -> None:
    an_object(value, param)  # its kind is for `check` to find out


CLIENT_EVENTS: dict[str, Check] = {
    "session.update": client_event(("session",), session=_an_object),
    "input_audio_buffer.append": client_event(("audio",), audio=text()),
    "input_audio_buffer.commit": client_event(),
    "input_audio_buffer.clear": client_event(),
    "conversation.item.create": client_event(("item",), item=tagged(ITEMS), previous_item_id=nullable(text(64))),
    "conversation.item.retrieve": client_event(("item_id",), item_id=text(64)),
    "conversation.item.truncate": client_event(
        ("item_id", "content_index", "audio_end_ms"),
        item_id=text(64),
        content_index=integer(0),
        audio_end_ms=integer(0),
    ),
    "conversation.item.delete": client_event(("item_id",), item_id=text(64)),
    "response.create": client_event(response=nullable(RESPONSE)),
    "response.cancel": client_event(response_id=nullable(text(64))),
}


def read(message: str | bytes) -> dict[str, Any]:
    """Return the JSON object in one message; raises Rejected."""
    if isinstance(message, bytes):
        raise Rejected("invalid_event", "Binary frames are not supported. Send events as JSON in text frames.")
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise Rejected("invalid_json", "We could not parse the JSON body of your event.") from None
    if not isinstance(event, dict):
        raise Rejected("invalid_event", "An event is a JSON object with a 'type'.")
    return event


def event_id(event: dict[str, Any]) -> str | None:
    """Return the id a client gave its event, if it is one that can be echoed."""
    value = event.get("event_id")
    return value if isinstance(value, str) and len(value) <= 512 else None


def check(event: dict[str, Any]) -> None:
    """Raise Rejected unless `event` is a client event of GA, whole and with nothing unknown in it."""
    tagged(CLIENT_EVENTS)(event, "")
    if event["type"] == "session.update":
        _check_session(event["session"])
    if event["type"] == "response.create":
        check_modalities(event.get("response") or {}, "response")


def _check_session(session: dict[str, Any]) -> None:
    match session.get("type"):
        case "realtime":
            SESSION(session, "session")
        case "transcription":
            message = "Passing a transcription session update event to a realtime session is not allowed."
            raise Rejected("invalid_parameter", message, "session.type")
        case None:
            # An unknown field is the better clue: what lacks a type is mostly a session in the shape of the beta.
            SESSION(session, "session")
            raise missing("session.type")
        case other:
            one_of("realtime", "transcription")(other, "session.type")
    check_modalities(session, "session")


def check_modalities(settings: dict[str, Any], param: str) -> None:
    """Raise Rejected for anything but one of `["text"]` and `["audio"]`."""
    modalities = settings.get("output_modalities")
    if modalities is not None and modalities not in (["text"], ["audio"]):
        message = f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio']."
        raise Rejected("invalid_value", message, f"{param}.output_modalities")
