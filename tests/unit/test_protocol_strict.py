"""What a client gets wrong is refused with the code and the path that OpenAI would name; nothing of it takes effect."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, strategies as st

from voice_ui.protocol import client


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "event_id": "e1", "session": {"type": "realtime", **session}}


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "event_id": "e1", "item": fields}


def vad(**fields: Any) -> dict[str, Any]:
    return {"input": {"turn_detection": {"type": "server_vad", **fields}}}


CUT = {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "event_id": "e1"}

REFUSED = [
    (update(temperature=1), "unknown_parameter", "session.temperature"),
    (update(audio=vad(x=1)), "unknown_parameter", "session.audio.input.turn_detection.x"),
    ({"type": "session.update", "event_id": "e1", "session": {"modalities": []}}, "unknown_parameter",
     "session.modalities"),
    ({"type": "session.update", "event_id": "e1", "session": {}}, "missing_required_parameter", "session.type"),
    ({"type": "session.update", "event_id": "e1"}, "missing_required_parameter", "session"),
    ({"event_id": "e1"}, "missing_required_parameter", "type"),
    ({"type": "x", "event_id": "e1"}, "invalid_value", "type"),
    ({"type": 1, "event_id": "e1"}, "invalid_type", "type"),
    (update(type="transcription", x=1), "invalid_parameter", "session.type"),
    (update(type="sung"), "invalid_value", "session.type"),
    (update(audio={"input": {"turn_detection": {"type": "x"}}}), "invalid_value",
     "session.audio.input.turn_detection.type"),
    (update(audio={"input": {"turn_detection": 5}}), "invalid_type", "session.audio.input.turn_detection"),
    (update(audio={"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}), "integer_below_min_value",
     "session.audio.input.format.rate"),
    (update(audio=vad(threshold=1.5)), "decimal_above_max_value", "session.audio.input.turn_detection.threshold"),
    (update(audio=vad(silence_duration_ms=10**15)), "integer_above_max_value",
     "session.audio.input.turn_detection.silence_duration_ms"),
    (update(audio=vad(create_response=1)), "invalid_type", "session.audio.input.turn_detection.create_response"),
    (update(instructions="x" * 900_000), "string_above_max_length", "session.instructions"),
    (update(instructions=5), "invalid_type", "session.instructions"),
    (update(output_modalities=["text", "audio"]), "invalid_value", "session.output_modalities"),
    (update(max_output_tokens="lots"), "invalid_value", "session.max_output_tokens"),
    (update(max_output_tokens=0), "integer_below_min_value", "session.max_output_tokens"),
    (update(max_output_tokens=1.5), "invalid_type", "session.max_output_tokens"),
    (update(tools=[{"type": "function"}]), "missing_required_parameter", "session.tools[0].name"),
    (update(tools=[{"type": "function", "name": "f"}] * 129), "array_above_max_length", "session.tools"),
    (update(tool_choice="maybe"), "invalid_value", "session.tool_choice"),
    (update(audio={"output": {"voice": 5}}), "invalid_type", "session.audio.output.voice"),
    (update(prompt={"id": "p"}), "unknown_parameter", "session.prompt"),
    (item(type="message", role="user", content=[{"type": "input_text"}]), "missing_required_parameter",
     "item.content[0].text"),
    (item(type="message", role="user", content=[{"type": "input_image"}]), "missing_required_parameter",
     "item.content[0].image_url"),
    (item(type="message", role="user", content=[{"type": "input_video"}]), "invalid_value", "item.content[0].type"),
    (item(type="message", role="bot", content=[]), "invalid_value", "item.role"),
    (item(type="message", content=[]), "missing_required_parameter", "item.role"),
    (item(type="message", role="user"), "missing_required_parameter", "item.content"),
    (item(type="message", role="user", content=5), "invalid_type", "item.content"),
    (item(type="function_call_output", output="1"), "missing_required_parameter", "item.call_id"),
    ({**CUT, "audio_end_ms": 1.5}, "invalid_type", "audio_end_ms"),
    (CUT, "missing_required_parameter", "audio_end_ms"),
    ({"type": "response.create", "event_id": "e1", "response": {"conversation": "none"}}, "invalid_value",
     "response.conversation"),
    ({"type": "response.create", "event_id": "e1", "response": {"metadata": {"a": 1}}}, "invalid_type",
     "response.metadata.a"),
]  # fmt: skip


@pytest.mark.parametrize(("event", "code", "param"), REFUSED, ids=[f"{code} {param}" for _, code, param in REFUSED])
def test_what_is_wrong_is_named_by_its_path(event: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(client.Rejected) as refused:
        client.read(json.dumps(event))
    assert (refused.value.code, refused.value.param, refused.value.event_id) == (code, param, "e1")
    assert param in refused.value.message or code in {"invalid_value", "invalid_parameter"}
    assert len(refused.value.message) < 500


@pytest.mark.parametrize(
    ("message", "code"),
    [("", "invalid_json"), ("{", "invalid_json"), ("[" * 5000, "invalid_json"), ("[]", "invalid_event"),
     ("null", "invalid_event"), (b"{}", "invalid_event")],
)  # fmt: skip
def test_what_is_no_event_is_refused(message: str | bytes, code: str) -> None:
    with pytest.raises(client.Rejected) as refused:
        client.read(message)
    assert (refused.value.code, refused.value.event_id) == (code, None)


def test_an_event_nested_too_deep_to_be_written_again_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"properties": deep}
    with pytest.raises(client.Rejected) as refused:
        client.read(json.dumps(update(tools=[{"type": "function", "name": "f", "parameters": deep}])))
    assert refused.value.code == "invalid_value"


def test_only_the_fields_that_a_client_wrote_are_there_to_change() -> None:
    event = client.read(json.dumps(update(instructions="Be brief.")))
    assert isinstance(event, client.SessionUpdate)
    assert event.session == {"type": "realtime", "instructions": "Be brief."}


names = st.sampled_from(sorted([*client.EVENT_CLASSES, "x"]))
fields = st.sampled_from(
    ["event_id", "session", "item", "audio", "item_id", "response", "type", "role", "content", "output_modalities",
     "tools", "metadata", "content_index", "turn_detection", "input"]
)  # fmt: skip
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "realtime", "message"])
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=4), max_leaves=8
)


@given(names, st.dictionaries(fields, values, max_size=5))
def test_garbage_is_refused_or_read(name: str, garbage: dict[str, Any]) -> None:
    try:
        assert client.read(json.dumps({**garbage, "type": name})).to_wire()["type"] == name
    except client.Rejected as refused:
        assert refused.code


def test_a_session_does_not_load_pydantic() -> None:
    code = "import sys, voice_ui.protocol; sys.exit('pydantic' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
