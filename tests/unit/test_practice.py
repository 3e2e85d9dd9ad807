"""What the practice server answers to a turn: spoken or typed, whole or interrupted. Plain calls, no socket."""

from __future__ import annotations

from tests.unit.practice_client import PracticeClient, loud, quiet
from voice_ui.audio import encode

LISTENING = {"input": {"transcription": {"model": "any"}, "turn_detection": {"type": "server_vad"}}}

REPLY = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


async def test_a_spoken_turn_is_answered_in_the_order_of_the_live_service() -> None:
    client = PracticeClient(update={"audio": LISTENING})
    client.say(quiet(1000), loud(1000), quiet(300))
    await client.hear("hello")
    await client.let_time_pass()
    assert client.types == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        *REPLY,
    ]
    assert client.one("input_audio_buffer.speech_started")["audio_start_ms"] == 700
    assert client.one("input_audio_buffer.speech_stopped")["audio_end_ms"] == 2200
    assert client.one("response.output_text.done")["text"] == "You said: hello"


async def test_the_recogniser_hears_the_turn_with_its_padding_and_nothing_else_while_it_is_spoken() -> None:
    client = PracticeClient()
    client.say(quiet(1000), loud(1000))
    (utterance,) = client.recognizer.utterances
    assert utterance.pcm == quiet(300) + loud(1000)
    client.say(quiet(2000))
    await client.settle()
    assert utterance.pcm == quiet(300) + loud(1000) + quiet(200)
    assert utterance.finished


async def test_a_turn_said_in_one_append_is_cut_like_one_said_in_chunks() -> None:
    client = PracticeClient()
    client.say(quiet(1000), loud(1000), quiet(500))
    in_chunks = [event | {"event_id": ""} for event in client.events]
    client = PracticeClient()

    client.send("input_audio_buffer.append", audio=encode(quiet(1000) + loud(1000) + quiet(500)))
    assert [event["type"] for event in client.events] == [event["type"] for event in in_chunks]
    assert client.one("input_audio_buffer.speech_stopped")["audio_end_ms"] == 2200


async def test_usage_counts_speech_by_its_length_and_a_second_turn_reads_the_first_from_the_cache() -> None:
    client = PracticeClient()
    client.say(loud(1000), quiet(300))
    await client.hear("hello")
    await client.let_time_pass()
    first = client.one("response.done")["response"]["usage"]
    assert first["input_token_details"]["audio_tokens"] == 12
    assert first["input_token_details"]["cached_tokens"] == 0
    assert first["output_tokens"] == first["output_token_details"]["text_tokens"] > 0
    assert first["total_tokens"] == first["input_tokens"] + first["output_tokens"]
    client.forget()
    client.say(loud(1000), quiet(300))
    await client.hear("hello again")
    await client.let_time_pass()
    second = client.one("response.done")["response"]["usage"]
    assert second["input_token_details"]["cached_tokens_details"]["audio_tokens"] == 12
    assert second["input_token_details"]["audio_tokens"] > 12


async def test_without_transcription_the_reply_comes_all_the_same_and_nothing_is_transcribed() -> None:
    client = PracticeClient()
    client.say(loud(1000), quiet(300))
    await client.hear("hello")
    await client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"
    assert not [name for name in client.types if "transcription" in name]


async def test_a_typed_turn_is_answered_at_once() -> None:
    client = PracticeClient()
    client.type_in("good day")
    client.send("response.create")
    assert client.types == ["conversation.item.added", "conversation.item.done", "response.created"]
    await client.let_time_pass()
    assert client.types[3:] == REPLY
    assert client.one("response.output_text.done")["text"] == "You said: good day"


async def test_speech_interrupts_the_reply() -> None:
    client = PracticeClient()
    client.brain.delta_seconds = 100
    client.type_in("good day")
    client.send("response.create")
    await client.wait_for("response.output_text.delta")
    client.forget()
    client.say(loud(100))
    response = client.one("response.done")["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"] == [{"type": "output_text", "text": "You "}]
    await client.let_time_pass()
    assert client.types[-1] == "response.done"


