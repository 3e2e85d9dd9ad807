"""Every event class by itself: to the wire and back, and valid to the letter by OpenAI's own types."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from tests import judge
from voice_ui.protocol import Dialect, Part, SessionConfig, WireItem, client, dialect_of, names, parse, server
from voice_ui.protocol.reading import Event

MESSAGE = WireItem("item_1", role="assistant", status="completed", content=(Part("output_text", "Hi"),))
CALL = WireItem("item_2", "function_call", status="completed", call_id="call_1", name="weather", arguments="{}")
SPOKEN = WireItem("item_3", role="user", status="completed", content=(Part("input_audio", transcript="Hello"),))
USAGE = {
    "total_tokens": 5, "input_tokens": 3, "output_tokens": 2,
    "input_token_details": {"text_tokens": 3, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 2, "audio_tokens": 0},
}  # fmt: skip
TRANSCRIPTION_USAGE = {"type": "duration", "seconds": 1.5}
SESSION = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "expires_at": 1_800_000_000}

EXAMPLES: dict[str, Any] = {
    "item": MESSAGE, "part": Part("output_text", "Hi"), "content_index": 0, "output_index": 0, "delta": "Hi",
    "audio_start_ms": 640, "audio_end_ms": 2240, "usage": USAGE, "status": "cancelled", "reason": "turn_detected",
    "error_code": None, "error_type": None, "message": "", "output": (MESSAGE, CALL, SPOKEN), "settings": {},
    "session": SESSION, "config": SessionConfig(), "audio": "AAAA", "response": {"output_modalities": ["text"]},
}  # fmt: skip
"""A value for each field that is not just a word."""

CONFIGS = [
    SessionConfig(),
    SessionConfig("", turn_detection="none"),
    SessionConfig("Sei kurz.", turn_detection="semantic_vad", transcription_model="gpt-live-transcribe"),
    SessionConfig("x", silence_ms=200, transcription_model="m", language="de", reasoning_effort="low"),
    SessionConfig(
        "x", output="audio", voice="marin", speed=1.25, noise_reduction="far_field", max_output_tokens=500,
        transcription_model="gpt-transcribe", keywords=("NiceGUI",), languages=("de", "en"), truncation="auto",
        tools=({"type": "function", "name": "weather", "parameters": {"type": "object"}},), tool_choice="auto",
    ),
    SessionConfig("x", transcription_prompt="Ships", noise_reduction="off", barge_in="at-once"),
    SessionConfig("x", output="audio", max_output_tokens="inf", tool_choice={"type": "function", "name": "weather"}),
]  # fmt: skip


def classes(room: Any) -> list[type[Event]]:
    """Return every event class of a module that stands for one event of the wire."""
    found = [kind for kind in vars(room).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return [kind for kind in found if getattr(kind, "type", None) or hasattr(kind, "wire_type")]


def example(kind: type[Event]) -> Any:
    fields = [field for field in dataclasses.fields(kind) if field.compare]  # type: ignore[arg-type]
    values = {field.name: EXAMPLES.get(field.name, f"some_{field.name}") for field in fields}
    if kind is server.TranscriptionCompleted:
        values["usage"] = TRANSCRIPTION_USAGE
    if kind is server.TranscriptionFailed:
        values["message"] = "It was too loud."
    return kind(**values)


SERVER, CLIENT = classes(server), classes(client)
BETA_TRANSCRIPTION = "input_audio_transcription"
UPDATES = [client.SessionUpdate(config, event_id="e1") for config in CONFIGS]


def name_of(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", SERVER, ids=name_of)
def test_a_server_event_comes_back_as_it_was(kind: type[Event], dialect: Dialect) -> None:
    event = example(kind)
    assert parse(json.dumps(event.to_wire(dialect))) == event


@pytest.mark.parametrize("kind", CLIENT, ids=name_of)
def test_a_client_event_comes_back_as_it_was(kind: type[Event]) -> None:
    event = example(kind)
    assert kind.from_wire(event.to_wire()) == event


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_a_configuration_comes_back_as_it_was(config: SessionConfig) -> None:
    expected = config
    if config.turn_detection != "server_vad":
        expected = dataclasses.replace(config, threshold=SessionConfig.threshold, silence_ms=SessionConfig.silence_ms)
    assert SessionConfig.from_wire(config.to_wire()) == expected


@pytest.mark.parametrize("kind", SERVER, ids=name_of)
def test_the_official_types_know_all_of_a_server_event(kind: type[Event]) -> None:
    event = {"event_id": "event_1", **example(kind).to_wire()}
    if kind in (server.SessionCreated, server.SessionUpdated):
        judge._judge(judge.SERVER_EVENTS[event["type"]], event, judge.RESOURCE_FIELDS)
    else:
        judge.judge_server_event(event)


@pytest.mark.parametrize("kind", SERVER, ids=name_of)
def test_the_official_types_of_the_beta_know_its_server_events(kind: type[Event]) -> None:
    event = {"event_id": "event_1", **example(kind).to_wire(Dialect.BETA)}
    if event["type"] not in judge.BETA_SERVER_EVENTS:
        assert kind in (
            server.TimeoutTriggered,
            server.ItemDone,
            server.McpListToolsFailed,
        )  # the beta has none of these
    elif kind not in (server.SessionCreated, server.SessionUpdated):
        unknown = {"name"} if kind is server.FunctionCallArgumentsDone else set()
        judge._judge(judge.BETA_SERVER_EVENTS[event["type"]], event, unknown)


@pytest.mark.parametrize("event", [*UPDATES, *map(example, CLIENT)], ids=lambda event: type(event).__name__)
def test_the_official_types_know_all_of_a_client_event(event: Any) -> None:
    judge.judge_client_event(event.to_wire())


@pytest.mark.parametrize("event", [*UPDATES, *map(example, CLIENT)], ids=lambda event: type(event).__name__)
def test_the_official_types_of_the_beta_know_all_of_a_client_event(event: Any) -> None:
    if isinstance(event, client.ResponseCreate):
        event = client.ResponseCreate(event_id="e1")
    judge.judge_beta_client_event(event.to_wire(Dialect.BETA))


@pytest.mark.parametrize("event", [*UPDATES, *map(example, CLIENT)], ids=lambda event: type(event).__name__)
def test_the_practice_server_takes_whatever_the_client_sends(event: Any) -> None:
    assert client.read(json.dumps(event.to_wire())) == type(event).from_wire(event.to_wire())


def test_every_event_of_both_unions_was_tried() -> None:
    assert {kind.__name__ for kind in CLIENT} == {kind.__name__ for kind in client.EVENT_CLASSES.values()}
    assert set(SERVER) == set(server.EVENT_CLASSES.values())


def test_each_name_is_written_once() -> None:
    both = [*SERVER, *CLIENT]
    assert len({getattr(kind, "wire_type", None) or kind.type for kind in both}) == len(both)
    assert set(names.EVENTS) < set(server.EVENT_CLASSES)


def test_the_official_types_name_an_unknown_field() -> None:
    event = UPDATES[0].to_wire()
    event["session"]["temperature"] = 0.8
    with pytest.raises(AssertionError):
        judge.judge_client_event(event)


@pytest.mark.parametrize(
    ("session", "dialect"),
    [
        ({"type": "realtime", "output_modalities": ["audio"], "audio": {}}, Dialect.GA),
        ({"modalities": ["text", "audio"], "input_audio_format": "pcm16", "turn_detection": None}, Dialect.BETA),
        ({"id": "sess_1"}, Dialect.GA),
    ],
)
def test_a_server_shows_its_dialect_with_its_first_event(session: dict[str, Any], dialect: Dialect) -> None:
    assert dialect_of(session) is dialect


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return a session, or the settings of a response, of the beta as GA writes it."""
    found: dict[str, Any] = {}
    for path, name in names.SESSION.items():
        if name in flat:
            *folders, last = path
            place = found
            for folder in folders:
                place = place.setdefault(folder, {})
            place[last] = {"type": "audio/pcm", "rate": 24_000} if name.endswith("_audio_format") else flat[name]
    if isinstance(modalities := flat.get("modalities"), list):
        found["output_modalities"] = ["audio"] if "audio" in modalities else ["text"]
    return found


