"""Servers that use an id twice, use one id for all, or leave it out: their events still reach the right item."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.patience import until
from tests.protocol.calling import call, function_call, outputs_of, until_asked
from tests.protocol.reader import BY_HAND, CONFIG, session_with
from tests.protocol.test_barge_in import committed, noticed, partly, replying
from tests.protocol.test_cases_again import listening
from tests.servers.scripted import Script, ScriptedServer, holds
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui.session import Phase
from voice_ui.tools import tool

# One id for all of a kind.


@in_virtual_time
async def test_two_coughs_over_a_reply_may_have_one_id() -> None:
    async def coughs(wire: Wire) -> None:
        await replying(wire)
        for _ in range(2):
            await noticed(wire)
            await committed(wire)
        await wire.transcribe("u2", "[cough]")
        await partly(wire, "[cou")
        await wire.transcribe("u2", "[cough]")
        await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta="a time.")
        await wire.end_reply("r1")
        await wire.until_closed()

    async with ScriptedServer(coughs).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.written("assistant") == ["Once upon a time."])
        await listening(session)
        assert reader.page() == [[("user", "Tell me a story."), ("assistant", "Once upon a time.")]]
        assert reader.codes == []


@in_virtual_time
async def test_a_question_with_the_id_of_a_cough_is_heard() -> None:
    async def counts_badly(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await committed(wire)
        await wire.transcribe("u2", "[cough]")
        await wire.end_reply("r1")
        await asyncio.sleep(1)
        await wire.heard_speech("u2", "What time is it?", start_ms=4000, end_ms=5000)
        await wire.reply("Noon.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(counts_badly).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: "Noon." in reader.written("assistant"))
        await listening(session)
        assert reader.page()[1:] == [[("user", "What time is it?"), ("assistant", "Noon.")]]
        assert reader.codes == []


@in_virtual_time
async def test_a_reply_with_the_id_of_one_to_a_cough_is_shown() -> None:
    async def counts_badly(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story.")
        await wire.begin_reply("Once upon a time.", response="r", item="a1")
        await noticed(wire)
        await committed(wire)
        await wire.end_reply("r")
        await wire.begin_reply(response="r")
        await wire.transcribe("u2", "[cough]")
        await wire.hear("response.cancel")
        await wire.end_reply("r", "cancelled", "client_cancelled")
        await asyncio.sleep(1)
        await wire.heard_speech("u3", "What time is it?", start_ms=4000, end_ms=5000)
        await wire.reply("Noon.", response="r", item="a3")
        await wire.until_closed()

    async with ScriptedServer(counts_badly).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: "What time is it?" in reader.written("user"))
        await listening(session)
        assert reader.page()[1:] == [[("user", "What time is it?"), ("assistant", "Noon.")]]
        assert reader.codes == []


# Ids used twice.


@in_virtual_time
async def test_an_utterance_may_have_the_id_of_a_call_that_runs() -> None:
    heard = asyncio.Event()

    @tool
    async def book() -> str:
        """Book a table."""
        await heard.wait()
        return "booked"

    async def counts_apart(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("item_0", "Book a table")
        await call(wire, function_call("book", item="item_1"))
        await wire.transcribe("item_1", "for two")
        await until_asked(wire)
        await wire.reply("It is booked.", response="r2", item="item_2")
        await wire.until_closed()

    async with ScriptedServer(counts_apart).running() as server:
        async with session_with(server, tools=[book]) as (session, reader):
            session.start()
            await until(lambda: reader.written("user") == ["Book a table", "for two"])
            heard.set()
            await until(lambda: reader.written("assistant") == ["It is booked."])
            assert outputs_of(server.wires[0]) == ["booked"] and reader.codes == []
            session.stop()
            await until(lambda: session.state.at_rest)


@in_virtual_time
async def test_a_server_that_counts_each_connection_from_one_does_not_write_over_the_last_one() -> None:
    def answering(question: str, answer: str, *, breaks: bool) -> Script:
        async def script(wire: Wire) -> None:
            await wire.configure()
            await wire.heard_speech("item_1", question)
            content = [{"type": "input_audio", "transcript": None}]
            item = {"id": "item_1", "type": "message", "role": "user", "status": "completed", "content": content}
            await wire.say("conversation.item.added", previous_item_id=None, item=item)
            await wire.reply(answer, response="resp_1", item="item_2")
            if breaks:
                await asyncio.sleep(1)
                wire.abort()
            else:
                await wire.until_closed()

        return script

    first, second = answering("One?", "Yes, one.", breaks=True), answering("Two?", "Yes, two.", breaks=False)
    async with ScriptedServer(first, second).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: len(server.wires) == 2)
        await until(lambda: any("Yes, two." in text for text in reader.written("assistant")))
        assert reader.page() == [
            [("user", "One?"), ("assistant", "Yes, one.")],
            [("user", "Two?"), ("assistant", "Yes, two.")],
        ]
        assert reader.codes == []


# An id left out.


@in_virtual_time
async def test_an_update_that_is_refused_without_naming_it_is_not_asked_for_again() -> None:
    async def refuses(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("session.update")
        await wire.error("invalid_value", param="session.audio.input.turn_detection")
        await wire.say("session.updated", session=(await wire.hear("session.update"))["session"])
        await wire.heard_speech("u1", "Hello?")
        await wire.reply("Hello.", response="r1", item="a1")
        await asyncio.sleep(1)
        wire.abort()

    async with ScriptedServer(refuses, holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        session.reconfigure(server.endpoint, BY_HAND)
        await until(lambda: reader.codes)
        session.reconfigure(server.endpoint, replace(CONFIG, instructions="Be verbose."))
        await until(lambda: len(server.wires) == 2)
        await listening(session)
        first, second = server.wires
        # The clear belongs to the change to push-to-talk; after the refusal there is nothing to change back.
        assert first.types == ["session.update", "session.update", "input_audio_buffer.clear", "session.update"]
        kept = second.received[0]["session"]
        assert (kept["instructions"], kept["audio"]["input"]["turn_detection"]["type"]) == ("Be verbose.", "server_vad")
        assert reader.codes == ["update-rejected"]


@pytest.mark.parametrize("interrupted", [False, True])
@in_virtual_time
async def test_calls_of_two_turns_may_have_the_same_ids_where_no_response_is_announced(interrupted: bool) -> None:
    ran: list[str] = []
    asked: list[str] = []

    @tool
    async def order(what: str) -> str:
        """Order something."""
        ran.append(what)
        return "ordered"

    async def announces_nothing(wire: Wire) -> None:
        await wire.configure()
        for number, what in enumerate(("pizza", "salad")):
            await wire.heard_speech(f"u{number}", what, start_ms=2000 * number, end_ms=2000 * number + 900)
            if interrupted and number == 0:
                await wire.say("response.output_text.delta", response_id="r", item_id="a", delta="Well, ")
                await wire.hear("response.cancel")
                await wire.end_reply("r", "cancelled")
                continue
            item = function_call("order", {"what": what}, item="f", call_id="call_0")
            await wire.say("response.output_item.done", response_id="r", output_index=0, item=item)
            await wire.end_reply("r", output=[item])
            await until_asked(wire)
            await wire.end_reply("r")
            asked.append(what)
        await wire.until_closed()

    async with (
        ScriptedServer(announces_nothing).running(strict=False) as server,
        session_with(server, tools=[order]) as (session, _),
    ):
        session.start()
        if interrupted:
            await until(lambda: session.state.phase is Phase.ANSWERING)
            session.interrupt()
        await until(lambda: "salad" in asked)
        assert ran == asked == (["salad"] if interrupted else ["pizza", "salad"])


@in_virtual_time
async def test_a_greeting_keeps_its_text_although_what_is_said_next_has_its_id() -> None:
    async def greets(wire: Wire) -> None:
        await wire.configure()
        await wire.say("response.output_text.delta", response_id="r1", item_id="item_1", delta="Welcome.")
        await wire.end_reply("r1")
        await wire.heard_speech("item_1", "Hello?")
        await wire.reply("Hi.", response="r2", item="item_2")
        await wire.until_closed()

    async with ScriptedServer(greets).running(strict=False) as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: "Hi." in reader.written("assistant"))
        assert reader.page() == [[("assistant", "Welcome.")], [("user", "Hello?"), ("assistant", "Hi.")]]