async def test_speech_does_not_interrupt_where_the_session_says_so_and_the_second_reply_is_refused() -> None:
    client = PracticeClient(
        update={"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}}
    )
    client.brain.delta_seconds = 100
    client.type_in("good day")
    client.send("response.create")
    client.forget()
    client.say(loud(500), quiet(300))
    assert client.refusal == ("conversation_already_has_active_response", None)
    assert "response.done" not in client.types


async def test_a_session_that_creates_its_own_responses_gets_none_it_did_not_ask_for() -> None:
    client = PracticeClient(
        update={"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}}
    )
    client.say(loud(500), quiet(300))
    await client.hear("hello")
    assert "response.created" not in client.types
    client.send("response.create")
    await client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"


async def test_the_words_of_a_cancelled_turn_never_answer_the_next_one() -> None:
    client = PracticeClient(update={"audio": LISTENING})
    client.say(loud(500), quiet(300))
    (late,) = client.recognizer.utterances
    client.send("response.cancel")
    client.type_in("what I typed")
    client.send("response.create")
    client.say(loud(500), quiet(300))  # interrupts, and waits for words of its own
    client.forget()
    await client.hear("too late", late)
    assert client.types == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]


async def test_a_reply_to_speech_that_is_not_recognised_yet_waits_for_its_words() -> None:
    client = PracticeClient(update={"audio": {"input": {"turn_detection": None}}})
    client.say(loud(500))
    client.send("input_audio_buffer.commit")
    client.send("response.create")
    assert client.types[-1] == "response.created"
    await client.hear("hello")
    await client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"


async def test_without_turn_detection_the_client_says_when_a_turn_ends() -> None:
    client = PracticeClient(update={"audio": {"input": {"turn_detection": None}}})
    client.say(quiet(500), loud(500), quiet(2000))
    assert client.types == []
    client.send("input_audio_buffer.commit")
    assert client.types == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert client.recognizer.utterances[0].pcm == quiet(500) + loud(500) + quiet(2000)


async def test_azures_word_for_no_turn_detection_is_understood() -> None:
    client = PracticeClient(update={"audio": {"input": {"turn_detection": {"type": "none"}}}})
    client.say(loud(500), quiet(1000))
    assert client.types == []


async def test_a_commit_of_too_little_says_how_little() -> None:
    client = PracticeClient()
    client.say(loud(40))
    client.forget()
    client.send("input_audio_buffer.commit", event_id="mine")
    error = client.one("error")["error"]
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["event_id"] == "mine"
    assert "Expected at least 100ms of audio, but buffer only has 40.00ms of audio." in error["message"]


async def test_a_commit_after_the_detector_took_the_turn_is_empty() -> None:
    client = PracticeClient()
    client.say(loud(500), quiet(200))
    client.forget()
    client.send("input_audio_buffer.commit")
    assert client.refusal == ("input_audio_buffer_commit_empty", None)


async def test_a_cleared_turn_is_forgotten() -> None:
    client = PracticeClient()
    client.say(loud(500))
    client.send("input_audio_buffer.clear")
    assert client.types == ["input_audio_buffer.speech_started", "input_audio_buffer.cleared"]
    assert client.recognizer.utterances[0].cancelled
    client.forget()
    client.say(quiet(1000))
    assert client.types == []


async def test_a_semantic_session_waits_longer_when_it_is_less_eager() -> None:
    ends = []
    for eagerness in ("high", "auto", "low"):
        client = PracticeClient(
            update={"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}}}
        )
        client.say(loud(500), quiet(3000))
        ends.append(client.one("input_audio_buffer.speech_stopped")["audio_end_ms"])
    assert ends == [900, 1200, 1700]


async def test_a_session_that_waits_in_vain_for_speech_prompts_again() -> None:
    client = PracticeClient(
        update={"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}}
    )
    client.type_in("good day")
    client.send("response.create")
    await client.let_time_pass()
    client.forget()
    client.say(quiet(5100))
    assert client.types[:4] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert client.one("response.created")
    assert client.one("input_audio_buffer.timeout_triggered")["audio_end_ms"] == 5000


async def test_a_reply_longer_than_it_may_be_is_incomplete() -> None:
    client = PracticeClient()
    client.type_in("good day")
    client.send("response.create", response={"max_output_tokens": 2})
    await client.let_time_pass()
    response = client.one("response.done")["response"]
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


async def test_a_second_reply_is_refused_while_one_is_written() -> None:
    client = PracticeClient()
    client.send("response.create")
    client.send("response.create", event_id="second")
    assert client.refusal == ("conversation_already_has_active_response", None)
    assert client.one("error")["error"]["event_id"] == "second"


async def test_a_client_may_cancel_what_is_written_but_not_what_is_not() -> None:
    client = PracticeClient()
    client.send("response.cancel")
    assert client.refusal == ("response_cancel_not_active", None)
    client.send("response.create")
    client.send("response.cancel")
    details = client.one("response.done")["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}


async def test_speech_that_cannot_be_recognised_is_said_so_in_an_event_and_in_the_reply() -> None:
    client = PracticeClient(update={"audio": LISTENING})
    client.say(loud(500), quiet(300))
    await client.fail_to_hear("there is no recogniser")
    await client.let_time_pass()
    failed = client.one("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["message"] == "there is no recogniser"
    assert "there is no recogniser" in client.one("response.output_text.done")["text"]


async def test_a_turn_that_never_ends_is_cut_and_memory_stays_bounded() -> None:
    client = PracticeClient()
    client.say(loud(100))

    minute = encode(loud(60_000))
    for _ in range(6):
        client.send("input_audio_buffer.append", audio=minute)
    assert client.types.count("input_audio_buffer.speech_stopped") == 1


async def test_a_buffer_nobody_commits_is_full_one_day() -> None:
    client = PracticeClient(update={"audio": {"input": {"turn_detection": None}}})

    minute = encode(quiet(60_000))
    for _ in range(6):
        client.send("input_audio_buffer.append", audio=minute)
    assert client.refusal == ("input_audio_buffer_full", "audio")


async def test_more_utterances_than_anybody_can_recognise_are_refused_not_kept() -> None:
    client = PracticeClient(
        update={"audio": {"input": {"turn_detection": None, "transcription": {"model": "any"}}}},
    )
    for _ in range(20):
        client.say(loud(100))
        client.send("input_audio_buffer.commit")
    assert len([utterance for utterance in client.recognizer.utterances if utterance.cancelled]) == 4
    assert client.types.count("conversation.item.input_audio_transcription.failed") == 4