def test_a_beta_session_is_a_ga_session_in_other_words() -> None:
    session = SessionConfig("x", transcription_model="m", output="audio", voice="alloy", max_output_tokens=9).to_wire()
    assert nested(names.flat(session)) | {"type": "realtime"} == session


@pytest.mark.parametrize(
    ("model", "dialect", "told"),
    [
        ("gpt-live-transcribe", Dialect.GA,
         {"languages": ["de", "en"], "keywords": ["Ada", "Voice UI"], "prompt": "Ships"}),
        ("gpt-4o-transcribe", Dialect.GA, {"prompt": "Ships\nAda, Voice UI"}),
        ("gpt-realtime-whisper", Dialect.GA, {}),
        ("gpt-4o-transcribe-diarize", Dialect.GA, {}),
        ("somebody-elses", Dialect.GA, {"prompt": "Ships\nAda, Voice UI"}),
        ("gpt-live-transcribe", Dialect.BETA, {"prompt": "Ships\nAda, Voice UI"}),
    ],
)  # fmt: skip
def test_a_transcription_model_is_told_only_what_it_takes(model: str, dialect: Dialect, told: dict[str, Any]) -> None:
    config = SessionConfig(
        transcription_model=model,
        languages=("de", "en"),
        keywords=("Ada", "Voice UI"),
        transcription_prompt="Ships",
    )
    wire = config.to_wire(dialect)
    transcription = dict(wire["audio"]["input"]["transcription"] if dialect is Dialect.GA else wire[BETA_TRANSCRIPTION])
    del transcription["model"]
    assert transcription == told
    one = SessionConfig(transcription_model=model, languages=("de",)).to_wire(dialect)
    assert (one["audio"]["input"]["transcription"] if dialect is Dialect.GA else one[BETA_TRANSCRIPTION])[
        "language"
    ] == "de"


@pytest.mark.parametrize("output", ["text", "audio"])
def test_our_instructions_fit_the_output(output: str) -> None:
    said = SessionConfig(output=output).to_wire()["instructions"]
    assert ("read on a screen" in said, "heard" in said) == (output == "text", output == "audio")
    assert SessionConfig("", output=output).to_wire()["instructions"] == ""


def test_what_is_taken_back_in_a_running_session_is_undone() -> None:
    before = SessionConfig(speed=1.2, noise_reduction="near_field", max_output_tokens=50, truncation="disabled")
    after = SessionConfig().after(before).to_wire()
    assert after["audio"]["output"]["speed"] == 1.0
    assert after["audio"]["input"]["noise_reduction"] is None
    assert (after["max_output_tokens"], after["truncation"]) == ("inf", "auto")
    assert SessionConfig().after(SessionConfig()) == SessionConfig()
