"""What a client may say in the beta dialect. Pure.

Shapes: openai 3.54, types/beta/realtime/realtime_client_event.py and what it unites.
"""

from __future__ import annotations

from typing import Any

from voice_ui.offline.checks import (
    Check,
    Rejected,
    array,
    nullable,
    number,
    one_of,
    record,
    string_map,
    tagged,
    text,
)
from voice_ui.offline.client_events import (
    CLIENT_EVENTS,
    INPUT_AUDIO,
    INPUT_TEXT,
    ITEM_REFERENCE,
    ITEMS,
    MAX_OUTPUT_TOKENS,
    MAX_TEXT,
    NO_TURN_DETECTION,
    OUTPUT_AUDIO,
    SEMANTIC_VAD,
    SERVER_VAD,
    TOOLS,
    TRACING,
    client_event,
    message,
)

MODALITIES = (["text"], ["text", "audio"], ["audio", "text"])

_TURN_DETECTION = tagged({"server_vad": record(SERVER_VAD), "semantic_vad": SEMANTIC_VAD, "none": NO_TURN_DETECTION})
_TRANSCRIPTION = record(
    {"model": nullable(text(256)), "language": nullable(text(16)), "prompt": nullable(text(MAX_TEXT))}
)


def _modalities(value: Any, param: str) -> None:
    array(one_of("text", "audio"))(value, param)
    if value not in MODALITIES:
        told = f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio', 'text']."
        raise Rejected("invalid_value", told, param)


_PCM16 = nullable(one_of("pcm16"))
_GENERATION: dict[str, Check] = {
    "modalities": nullable(_modalities),
    "instructions": nullable(text(MAX_TEXT)),
    "voice": nullable(text(256)),
    "output_audio_format": _PCM16,
    "tools": nullable(TOOLS),
    "tool_choice": nullable(text(64)),
    "temperature": nullable(number(0.6, 1.2)),
    "max_response_output_tokens": nullable(MAX_OUTPUT_TOKENS),
}
SESSION = record(
    {
        **_GENERATION,
        "model": text(256),
        "input_audio_format": _PCM16,
        "input_audio_transcription": nullable(_TRANSCRIPTION),
        "input_audio_noise_reduction": nullable(record({"type": nullable(one_of("near_field", "far_field"))})),
        "turn_detection": nullable(_TURN_DETECTION),
        "speed": nullable(number(0.25, 1.5)),
        "tracing": nullable(TRACING),
    }
)
_MESSAGE = tagged(
    {
        "user": message(input_text=INPUT_TEXT, input_audio=INPUT_AUDIO),
        "assistant": message(text=INPUT_TEXT, audio=OUTPUT_AUDIO),
        "system": message(input_text=INPUT_TEXT),
    },
    tag="role",
)
_ITEMS = {**ITEMS, "message": _MESSAGE}
_RESPONSE = record(
    {
        **_GENERATION,
        "conversation": nullable(one_of("auto", "none")),
        "input": nullable(array(tagged({**_ITEMS, "item_reference": ITEM_REFERENCE}))),
        "metadata": nullable(string_map),
    }
)
_BETA_EVENTS: dict[str, Check] = {
    **CLIENT_EVENTS,
    "session.update": client_event(("session",), session=SESSION),
    "conversation.item.create": client_event(("item",), item=tagged(_ITEMS), previous_item_id=nullable(text(64))),
    "response.create": client_event(response=nullable(_RESPONSE)),
}


def check(event: dict[str, Any]) -> None:
    """Raise Rejected unless `event` is a client event of the beta, whole and with nothing unknown in it."""
    tagged(_BETA_EVENTS)(event, "")
