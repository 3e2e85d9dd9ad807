"""Spoken replies: words and audio in step, a little ahead of time, and cut where the listener stopped listening."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.judge import judge_server_event
from tests.unit.practice_client import Hum, PracticeClient, loud
from voice_ui import audio
from voice_ui.offline import reply
from voice_ui.offline.parts import Invocation, ReplyFailed

ASK = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def speaking() -> PracticeClient:
    client = PracticeClient(voice=Hum(), update={"output_modalities": ["audio"]})
    client.type_in("good day")
    return client


def pcm_of(client: PracticeClient) -> bytes:
    return b"".join(audio.decode(event["delta"]) for event in client.all("response.output_audio.delta"))


async def test_a_spoken_reply_is_whole_and_in_the_order_of_the_live_service() -> None:
    client = speaking()
    client.forget()
    client.send("response.create")
    await client.let_time_pass()
    kinds = [name for name, _ in itertools.groupby(client.types)]
    assert kinds[:4] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
    ]
    assert kinds[4] == "response.output_audio_transcript.delta"
    assert kinds[-6:] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    said = "".join(event["delta"] for event in client.all("response.output_audio_transcript.delta"))
    assert said == "You said: good day" == client.one("response.output_audio_transcript.done")["transcript"]
    assert audio.milliseconds(pcm_of(client)) == 50 * len(said)
    usage = client.one("response.done")["response"]["usage"]
    assert usage["output_token_details"]["audio_tokens"] == len(said)
    for event in client.events:
        judge_server_event(event)


async def test_audio_is_sent_only_a_little_ahead_of_time() -> None:
    client = speaking()
    client.brain.pieces = ["This sentence is not a short one, it goes on and on. ", "And so does this one."]
    started = asyncio.get_running_loop().time()
    client.send("response.create")
    await client.let_time_pass()
    spent_ms = 1000 * (asyncio.get_running_loop().time() - started)
    assert audio.milliseconds(pcm_of(client)) - spent_ms <= reply.AHEAD_MS + reply.CHUNK_MS


async def test_what_was_not_heard_is_cut_from_the_reply() -> None:
    client = speaking()
    client.send("response.create")
    await client.let_time_pass()
    item_id = client.one("response.done")["response"]["output"][0]["id"]
    client.forget()
    client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=500)
    client.send("conversation.item.retrieve", item_id=item_id)
    assert client.one("conversation.item.truncated")["audio_end_ms"] == 500
    assert client.one("conversation.item.retrieved")["item"]["content"][0]["transcript"] in ("You ", "You said:")
    client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=501)
    assert client.refusal == ("invalid_value", "audio_end_ms")
    assert "already shorter than" in client.one("error")["error"]["message"]


async def test_a_written_reply_cannot_be_truncated() -> None:
    client = PracticeClient()
    client.send("response.create")
    await client.let_time_pass()
    item_id = client.one("response.done")["response"]["output"][0]["id"]
    client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0)
    assert client.refusal == ("invalid_value", "item_id")


async def test_speech_over_a_spoken_reply_ends_voice_and_answer() -> None:
    client = speaking()
    client.brain.pieces = ["A very long sentence that takes much longer than two seconds to be spoken. ", "More."]
    client.send("response.create")
    await client.wait_for("response.output_audio.delta")
    client.say(loud(100))
    response = client.one("response.done")["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    await client.let_time_pass()
    assert client.parts.voice.closed_early == client.brain.closed_early == 1
    assert client.types[-1] == "response.done"


async def test_without_a_voice_the_session_says_that_it_writes() -> None:
    client = PracticeClient(update={"output_modalities": ["audio"]})
    client.update()
    assert client.one("session.updated")["session"]["output_modalities"] == ["text"]
    client.send("response.create", response={"output_modalities": ["audio"]})
    await client.let_time_pass()
    assert client.one("response.done")["response"]["output_modalities"] == ["text"]
    assert client.one("response.output_text.done")


async def test_words_are_sent_while_they_are_being_said() -> None:
    client = PracticeClient(update={"audio": {"input": {"transcription": {"model": "any"}}}})
    client.say(loud(500))
    tell = client.recognizer.utterances[0].on_delta
    assert tell
    tell("what is ")
    tell("seven")
    client.take()
    name = "conversation.item.input_audio_transcription"
    started = client.one("input_audio_buffer.speech_started")["item_id"]
    assert [(event["item_id"], event["delta"]) for event in client.all(f"{name}.delta")] == [
        (started, "what is "),
        (started, "seven"),
    ]
    client.say(bytes(48 * 300))
    await client.hear("What is 7?")
    assert len(client.all(f"{name}.delta")) == 2
    assert client.one(f"{name}.completed")["transcript"] == "What is 7?"


@pytest.mark.parametrize("words", [[], ["I will look. "]], ids=["only calls", "words first"])
async def test_a_tool_is_called_and_its_output_is_part_of_the_next_request(words: list[str]) -> None:
    client = PracticeClient(update={"tools": [ASK], "tool_choice": "auto"})
    client.brain.pieces = [*words, Invocation("weather", '{"city":"Oslo"}')]
    client.send("response.create")
    await client.let_time_pass()
    for event in client.events:
        judge_server_event(event)
    output = client.one("response.done")["response"]["output"]
    assert [item["type"] for item in output] == (["message"] if words else []) + ["function_call"]
    done = client.one("response.function_call_arguments.done")
    assert (done["name"], done["arguments"], done["output_index"]) == ("weather", '{"city":"Oslo"}', len(output) - 1)
    item = {"type": "function_call_output", "call_id": output[-1]["call_id"], "output": "rain"}
    client.send("conversation.item.create", item=item)
    client.brain.pieces = ["It rains."]
    client.send("response.create")
    await client.let_time_pass()
    request = client.brain.requests[-1]
    assert [item.type for item in request.items][-2:] == ["function_call", "function_call_output"]
    assert (request.items[-1].output, request.tools) == ("rain", (ASK,))


@pytest.mark.parametrize("words", [[], ["It is "]], ids=["at once", "in the middle"])
async def test_a_reply_that_fails_says_why_and_the_session_goes_on(words: list[str]) -> None:
    client = PracticeClient()
    client.brain.pieces = [*words, ReplyFailed("model_not_found", "There is no model “x”.")]
    client.send("response.create")
    await client.let_time_pass()
    response = client.one("response.done")["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "model_not_found"
    assert [item["status"] for item in response["output"]] == ["incomplete"] * len(words)
    client.forget()
    client.brain.pieces = None
    client.send("response.create")
    await client.let_time_pass()
    assert client.one("response.done")["response"]["status"] == "completed"


async def test_a_mistake_in_a_brain_does_not_end_the_session(caplog: pytest.LogCaptureFixture) -> None:
    client = PracticeClient()
    client.brain.pieces = [ZeroDivisionError("a bug")]
    client.send("response.create")
    await client.let_time_pass()
    assert client.one("response.done")["response"]["status_details"]["error"]["code"] == "server_error"
    assert "a bug" in caplog.text
