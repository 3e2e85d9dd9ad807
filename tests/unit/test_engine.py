"""What the offline engine answers to a turn: spoken or typed, whole or interrupted. Plain calls, no socket."""

from __future__ import annotations

from tests.unit.engine_client import EngineClient, loud, quiet
from voice_ui.audio import encode
from voice_ui.offline.effects import Cancel, Feed, Finish, Listen

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
    "rate_limits.updated",
]


def test_a_spoken_turn_is_answered_in_the_order_of_the_live_service() -> None:
    client = EngineClient(update={"audio": LISTENING})
    client.say(quiet(1000), loud(1000), quiet(300))
    client.hear("hello")
    client.let_time_pass()
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


def test_the_recogniser_hears_the_turn_with_its_padding_and_nothing_else_while_it_is_spoken() -> None:
    client = EngineClient()
    client.say(quiet(1000), loud(1000))
    (item_id,) = {effect.item_id for effect in client.effects if isinstance(effect, Listen)}
    client.say(quiet(2000))
    fed = b"".join(effect.pcm for effect in client.effects if isinstance(effect, Feed))
    assert fed == quiet(300) + loud(1000) + quiet(200)
    assert client.effects[-1] == Finish(item_id)


def test_a_turn_said_in_one_append_is_cut_like_one_said_in_chunks() -> None:
    client = EngineClient()
    client.say(quiet(1000), loud(1000), quiet(500))
    in_chunks = [event | {"event_id": ""} for event in client.events]
    client = EngineClient()

    client.send("input_audio_buffer.append", audio=encode(quiet(1000) + loud(1000) + quiet(500)))
    assert [event["type"] for event in client.events] == [event["type"] for event in in_chunks]
    assert client.one("input_audio_buffer.speech_stopped")["audio_end_ms"] == 2200


def test_usage_counts_speech_by_its_length_and_a_second_turn_reads_the_first_from_the_cache() -> None:
    client = EngineClient()
    client.say(loud(1000), quiet(300))
    client.hear("hello")
    client.let_time_pass()
    first = client.one("response.done")["response"]["usage"]
    assert first["input_token_details"]["audio_tokens"] == 12
    assert first["input_token_details"]["cached_tokens"] == 0
    assert first["output_tokens"] == first["output_token_details"]["text_tokens"] > 0
    assert first["total_tokens"] == first["input_tokens"] + first["output_tokens"]
    client.forget()
    client.say(loud(1000), quiet(300))
    client.hear("hello again")
    client.let_time_pass()
    second = client.one("response.done")["response"]["usage"]
    assert second["input_token_details"]["cached_tokens_details"]["audio_tokens"] == 12
    assert second["input_token_details"]["audio_tokens"] > 12


def test_without_transcription_the_reply_comes_all_the_same_and_nothing_is_transcribed() -> None:
    client = EngineClient()
    client.say(loud(1000), quiet(300))
    client.hear("hello")
    client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"
    assert not [name for name in client.types if "transcription" in name]


def test_a_typed_turn_is_answered_at_once() -> None:
    client = EngineClient()
    client.type_in("good day")
    client.send("response.create")
    assert client.types[:3] == ["conversation.item.added", "conversation.item.done", "response.created"]
    assert client.types[-1] == "response.output_text.delta"
    client.let_time_pass()
    assert client.types[3:] == REPLY
    assert client.one("response.output_text.done")["text"] == "You said: good day"


def test_speech_interrupts_the_reply() -> None:
    client = EngineClient()
    client.type_in("good day")
    client.send("response.create")
    client.forget()
    client.say(loud(100))
    response = client.one("response.done")["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"] == [{"type": "output_text", "text": "You "}]
    client.let_time_pass()
    assert client.types[-1] == "rate_limits.updated"


