"""Which reply answers which turn: the events of a server, in the orders that really happen."""

from __future__ import annotations

from voice_ui.protocol import ServerEvent, server
from voice_ui.session.turns import Turns
from voice_ui.state import Input


def inputs(*events: ServerEvent) -> list[Input]:
    turns = Turns(silence_ms=500)
    steps = (turns.apply(event, now) for now, event in enumerate(events))
    return [step for step in steps if step]


def test_a_turn_is_speech_its_end_text_and_done() -> None:
    assert inputs(
        server.SpeechStarted("u", 0), server.SpeechStopped("u", 900), server.Committed("u"),
        server.ResponseCreated("r"), server.TextDelta("r", "a", "Hi"), server.ResponseDone("r", "completed"),
    ) == [Input.SPEECH_STARTED, Input.TURN_ENDED, Input.TEXT, Input.RESPONSE_DONE]  # fmt: skip


def test_what_is_left_of_an_interrupted_reply_does_not_answer_the_next_turn() -> None:
    assert inputs(
        server.ResponseCreated("old"), server.SpeechStarted("u", 0), server.SpeechStopped("u", 900),
        server.TextDelta("old", "a", "left"), server.ResponseDone("old", "cancelled"),
        server.ResponseCreated("new"), server.TextDelta("new", "b", "Hi"),
    ) == [Input.SPEECH_STARTED, Input.TURN_ENDED, Input.TEXT]  # fmt: skip


def test_without_turn_detection_the_commit_ends_the_turn() -> None:
    assert inputs(server.Committed("u"), server.ResponseCreated("r")) == [Input.TURN_ENDED]


def test_a_server_that_does_not_announce_its_responses_is_understood() -> None:
    assert inputs(server.TextDelta("r", "a", "Hi"), server.ResponseDone("r", "completed")) == [
        Input.TEXT, Input.RESPONSE_DONE,
    ]  # fmt: skip


def test_the_end_of_speech_is_when_the_sound_came_in_not_when_the_server_noticed() -> None:
    turns = Turns(silence_ms=500)
    for number in range(100):
        turns.audio_clock.passed(20, 50 + number * 0.02)
    turns.apply(server.SpeechStopped("u", 1500), now=60.0)
    turns.apply(server.ResponseCreated("r"), now=60.2)
    turns.apply(server.TextDelta("r", "a", "Hi"), now=60.5)
    assert turns.timer.first_text_ms is not None
    assert round(turns.timer.first_text_ms) == round((60.5 - (50 + 49 * 0.02)) * 1000)
