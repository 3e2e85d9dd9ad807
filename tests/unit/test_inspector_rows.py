"""Events of the wire as a person reads them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, strategies as st

from voice_ui import audio
from voice_ui.page.inspector_rows import DEEPEST, LONGEST, readable, rows_of
from voice_ui.protocol import client
from voice_ui.session import TracedEvent

LOUD = client.InputAudioBufferAppend(audio.encode(b"\x00\x40" * 480)).to_wire()  # 16384 of 32768
QUIET = client.InputAudioBufferAppend(audio.encode(audio.silence(20))).to_wire()
STARTED = '{"type": "input_audio_buffer.speech_started", "item_id": "i"}'


def traced(*events: dict[str, Any] | str | bytes, first: int = 1) -> list[TracedEvent]:
    return [TracedEvent(number, 10 + number / 50, event) for number, event in enumerate(events, first)]


def test_sound_is_shown_as_its_length_and_level() -> None:
    [row] = rows_of(traced(LOUD), since=10)
    assert row["event"] == {"type": "input_audio_buffer.append", "audio": {"ms": 20, "peak_dbfs": -6.0}}
    assert (row["number"], row["at_ms"], row["from"]) == (1, 20, "client")
    [row] = rows_of(traced(QUIET), since=10)
    assert row["event"]["audio"] == {"ms": 20, "peak_dbfs": None}
    assert LOUD["audio"] == audio.encode(b"\x00\x40" * 480)  # what is sent is not changed


def test_consecutive_appends_are_one_row_with_their_count_and_the_loudest_level() -> None:
    rows = rows_of(traced(QUIET, LOUD, QUIET, STARTED, QUIET), since=10)
    assert [(row["number"], row.get("last"), row.get("count")) for row in rows] == [
        (1, 3, 3),
        (4, None, None),
        (5, 5, 1),
    ]
    assert rows[0]["event"]["audio"] == {"ms": 60, "peak_dbfs": -6.0}
    assert rows[1]["event"] == json.loads(STARTED)


def test_what_a_server_speaks_is_not_shown_as_base64() -> None:
    for type in ("response.output_audio.delta", "response.audio.delta"):
        message = json.dumps({"type": type, "delta": audio.encode(audio.silence(40))})
        [row] = rows_of(traced(message), since=10)
        assert row["event"] == {"type": type, "delta": {"ms": 40, "peak_dbfs": None}}
    part = {"type": "input_audio", "audio": audio.encode(audio.silence(40)), "transcript": "hello"}
    shown = readable({"type": "conversation.item.retrieved", "item": {"content": [part]}})
    assert shown["item"]["content"] == [part | {"audio": {"ms": 40, "peak_dbfs": None}}]


def test_a_key_that_a_server_repeats_is_not_shown() -> None:
    message = {"type": "error", "error": {"message": "Incorrect API key: sk-proj-0123456789."}}
    assert "0123456789" not in json.dumps(readable(message))
    [row] = rows_of(traced("<html>Bearer sk-proj-0123456789</html>"), since=10)
    assert row["event"] == "<html>Bearer [redacted]"


def test_what_is_too_long_or_too_deep_is_cut() -> None:
    text = readable({"type": "x", "text": "a" * (LONGEST + 1)})["text"]
    assert text == "a" * LONGEST + f"… ({LONGEST + 1:,} characters)"
    deep: Any = "the end"
    for _ in range(900):
        deep = [deep]
    shown = json.dumps(readable({"type": "x", "deep": deep}))
    assert shown.count("[") == DEEPEST - 1 and "the end" not in shown


@given(st.binary() | st.text() | st.recursive(st.none() | st.text(), lambda values: st.dictionaries(st.text(), values)))
def test_whatever_a_server_says_becomes_a_row_that_can_be_written(said: Any) -> None:
    message = said if isinstance(said, str | bytes) else json.dumps(said)
    [row] = rows_of(traced(message), since=10)
    json.dumps(row)