def test_speech_does_not_interrupt_where_the_session_says_so_and_the_second_reply_is_refused() -> None:
    client = EngineClient(
        update={"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}}
    )
    client.type_in("good day")
    client.send("response.create")
    client.forget()
    client.say(loud(500), quiet(300))
    assert client.refusal == ("conversation_already_has_active_response", None)
    assert "response.done" not in client.types


def test_a_session_that_creates_its_own_responses_gets_none_it_did_not_ask_for() -> None:
    client = EngineClient(
        update={"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}}
    )
    client.say(loud(500), quiet(300))
    client.hear("hello")
    assert "response.created" not in client.types
    client.send("response.create")
    client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"


def test_the_words_of_a_cancelled_turn_never_answer_the_next_one() -> None:
    client = EngineClient(update={"audio": LISTENING})
    client.say(loud(500), quiet(300))
    (late,) = [effect.item_id for effect in client.effects if isinstance(effect, Finish)]
    client.send("response.cancel")
    client.type_in("what I typed")
    client.send("response.create")
    client.say(loud(500), quiet(300))  # interrupts, and waits for words of its own
    client.forget()
    client.take(client.engine.heard(late, "too late"))
    client.let_time_pass()
    assert client.types == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]


def test_a_reply_to_speech_that_is_not_recognised_yet_waits_for_its_words() -> None:
    client = EngineClient(update={"audio": {"input": {"turn_detection": None}}})
    client.say(loud(500))
    client.send("input_audio_buffer.commit")
    client.send("response.create")
    assert client.types[-1] == "response.created"
    client.hear("hello")
    client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"


def test_without_turn_detection_the_client_says_when_a_turn_ends() -> None:
    client = EngineClient(update={"audio": {"input": {"turn_detection": None}}})
    client.say(quiet(500), loud(500), quiet(2000))
    assert client.types == []
    client.send("input_audio_buffer.commit")
    assert client.types == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert b"".join(effect.pcm for effect in client.effects if isinstance(effect, Feed)) == (
        quiet(500) + loud(500) + quiet(2000)
    )


def test_azures_word_for_no_turn_detection_is_understood() -> None:
    client = EngineClient(update={"audio": {"input": {"turn_detection": {"type": "none"}}}})
    client.say(loud(500), quiet(1000))
    assert client.types == []


def test_a_commit_of_too_little_says_how_little() -> None:
    client = EngineClient()
    client.say(loud(40))
    client.forget()
    client.send("input_audio_buffer.commit", event_id="mine")
    error = client.one("error")["error"]
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["event_id"] == "mine"
    assert "Expected at least 100ms of audio, but buffer only has 40.00ms of audio." in error["message"]


def test_a_commit_after_the_detector_took_the_turn_is_empty() -> None:
    client = EngineClient()
    client.say(loud(500), quiet(200))
    client.forget()
    client.send("input_audio_buffer.commit")
    assert client.refusal == ("input_audio_buffer_commit_empty", None)


def test_a_cleared_turn_is_forgotten() -> None:
    client = EngineClient()
    client.say(loud(500))
    client.send("input_audio_buffer.clear")
    assert client.types == ["input_audio_buffer.speech_started", "input_audio_buffer.cleared"]
    assert isinstance(client.effects[-1], Cancel)
    client.forget()
    client.say(quiet(1000))
    assert client.types == []


def test_a_semantic_session_waits_longer_when_it_is_less_eager() -> None:
    ends = []
    for eagerness in ("high", "auto", "low"):
        client = EngineClient(
            update={"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}}}
        )
        client.say(loud(500), quiet(3000))
        ends.append(client.one("input_audio_buffer.speech_stopped")["audio_end_ms"])
    assert ends == [900, 1200, 1700]


def test_a_session_that_waits_in_vain_for_speech_prompts_again() -> None:
    client = EngineClient(
        update={"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}}
    )
    client.type_in("good day")
    client.send("response.create")
    client.let_time_pass()
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


def test_where_sound_is_asked_for_the_words_come_as_a_transcript_and_the_sound_is_left_out() -> None:
    client = EngineClient()
    client.update(output_modalities=["audio"])
    client.type_in("good day")
    client.send("response.create")
    client.let_time_pass()
    assert "response.output_audio_transcript.delta" in client.types
    assert "response.output_audio.delta" not in client.types
    assert "response.output_text.delta" not in client.types
    assert client.one("response.done")["response"]["output"][0]["content"] == [
        {"type": "output_audio", "transcript": "You said: good day"}
    ]


def test_a_reply_beside_the_conversation_leaves_no_trace_in_it() -> None:
    client = EngineClient()
    client.type_in("good day")
    client.forget()
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "only this"}]}
    client.send(
        "response.create", response={"conversation": "none", "input": [message], "metadata": {"purpose": "test"}}
    )
    client.let_time_pass()
    done = client.one("response.done")["response"]
    assert done["conversation_id"] is None
    assert done["metadata"] == {"purpose": "test"}
    assert done["output"][0]["content"][0]["text"] == "You said: only this"
    assert "conversation.item.added" not in client.types


