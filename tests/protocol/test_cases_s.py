"""Cases of what servers send: late, twice, in odd units, with fields missing, or not at all.

The names begin with the number of the case that was reported first; what follows a letter is a sibling of it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.patience import until
from tests.protocol.reader import Reader, session_with
from tests.protocol.speaking import keep_quiet, say
from tests.servers.realtime import Behaviour, Realtime
from tests.servers.scripted import ScriptedServer, holds
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui.session import Phase, RealtimeSession


def now() -> float:
    return asyncio.get_running_loop().time()


async def listening(session: RealtimeSession) -> None:
    await until(lambda: session.state.phase is Phase.LISTENING, what="it listens")


async def read_of(*scripts: Any, seconds: float = 5) -> tuple[Reader, RealtimeSession]:
    """Let a session meet a server and let this much time pass; return what was read."""
    async with ScriptedServer(*scripts).running() as server, session_with(server) as (session, reader):
        session.start()
        await asyncio.sleep(seconds)
        reader.before_rest = session.state.shown
        return reader, session


# S1: late transcripts.


@in_virtual_time
async def test_s1_a_transcript_that_comes_after_the_next_reply_stands_over_its_own() -> None:
    async def late(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("i", None, end_ms=1000)
        await wire.reply("Reply 1.", response="r1", item="a1")
        await wire.heard_speech("j", None, start_ms=1500, end_ms=2500)
        await wire.reply("Reply 2.", response="r2", item="a2")
        await wire.transcribe("i", "Question 1?")
        await wire.transcribe("j", "Question 2?")
        await wire.until_closed()

    reader, session = await read_of(late)
    assert reader.page() == [
        [("user", "Question 1?"), ("assistant", "Reply 1.")],
        [("user", "Question 2?"), ("assistant", "Reply 2.")],
    ]
    texts = [item.text for item in session.conversation.items]
    assert texts == ["Question 1?", "Reply 1.", "Question 2?", "Reply 2."]


@in_virtual_time
async def test_s1_a_transcripts_in_the_wrong_order_find_their_turns() -> None:
    async def late(wire: Wire) -> None:
        await wire.configure()
        for number in range(3):
            start_ms = number * 2000
            await wire.heard_speech(f"u{number}", None, start_ms=start_ms, end_ms=start_ms + 1000)
            await wire.reply(f"Reply {number}.", response=f"r{number}", item=f"a{number}")
        for number in (2, 0, 1):
            await wire.transcribe(f"u{number}", f"Question {number}?")
        await wire.until_closed()

    reader, _ = await read_of(late)
    assert reader.page() == [[("user", f"Question {n}?"), ("assistant", f"Reply {n}.")] for n in range(3)]


@in_virtual_time
async def test_s1_b_a_typed_line_between_an_utterance_and_its_transcript_keeps_its_own_turn() -> None:
    async def late(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", None)
        await wire.reply("Reply 1.", response="r1", item="a1")
        item = (await wire.hear("conversation.item.create"))["item"]
        await wire.say("conversation.item.added", previous_item_id="a1", item=item)
        await wire.hear("response.create")
        await wire.reply("Reply 2.", response="r2", item="a2")
        await wire.transcribe("u1", "Question 1?")
        await wire.until_closed()

    async with ScriptedServer(late).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.written("assistant") == ["Reply 1."])
        session.send_text("Question 2?")
        await until(lambda: len(reader.written("user")) == 2)
        assert reader.page() == [
            [("user", "Question 1?"), ("assistant", "Reply 1.")],
            [("user", "Question 2?"), ("assistant", "Reply 2.")],
        ]


@in_virtual_time
async def test_s1_c_a_transcript_that_comes_after_the_connection_is_lost_costs_nothing() -> None:
    async with ScriptedServer(Realtime(Behaviour(transcripts="late")), Realtime()).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await listening(session)
            await say(session, 1, 2, 3)
            await keep_quiet(session, 2)
            await until(lambda: reader.written("assistant") != [])
            server.wires[0].abort()
            await keep_quiet(session, 3)
            await say(session, 4, 5)
            await keep_quiet(session, 3)
            await until(lambda: "w4 w5" in reader.written("user"))
            assert len(reader.written("assistant")) == 2, "the first is not answered again"


# S2: two user items for one utterance.


@pytest.mark.parametrize("order", ["completed first", "added first"])
@in_virtual_time
async def test_s2_one_utterance_that_comes_as_two_items_is_shown_once(order: str) -> None:
    async def local_ai(wire: Wire) -> None:
        await wire.configure()
        content = [{"type": "input_audio", "transcript": "What time is it?"}]
        item = {"id": "U", "type": "message", "role": "user", "status": "completed", "content": content}
        await wire.heard_speech("T", None)
        if order == "completed first":
            await wire.transcribe("T", "What time is it?")
            await wire.say("conversation.item.added", previous_item_id=None, item=item)
        else:
            await wire.say("conversation.item.added", previous_item_id=None, item=item)
            await wire.transcribe("T", "What time is it?")
        await wire.reply("Late.")
        await wire.until_closed()

    reader, session = await read_of(local_ai)
    assert reader.page() == [[("user", "What time is it?"), ("assistant", "Late.")]]
    assert [item.text for item in session.conversation.items] == ["What time is it?", "Late."]


@in_virtual_time
async def test_s2_a_the_same_words_said_twice_are_shown_twice() -> None:
    async def hears_twice(wire: Wire) -> None:
        await wire.configure()
        for number in range(2):
            await wire.heard_speech(f"u{number}", "Yes.", start_ms=2000 * number, end_ms=2000 * number + 1000)
            await wire.reply("Good.", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    reader, _ = await read_of(hears_twice)
    assert reader.page() == [[("user", "Yes."), ("assistant", "Good.")]] * 2


# S3: a server's milliseconds.


@pytest.mark.parametrize("places", ["wall-clock", "absent", "float"])
@in_virtual_time
async def test_s3_odd_places_in_the_stream_cost_neither_times_nor_words(places: Any) -> None:
    behaviour = Behaviour(places=places, transcripts="never")
    async with ScriptedServer(Realtime(behaviour), Realtime()).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await listening(session)
            await say(session, *range(5))
            await keep_quiet(session, 3)
            await until(lambda: len(reader.turns) == 1)
            await asyncio.sleep(6)  # muted: no chunk at all comes
            await say(session, *range(5, 10))
            await keep_quiet(session, 3)
            await until(lambda: len(reader.turns) == 2)
            assert all(first is not None and 250 < first < 2500 for first in reader.turns), reader.turns
            await say(session, *range(10, 15))
            await until(lambda: session.state.phase is Phase.HEARING)
            server.wires[0].abort()
            await say(session, *range(15, 18))
            await keep_quiet(session, 3)
            await until(lambda: len(server.wires) == 2 and len(server.wires[1].words) >= 8)
            assert server.wires[1].words[-8:] == list(range(10, 18))
            assert "message-malformed" not in reader.codes and "audio-lost" not in reader.codes


@pytest.mark.parametrize("place", [-5000, 10**12, 1e308])
@in_virtual_time
async def test_s3_a_places_outside_of_what_was_sent_cost_no_words(place: float) -> None:
    async def odd(wire: Wire) -> None:
        await wire.configure()
        await wire.hear_words(4)
        await wire.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=place)
        await wire.hear_words(5)
        wire.abort()

    async with ScriptedServer(odd, holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        await say(session, *range(5))
        await keep_quiet(session, 2)
        await until(lambda: len(server.wires) == 2 and len(server.wires[1].words) == 5)
        assert reader.codes == []


# S4 and S5: text where it is not expected.


@in_virtual_time
async def test_s4_a_delta_after_the_end_of_a_response_changes_the_text_and_not_the_state() -> None:
    async with ScriptedServer(Realtime(Behaviour(replies="delta-after-done"))).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await listening(session)
            await say(session, 1, 2)
            await keep_quiet(session, 3)
            await until(lambda: reader.written("assistant") != [] and reader.written("assistant")[0].endswith(" PS"))
            assert session.state.phase is Phase.LISTENING
            await asyncio.sleep(100)
            assert session.state.phase is Phase.LISTENING and reader.codes == []
            assert reader.shown[-1] == "listening"


def message(item_id: str, *texts: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text} for text in texts]
    return {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": content}


@pytest.mark.parametrize("where", ["response.output_item.done", "response.done", "conversation.item.done", "all"])
@in_virtual_time
async def test_s5_text_that_comes_only_with_the_end_is_shown(where: str) -> None:
    async def tells_late(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.say("response.created", response={"id": "r", "status": "in_progress"})
        if where in ("response.output_item.done", "all"):
            await wire.say("response.output_item.done", response_id="r", output_index=0, item=message("a", "Hello."))
        if where in ("conversation.item.done", "all"):
            await wire.say("conversation.item.done", previous_item_id=None, item=message("a", "Hello."))
        output = [message("a", "Hello.")] if where in ("response.done", "all") else []
        await wire.end_reply("r", output=output)
        await wire.until_closed()

    reader, _ = await read_of(tells_late)
    assert reader.page() == [[("user", "hello"), ("assistant", "Hello.")]]
    assert reader.codes == [] and reader.before_rest == "listening"


@in_virtual_time
async def test_s5_a_two_parts_of_one_item_are_both_shown_in_order() -> None:
    async def two_parts(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.say("response.created", response={"id": "r", "status": "in_progress"})
        for part, words in enumerate((("First ", "part."), ("Second ", "part."))):
            place = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": part}
            for delta in words:
                await wire.say("response.output_text.delta", **place, delta=delta)
            await wire.say("response.output_text.done", **place, text="".join(words))
        await wire.end_reply("r", output=[message("a", "First part.", "Second part.")])
        await wire.until_closed()

    reader, session = await read_of(two_parts)
    assert reader.written("assistant") == ["First part.\n\nSecond part."]
    assert session.conversation.items[-1].text == "First part.\n\nSecond part."


@in_virtual_time
async def test_s5_b_a_response_with_nothing_to_show_is_reported() -> None:
    async with ScriptedServer(Realtime(Behaviour(replies="nothing"))).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await listening(session)
            await say(session, 1, 2)
            await keep_quiet(session, 2)
            await until(lambda: reader.codes == ["reply-empty"])
            assert session.state.phase is Phase.LISTENING


@in_virtual_time
async def test_s5_c_a_response_that_only_calls_a_function_is_not_empty() -> None:
    call = {"id": "f", "type": "function_call", "status": "completed", "call_id": "c", "name": "now", "arguments": "{}"}

    async def calls(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.say("response.created", response={"id": "r", "status": "in_progress"})
        await wire.say("response.output_item.added", response_id="r", output_index=0, item=call)
        await wire.say("response.output_item.done", response_id="r", output_index=0, item=call)
        await wire.end_reply("r", output=[call])
        await wire.until_closed()

    reader, _ = await read_of(calls)
    assert "reply-empty" not in reader.codes


# S6: fields that are missing, or of a neighbouring type.

ODD: list[tuple[str, str, dict[str, Any]]] = [
    ("no start", "input_audio_buffer.speech_started", {"item_id": "u"}),
    ("a float", "input_audio_buffer.speech_started", {"item_id": "u", "audio_start_ms": 1520.0}),
    ("a string", "input_audio_buffer.speech_started", {"item_id": "u", "audio_start_ms": "1520"}),
    ("no id", "input_audio_buffer.speech_started", {"audio_start_ms": 100}),
    ("no transcript", "conversation.item.input_audio_transcription.completed", {"item_id": "u", "transcript": None}),
    ("no item", "conversation.item.added", {"previous_item_id": None}),
    ("null item", "conversation.item.added", {"item": None}),
    ("null content", "conversation.item.added", {"item": {"id": "x", "role": "user", "content": None}}),
    ("own previous", "conversation.item.added", {"item": {"id": "x", "role": "user"}, "previous_item_id": "x"}),
    ("null delta", "response.output_text.delta", {"response_id": "r", "item_id": "a", "delta": None}),
    ("no response", "response.created", {}),
    ("null response", "response.done", {"response": None}),
    ("no error", "error", {}),
    ("error as a string", "error", {"error": "Something broke."}),
    ("a list", "rate_limits.updated", {"rate_limits": None}),
]


@pytest.mark.parametrize(("type", "fields"), [odd[1:] for odd in ODD], ids=[odd[0] for odd in ODD])
@in_virtual_time
async def test_s6_an_odd_event_costs_neither_the_turn_nor_the_session(type: str, fields: dict[str, Any]) -> None:
    async def odd(wire: Wire) -> None:
        await wire.configure()
        await wire.send(json.dumps({"type": type, **fields}))
        await wire.heard_speech("u2", "hello")
        await wire.send(json.dumps({"type": type, **fields}))
        await wire.reply("Still ", "here.", response="r2", item="a2")
        await wire.until_closed()

    reader, session = await read_of(odd)
    assert "Still here." in reader.written("assistant") and "hello" in reader.written("user")
    assert "program-error" not in reader.codes and "message-malformed" not in reader.codes


@pytest.mark.parametrize("response", [{"id": "r"}, {"status": "completed"}, {}, {"id": None, "status": None}])
@in_virtual_time
async def test_s6_a_a_response_that_ends_without_id_or_status_ends(response: dict[str, Any]) -> None:
    async def ends_oddly(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply("Hello.", response="r", item="a")
        await wire.send(json.dumps({"type": "response.done", "response": response}))
        await wire.until_closed()

    reader, session = await read_of(ends_oddly)
    assert reader.before_rest == "listening"
    assert reader.written("assistant") == ["Hello."] and reader.codes == []


@in_virtual_time
async def test_s6_b_a_session_without_any_optional_field_works() -> None:
    async def bare(wire: Wire) -> None:
        await wire.send(json.dumps({"type": "session.created"}))
        await wire.hear("session.update")
        wire.judge.configured = True
        await wire.send(json.dumps({"type": "session.updated", "session": None}))
        await wire.hear("input_audio_buffer.append")
        for type in ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"):
            await wire.send(json.dumps({"type": type}))
        await wire.send(json.dumps({"type": "input_audio_buffer.committed", "item_id": "u"}))
        await wire.send(json.dumps({"type": "response.created"}))
        for delta in ("Bare ", "words."):
            await wire.send(json.dumps({"type": "response.output_text.delta", "item_id": "a", "delta": delta}))
        await wire.send(json.dumps({"type": "response.done"}))
        await wire.until_closed()

    async with ScriptedServer(bare).running() as server, session_with(server) as (session, reader):
        session.start()
        await say(session, 1, 2)
        await until(lambda: reader.written("assistant") == ["Bare words."])
        await until(lambda: session.state.phase is Phase.LISTENING)
        assert reader.codes == []


# S7: JSON as Python writes it.


@in_virtual_time
async def test_s7_an_emoji_split_over_two_deltas_and_nan_in_an_event_are_read() -> None:
    def delta(text: str) -> str:
        place = '"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0'
        return f'{{"type": "response.output_text.delta", {place}, "delta": "{text}"}}'

    async def python(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.say("response.created", response={"id": "r", "status": "in_progress"})
        await wire.send(delta("Hi \\ud83d"))
        await wire.send(delta("\\ude00!"))
        await wire.send(delta(" \\ude00 \\ud83d"))  # halves without the other
        await wire.send('{"type": "rate_limits.updated", "logprobs": [NaN, -Infinity]}')
        await wire.send(
            '{"type": "conversation.item.input_audio_transcription.completed", "item_id": "item_u",'
            ' "transcript": "hello again", "logprobs": [{"logprob": NaN}]}'
        )
        await wire.end_reply("r")
        await wire.until_closed()

    reader, _ = await read_of(python)
    text = reader.written("assistant")[0]
    assert text.startswith("Hi \N{GRINNING FACE}!") and "\N{REPLACEMENT CHARACTER}" in text
    text.encode()  # nothing of it is half a character
    assert reader.written("user") == ["hello again"]
    assert reader.codes == []


@in_virtual_time
async def test_s7_a_half_a_character_pasted_into_the_line_is_sent_and_answered() -> None:
    async with ScriptedServer(Realtime()).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        session.send_text("Hi \ud83d there")
        await until(lambda: reader.written("assistant") != [])
        assert server.wires[0].lines == [("user", "Hi \N{REPLACEMENT CHARACTER} there")]
        assert "program-error" not in reader.codes


# S8: a server that thinks and answers no ping.


@pytest.mark.parametrize("seconds", [11, 17, 25])
@in_virtual_time
async def test_s8_a_server_that_answers_no_ping_while_it_thinks_keeps_its_connection(seconds: float) -> None:
    async def thinks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear_words(3)
        await wire.heard_speech("u", "w1 w2 w3")
        wire.websocket.transport.pause_reading()  # one thread, and the model has it
        await asyncio.sleep(seconds)
        wire.websocket.transport.resume_reading()
        await wire.reply("Well.")
        await wire.until_closed()

    async with ScriptedServer(thinks).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        await say(session, 1, 2, 3)
        await keep_quiet(session, seconds + 5)
        await until(lambda: reader.written("assistant") == ["Well."], 30)
        assert server.asked == 1 and reader.codes == []


@in_virtual_time
async def test_s8_a_servers_that_always_think_that_long_are_not_asked_again_and_again() -> None:
    async def thinks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        wire.websocket.transport.pause_reading()
        await asyncio.sleep(11)
        wire.websocket.transport.resume_reading()
        await wire.reply("Well.")
        await wire.until_closed()

    async with ScriptedServer(thinks).running() as server, session_with(server) as (session, reader):
        session.send_text("A hard question")
        await until(lambda: reader.written("assistant") == ["Well."], 100)
        assert server.asked == 1


# S9: the server's own words, at once, and only what is true.


@in_virtual_time
async def test_s9_an_error_in_a_running_session_is_shown_in_the_servers_words_and_the_session_goes_on() -> None:
    async def complains(wire: Wire) -> None:
        await wire.configure()
        await wire.error("server_error", "The server had an error.", type="server_error")
        await wire.heard_speech()
        await wire.reply("Still here.")
        await wire.until_closed()

    reader, _ = await read_of(complains)
    assert reader.codes == ["server-said"]
    assert "The server had an error." in reader.problems[0].detail
    assert reader.written("assistant") == ["Still here."] and reader.before_rest == "listening"


@pytest.mark.parametrize("created", [True, False])
@in_virtual_time
async def test_s9_a_an_error_instead_of_the_end_of_a_response_is_reported_at_once(created: bool) -> None:
    failed_at = 0.0

    async def fails(wire: Wire) -> None:
        nonlocal failed_at
        await wire.configure()
        await wire.heard_speech()
        if created:
            await wire.say("response.created", response={"id": "r", "status": "in_progress"})
        await asyncio.sleep(1)
        failed_at = now()
        await wire.error("inference_failed", "The model fell over.", type="server_error")
        await wire.until_closed()

    async with ScriptedServer(fails).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.problems)
        await until(lambda: session.state.phase is Phase.LISTENING, 40)
        assert now() - failed_at < 2, "nobody waits for what does not come"
        assert reader.codes == ["server-said"] and "The model fell over." in reader.problems[0].detail
        await asyncio.sleep(100)
        assert reader.codes == ["server-said"], "no false alarm follows"


@pytest.mark.parametrize("close", [1000, 1011, None])
@in_virtual_time
async def test_s9_b_a_server_that_cannot_load_the_model_is_quoted_and_not_tried_for_a_minute(close: int | None) -> None:
    async def cannot(wire: Wire) -> None:
        await wire.error("model_load_error", "Cannot load the model.", type="server_error")
        if close is None:
            wire.abort()
        else:
            await wire.close(close)

    async with ScriptedServer(cannot).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.ERROR)
        await until(lambda: reader.problems)
        assert len(reader.codes) == 1 and reader.codes[0] in {"session-refused", "server-failed"}
        assert "Cannot load the model." in reader.problems[0].detail
        assert not reader.problems[0].recovering
        await asyncio.sleep(30)
        assert server.asked == 1


# S10: one turn in two items.


@in_virtual_time
async def test_s10_a_preamble_and_the_answer_are_one_turn_with_both_times() -> None:
    behaviour = Behaviour(replies="preamble", think_seconds=0.5, delta_seconds=0.3)
    async with ScriptedServer(Realtime(behaviour)).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        for turn in range(2):
            await say(session, turn * 2, turn * 2 + 1)
            await keep_quiet(session, 6)
        page = reader.page()
        assert [[role for role, _ in turn] for turn in page] == [["user", "assistant", "assistant"]] * 2
        assert [turn[0][1] for turn in page] == ["w0 w1", "w2 w3"]
        assert all(turn[1][1] == "Let me see." and turn[2][1].startswith("Reply to") for turn in page)
        assert {timed.turn for timed in reader.timed} == {1, 2}
        assert {item.phase for item in reader.items.values()} >= {"commentary", "final_answer"}


@in_virtual_time
async def test_s10_a_a_response_to_no_utterance_is_a_turn_of_its_own() -> None:
    """Nothing says that the first was a preamble."""

    async def two_responses(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "First?")
        await wire.reply("Let me see.", response="r1", item="a1")
        await wire.reply("Here it is.", response="r2", item="a2")
        await wire.heard_speech("u2", "Second?", start_ms=2000, end_ms=3000)
        await wire.reply("Yes.", response="r3", item="a3")
        await wire.until_closed()

    reader, _ = await read_of(two_responses)
    assert reader.page() == [
        [("user", "First?"), ("assistant", "Let me see.")],
        [("assistant", "Here it is.")],
        [("user", "Second?"), ("assistant", "Yes.")],
    ]


# S11: what a transcript costs.


@in_virtual_time
async def test_s11_the_tokens_of_a_transcript_are_counted() -> None:
    usage = {"type": "tokens", "total_tokens": 24, "input_tokens": 16, "output_tokens": 8}
    usage |= {"input_token_details": {"text_tokens": 0, "audio_tokens": 16}}  # type: ignore[dict-item]

    async def bills(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u", None)
        name = "conversation.item.input_audio_transcription.completed"
        await wire.say(name, item_id="u", content_index=0, transcript="hello", usage=usage)
        await wire.reply("Yes.")
        await wire.until_closed()

    _, session = await read_of(bills)
    assert session.budget.usage.total >= 24
