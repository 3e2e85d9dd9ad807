"""Whatever a client sends, the engine answers, raises nothing, keeps to the protocol, and goes on.

At least 2,800 messages, always the same ones: right, wrong in one place, or no events at all.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from tests.judge import judge_server_event
from tests.unit.practice_client import PracticeClient, loud, quiet
from voice_ui import audio
from voice_ui.protocol.client import EVENT_CLASSES

PHASES = [Phase.explicit, Phase.generate]
"""No shrinking: each example takes too long for it."""

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
ITEM_IDS = st.sampled_from([f"item_{number}" for number in range(30)] + ["a", "b", "root"])
WORDS = st.text(max_size=20)
TEXT_PART = st.fixed_dictionaries({"type": st.sampled_from(["input_text", "output_text"]), "text": WORDS})
AUDIO_PART = st.fixed_dictionaries({"type": st.just("input_audio"), "audio": st.just(audio.encode(loud(120)))})
MESSAGE = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "role": st.sampled_from(["user", "assistant", "system"]),
        "content": st.lists(TEXT_PART | AUDIO_PART, max_size=2),
    },
    optional={"id": ITEM_IDS, "status": st.sampled_from(["completed", "incomplete"])},
)
TURN_DETECTION = st.sampled_from(
    [
        None,
        {"type": "none"},
        {"type": "server_vad"},
        {"type": "server_vad", "silence_duration_ms": 100, "interrupt_response": False},
        {"type": "server_vad", "create_response": False, "idle_timeout_ms": 5000},
        {"type": "semantic_vad", "eagerness": "high"},
    ]
)
SESSION = st.fixed_dictionaries(
    {"type": st.just("realtime")},
    optional={
        "output_modalities": st.sampled_from([["text"], ["audio"], None]),
        "instructions": WORDS,
        "max_output_tokens": st.sampled_from(["inf", 1, None]),
        "audio": st.fixed_dictionaries(
            {"input": st.fixed_dictionaries({"turn_detection": TURN_DETECTION, "transcription": st.none()})}
        ),
    },
)
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none", None]),
        "input": st.lists(
            MESSAGE | st.builds(lambda item: {"type": "item_reference", "id": item}, ITEM_IDS), max_size=2
        ),
        "metadata": st.dictionaries(WORDS, WORDS, max_size=2),
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
    },
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "session": SESSION,
    "audio": st.sampled_from([audio.encode(sound) for sound in (loud(300), quiet(300), quiet(1500), b"")]),
    "item": MESSAGE,
    "item_id": ITEM_IDS,
    "previous_item_id": ITEM_IDS,
    "content_index": st.integers(0, 1),
    "audio_end_ms": st.integers(0, 100),
    "response": RESPONSE,
    "response_id": st.sampled_from(["resp_1", "resp_20"]),
    "event_id": WORDS,
}


@st.composite
def client_messages(draw: st.DrawFn) -> str | bytes:
    """Mostly right, often wrong in one place, sometimes no event at all."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.text() | st.binary())
    if kind == 1:
        return json.dumps(draw(ANY_JSON))
    event: dict[str, Any] = {"type": draw(st.sampled_from(sorted(EVENT_CLASSES)))}
    needed = {
        "session.update": ["session"],
        "input_audio_buffer.append": ["audio"],
        "conversation.item.create": ["item"],
        "conversation.item.retrieve": ["item_id"],
        "conversation.item.delete": ["item_id"],
        "conversation.item.truncate": ["item_id", "content_index", "audio_end_ms"],
        "response.create": ["response"],
    }
    for name in needed.get(event["type"], []):
        event[name] = draw(FIELDS[name])
    if kind == 2:
        event[draw(st.sampled_from(sorted(FIELDS)) | st.text(max_size=5))] = draw(ANY_JSON)
    if kind == 3 and len(event) > 1:
        inside = event[draw(st.sampled_from(sorted(event)))]
        if isinstance(inside, dict):
            inside[draw(st.sampled_from(["type", "content", "input", "audio"]) | st.text(max_size=5))] = draw(ANY_JSON)
    return json.dumps(event)


ACTIONS = st.lists(client_messages() | st.sampled_from(["heard", "failed", "tick"]), min_size=10, max_size=30)


@settings(
    max_examples=700,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(ACTIONS)
async def test_no_client_can_break_the_session(actions: list[str | bytes]) -> None:
    client = PracticeClient()
    for action in actions:
        await take_action(client, action)
    for event in client.events:
        judge_server_event(event)
    client.forget()
    client.update()
    assert client.types == ["session.updated"]


async def take_action(client: PracticeClient, action: str | bytes) -> None:
    finished = [each for each in client.recognizer.utterances if each.finished and not each.words.done()]
    if action == "heard" and finished:
        await client.hear("hello", finished[-1])
    elif action == "failed" and finished:
        await client.fail_to_hear("no recogniser", finished[0])
    elif action == "tick":
        await client.settle()
    else:
        client.receive(action)