def test_a_reply_beside_the_conversation_may_run_while_another_is_written() -> None:
    client = EngineClient()
    client.type_in("good day")
    client.send("response.create")
    client.send("response.create", response={"conversation": "none"})
    client.let_time_pass()
    assert [event["response"]["status"] for event in client.all("response.done")] == ["completed", "completed"]


def test_a_reply_longer_than_it_may_be_is_incomplete() -> None:
    client = EngineClient()
    client.type_in("good day")
    client.send("response.create", response={"max_output_tokens": 2})
    client.let_time_pass()
    response = client.one("response.done")["response"]
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


def test_a_second_reply_is_refused_while_one_is_written() -> None:
    client = EngineClient()
    client.send("response.create")
    client.send("response.create", event_id="second")
    assert client.refusal == ("conversation_already_has_active_response", None)
    assert client.one("error")["error"]["event_id"] == "second"


def test_a_client_may_cancel_what_is_written_but_not_what_is_not() -> None:
    client = EngineClient()
    client.send("response.cancel")
    assert client.refusal == ("response_cancel_not_active", None)
    client.send("response.create")
    client.send("response.cancel")
    details = client.one("response.done")["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}


def test_speech_that_cannot_be_recognised_is_said_so_in_an_event_and_in_the_reply() -> None:
    client = EngineClient(update={"audio": LISTENING})
    client.say(loud(500), quiet(300))
    (item_id,) = [effect.item_id for effect in client.effects if isinstance(effect, Finish)]
    client.take(client.engine.transcription_failed(item_id, "there is no recogniser"))
    client.let_time_pass()
    failed = client.one("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["message"] == "there is no recogniser"
    assert "there is no recogniser" in client.one("response.output_text.done")["text"]


def test_words_heard_twice_or_for_nobody_change_nothing() -> None:
    client = EngineClient(update={"audio": LISTENING})
    client.say(loud(500), quiet(300))
    item_id = client.hear("hello")
    client.forget()
    client.take(client.engine.heard(item_id, "hello"))
    client.take(client.engine.heard("item_of_nobody", "hello"))
    assert client.types == []


def test_a_turn_that_never_ends_is_cut_and_memory_stays_bounded() -> None:
    client = EngineClient()
    client.say(loud(100))

    minute = encode(loud(60_000))
    for _ in range(6):
        client.send("input_audio_buffer.append", audio=minute)
        client.effects = [effect for effect in client.effects if not isinstance(effect, Feed)]
    assert client.types.count("input_audio_buffer.speech_stopped") == 1


def test_a_buffer_nobody_commits_is_full_one_day() -> None:
    client = EngineClient(update={"audio": {"input": {"turn_detection": None}}})

    minute = encode(quiet(60_000))
    for _ in range(6):
        client.send("input_audio_buffer.append", audio=minute)
        client.effects.clear()
    assert client.refusal == ("input_audio_buffer_full", "audio")


def test_more_utterances_than_anybody_can_recognise_are_refused_not_kept() -> None:
    client = EngineClient(
        update={"audio": {"input": {"turn_detection": None, "transcription": {"model": "any"}}}},
    )
    for _ in range(20):
        client.say(loud(100))
        client.send("input_audio_buffer.commit")
    assert len([effect for effect in client.effects if isinstance(effect, Finish)]) == 16
    assert len([effect for effect in client.effects if isinstance(effect, Cancel)]) == 4
    assert client.types.count("conversation.item.input_audio_transcription.failed") == 4
