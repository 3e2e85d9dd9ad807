"""A track without beginning and end becomes the sound of a reply, followed by what ends it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from voice_ui import audio
from voice_ui.protocol import parse, server
from voice_ui.transport.reply_track import LATE_SECONDS, SILENT_SECONDS, ReplyTrack

LOUD = b"\x00\x20" * 480
QUIET = audio.silence(20)


class Heard:
    """A track that is heard, with a clock."""

    def __init__(self) -> None:
        self.track, self.now = ReplyTrack(), 100.0

    def say(self, kind: str, **fields: Any) -> list[str]:
        return self.types(self.track.take(json.dumps({"type": kind, **fields}), self.now))

    def play(self, pcm: bytes) -> list[str]:
        self.now += 0.02
        return self.types(self.track.hear(pcm, self.now))

    def begin(self, response: str = "r") -> None:
        self.play(QUIET)
        self.say("response.output_audio_transcript.delta", response_id=response, item_id="a", delta="Hello.")
        self.say("output_audio_buffer.started", response_id=response)

    def end(self, response: str = "r") -> list[str]:
        done = self.say("response.output_audio.done", response_id=response, item_id="a")
        return done + self.say("response.done", response={"id": response, "status": "completed"})

    @staticmethod
    def types(messages: list[str | bytes]) -> list[str]:
        return [json.loads(message)["type"].removeprefix("response.") for message in messages]


SOUND = ["output_audio.delta"]
ENDS = ["output_audio.done", "done"]


def test_what_ends_a_reply_follows_its_sound() -> None:
    heard = Heard()
    heard.begin()
    assert heard.play(QUIET) == [], "not begun yet"
    assert heard.play(LOUD) == SOUND
    assert heard.end() == [], "the server is ahead of the track"
    assert heard.play(QUIET) == SOUND, "a pause"
    assert heard.say("output_audio_buffer.stopped", response_id="r") == []
    assert heard.play(LOUD) == SOUND, "what the jitter buffer held"
    assert heard.play(QUIET) == ENDS
    assert heard.play(LOUD) == [], "nobody's"


def test_the_sound_is_an_event_of_the_wire_with_its_item() -> None:
    heard = Heard()
    heard.begin()
    (message,) = heard.track.hear(LOUD, heard.now)
    event = parse(message)
    assert event == server.AudioDelta("r", "a", 0, audio.encode(LOUD), 0)


def test_a_track_that_is_loud_to_the_end_and_one_that_breaks_end_in_time() -> None:
    heard = Heard()
    heard.begin()
    heard.play(LOUD)
    heard.end()
    heard.say("output_audio_buffer.stopped", response_id="r")
    heard.now += LATE_SECONDS
    assert heard.types(heard.track.pass_time(heard.now)) == ENDS


def test_a_server_that_does_not_say_when_it_stops() -> None:
    heard = Heard()
    heard.begin()
    heard.play(LOUD)
    heard.end()
    heard.now += SILENT_SECONDS - 0.1
    assert heard.play(QUIET) == SOUND
    heard.now += 0.2
    assert heard.types(heard.track.pass_time(heard.now)) == ENDS


def test_without_sound_nothing_waits() -> None:
    heard = Heard()
    heard.say("response.output_audio_transcript.delta", response_id="r", item_id="a", delta="Hello.")
    assert heard.end() == ENDS, "no track"
    written = Heard()
    written.play(QUIET)
    assert written.end() == ENDS, "a written reply"


@pytest.mark.parametrize("is_by_server", [True, False])
def test_a_reply_that_is_silenced_is_over_at_once(is_by_server: bool) -> None:
    heard = Heard()
    heard.begin()
    heard.play(LOUD)
    heard.end()
    if is_by_server:
        assert heard.say("output_audio_buffer.cleared", response_id="r") == ENDS
    else:
        assert heard.types(heard.track.silence()) == ENDS
        assert heard.say("output_audio_buffer.cleared", response_id="r") == []
    assert heard.play(LOUD) == []
    heard.say("response.output_audio_transcript.delta", response_id="r", item_id="a", delta=" More.")
    assert heard.play(LOUD) == [], "what still comes of it is not wanted"
    heard.begin("r2")
    assert heard.play(LOUD) == SOUND


def test_the_next_reply_ends_the_one_before() -> None:
    heard = Heard()
    heard.begin()
    heard.play(LOUD)
    heard.end()
    started = heard.say("output_audio_buffer.started", response_id="r2")
    assert started == ENDS
    assert heard.end("r2") == []


@pytest.mark.parametrize("what", ["stopped", "cleared"])
def test_what_comes_late_about_one_reply_does_not_end_the_next(what: str) -> None:
    heard = Heard()
    heard.begin()
    heard.track.silence()
    heard.begin("r2")
    heard.play(LOUD)
    assert heard.end("r2") == heard.say(f"output_audio_buffer.{what}", response_id="r") == []
    assert heard.play(QUIET) == SOUND


GARBAGE = ["", "{", "[]", "3", '{"type": "response.done"}', b"\xff", '{"type": 7}', '{"type": []}', '{"type": {}}']


@pytest.mark.parametrize("message", [*GARBAGE, '{"type": "response.done", "response": {"id": []}}'])
def test_garbage_goes_on_to_the_reader(message: str | bytes) -> None:
    track = ReplyTrack()
    track.hear(QUIET, 0.0)
    track.take('{"type": "output_audio_buffer.started", "response_id": "r"}', 0.0)
    assert track.take(message, 0.0) == [message]
