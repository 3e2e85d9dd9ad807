"""Events that come late, or twice: they end nothing else, run no call again, and play no audio after Escape."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.nothing_left import nothing_left
from tests.patience import until
from tests.protocol.calling import call, function_call, outputs_of, until_asked
from tests.protocol.reader import BY_HAND, session_with
from tests.protocol.speaking import say
from tests.protocol.test_barge_in import SPOKEN, Page
from tests.protocol.test_cases_again import listening
from tests.protocol.test_spoken_reply import PLACE
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.session import Phase, RealtimeSession
from voice_ui.session.exchange import UNANNOUNCED_SECONDS
from voice_ui.tools import Tool, tool

PIZZA = function_call("order", {"what": "pizza"})


def ordering() -> tuple[Tool, list[str]]:
    """Return a tool, and what is ordered with it."""
    ordered: list[str] = []

    @tool
    async def order(what: str) -> str:
        """Order."""
        ordered.append(what)
        return "ordered"

    return order, ordered


# The end of a response.


@in_virtual_time
async def test_a_reply_whose_end_is_sent_twice_is_not_reported_as_empty() -> None:
    async def repeats(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1")
        await wire.reply("Hello.", response="r1", item="a1")
        await wire.end_reply("r1")
        await wire.heard_speech("u2", "Who are you?", start_ms=1100, end_ms=2000)
        await wire.reply("A model.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(repeats).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: "A model." in reader.written("assistant"))
        await listening(session)
        assert reader.codes == []


@in_virtual_time
async def test_the_end_of_a_response_that_never_began_does_not_end_the_one_that_runs() -> None:
    async def confuses(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "One")
        await wire.begin_reply("Reply to ", response="r1", item="a1")
        await wire.end_reply("unknown", "cancelled")
        await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta="one.")
        await wire.end_reply("r1")
        await wire.heard_speech("u2", "Two", start_ms=1100, end_ms=2000)
        await wire.reply("Reply to two.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(confuses).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: "Reply to two." in reader.written("assistant"))
        await listening(session)
        assert reader.shown[3:6] == ["thinking", "answering", "listening"], "the first turn"
        assert [item.turn for item in reader.items.values()] == [1, 1, 2, 2]


@in_virtual_time
async def test_the_end_of_a_response_that_never_began_does_not_end_the_wait_for_a_reply() -> None:
    async def confuses(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.say("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        await wire.end_reply("unknown", "cancelled")
        await asyncio.sleep(1)
        await wire.reply("Reply.", response="r1", item="a1")
        await wire.until_closed()

    async with ScriptedServer(confuses).running() as server, session_with(server, BY_HAND) as (session, reader):
        session.start()
        await listening(session)
        session.begin_turn()
        await say(session, 1)
        session.end_turn()
        await until(lambda: reader.written("assistant") == ["Reply."])
        await listening(session)
        assert reader.shown[2:] == ["hearing", "thinking", "answering", "listening"]


@in_virtual_time
async def test_a_cancelled_reply_that_ends_late_does_not_end_the_wait_for_the_next_one() -> None:
    async def is_slow_to_cancel(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.say("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        await wire.transcribe("u1", "One")
        await wire.begin_reply("A long story", response="r1", item="a1")
        await wire.hear("response.cancel")
        wire.judge.ended("r1")  # the session waits for its end for a limited time only
        await wire.hear("input_audio_buffer.commit")
        await wire.say("input_audio_buffer.committed", item_id="u2", previous_item_id=None)
        await wire.transcribe("u2", "Two")
        await asyncio.sleep(UNANNOUNCED_SECONDS + 0.5)
        await wire.end_reply("r1", "cancelled")
        await wire.hear("response.create")
        await asyncio.sleep(5)
        await wire.reply("Reply to two.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(is_slow_to_cancel).running() as server:
        async with session_with(server, BY_HAND) as (session, reader):
            session.start()
            await listening(session)
            session.begin_turn()
            await say(session, 1)
            session.end_turn()
            await until(lambda: session.state.phase is Phase.ANSWERING)
            session.begin_turn()
            await say(session, 2)
            session.stop()
            await until(lambda: session.state.at_rest, 20)
            assert reader.page() == [
                [("user", "One"), ("assistant", "A long story")],
                [("user", "Two"), ("assistant", "Reply to two.")],
            ]


# Calls.


@pytest.mark.parametrize("repeated", ["the end of the response", "the call", "the call, known by its arguments"])
@in_virtual_time
async def test_a_call_that_is_sent_twice_runs_once(repeated: str) -> None:
    order, ordered = ordering()

    async def repeats(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        if repeated.endswith("arguments"):
            await wire.begin_reply(response="resp_f")
            told = {key: PIZZA[key] for key in ("call_id", "name", "arguments")}
            name = "response.function_call_arguments.done"
            await wire.say(name, response_id="resp_f", item_id="item_f", output_index=0, **told)
            await wire.end_reply("resp_f")
        else:
            await call(wire, PIZZA)
        await until_asked(wire)
        if repeated == "the end of the response":
            await wire.end_reply("resp_f", output=[PIZZA])
        else:
            await wire.say("response.output_item.done", response_id="resp_f", output_index=0, item=PIZZA)
        await wire.reply("It is ordered.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(repeats).running() as server, session_with(server, tools=[order]) as (session, reader):
        session.start()
        await until(lambda: "It is ordered." in reader.written("assistant"))
        assert ordered == ["pizza"]
        await listening(session)
        wire = server.wires[0]
        assert (outputs_of(wire), wire.types.count("response.create"), reader.codes) == (["ordered"], 1, [])


@pytest.mark.parametrize("status", ["cancelled", "completed"])
@in_virtual_time
async def test_a_call_that_comes_after_escape_is_not_run_and_not_answered(status: str) -> None:
    order, ordered = ordering()
    escape = asyncio.Event()

    async def calls(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(response="resp_f")
        await escape.wait()
        # All this was sent before the cancel arrived.
        await wire.say("response.output_item.done", response_id="resp_f", output_index=0, item=PIZZA)
        if status == "completed":
            await wire.end_reply("resp_f", output=[PIZZA])
        cancel = await wire.hear("response.cancel")
        if status == "completed":
            await wire.error("response_cancel_not_active", event_id=cancel["event_id"])
        else:
            await wire.end_reply("resp_f", "cancelled", "client_cancelled")
        await wire.hear("conversation.item.create")
        await wire.heard_speech("u2", "Never mind", start_ms=1100, end_ms=2000)
        await wire.reply("As you wish.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(calls).running() as server, session_with(server, tools=[order]) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.THINKING)
        await asyncio.sleep(0.1)  # until the session knows that the response has begun, which nothing shows
        session.interrupt()
        escape.set()
        await until(lambda: "As you wish." in reader.written("assistant"))
        await listening(session)
        [output] = outputs_of(server.wires[0])
        assert ordered == [] and output.startswith("Cancelled")
        assert "response.create" not in server.wires[0].types and reader.codes == []


# Spoken replies.


@asynccontextmanager
async def playing(server: ScriptedServer) -> AsyncIterator[tuple[RealtimeSession, Page]]:
    """Have a session with spoken replies, and a page that takes them; at the end nothing of it may be left."""
    session = RealtimeSession(server.endpoint, SPOKEN, plays=True, clock=asyncio.get_running_loop().time)
    page = Page(session)
    session.start()
    try:
        yield session, page
    finally:
        await session.close()
        page.task.cancel()
        await asyncio.gather(page.task, return_exceptions=True)
    await nothing_left(server, session)


async def speak(wire: Wire, response: str, item: str, seconds: int = 1) -> None:
    """Speak a sentence for each second."""
    place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
    for _ in range(seconds):
        await wire.say("response.output_audio_transcript.delta", **place, delta="Once upon a time. ")
        await wire.say("response.output_audio.delta", **place, delta=audio.encode(audio.silence(1000)))


@pytest.mark.parametrize("cancels", [True, False])
@in_virtual_time
async def test_audio_that_comes_after_escape_is_not_played(cancels: bool) -> None:
    escape = asyncio.Event()

    async def speaks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(response="r1")
        await escape.wait()
        await speak(wire, "r1", "a1", 3)  # sent before the cancel arrived
        await wire.hear("response.cancel")
        if not cancels:
            await speak(wire, "r1", "a1", 3)
        await wire.end_reply("r1", "cancelled" if cancels else "completed")
        await wire.heard_speech("u2", "Another story", start_ms=1100, end_ms=2000)
        await wire.begin_reply(response="r2")
        await speak(wire, "r2", "a2")
        await wire.end_reply("r2")
        await wire.until_closed()

    async with ScriptedServer(speaks).running() as server, playing(server) as (session, page):
        await until(lambda: session.state.phase is Phase.THINKING)
        await asyncio.sleep(0.1)  # until the session knows that the response has begun, which nothing shows
        session.interrupt()
        escape.set()
        await until(lambda: "a2" in page.played)
        assert page.played == ["a2"]


@in_virtual_time
async def test_a_late_report_of_where_a_reply_was_stopped_does_not_silence_the_next_one() -> None:
    reported = asyncio.Event()

    async def speaks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(response="r1")
        await speak(wire, "r1", "a1", 4)
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.hear("conversation.item.truncate")  # the report is no longer waited for
        await wire.begin_reply(response="r2")
        await speak(wire, "r2", "a2", 2)
        await reported.wait()
        await speak(wire, "r2", "a2", 3)
        await wire.end_reply("r2")
        await wire.until_closed()

    async with ScriptedServer(speaks).running() as server, playing(server) as (session, page):
        await until(lambda: page.played.count("a1") == 4)
        session.take_played("a1", 500)
        session.send_text("Something else")
        await until(lambda: "a2" in page.played)
        session.take_played("a1", 520, stopped=True)
        reported.set()
        await until(lambda: page.played.count("a2") == 5)
        session.take_played("a2", 5000)
        await listening(session)
        [truncated] = server.wires[0].of_type("conversation.item.truncate")
        assert (truncated["item_id"], truncated["audio_end_ms"], page.cuts) == ("a1", 500, [False])


@in_virtual_time
async def test_a_reply_may_be_played_before_its_transcript_comes() -> None:
    reported = asyncio.Event()

    async def speaks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(response="r")
        await wire.say("response.output_audio.delta", **PLACE, delta=audio.encode(audio.silence(1000)))
        await reported.wait()
        await wire.say("response.output_audio_transcript.delta", **PLACE, delta="Noon.")
        await wire.end_reply("r")
        await wire.until_closed()

    async with ScriptedServer(speaks).running() as server, playing(server) as (session, page):
        await until(lambda: page.played)
        session.take_played("a", 200)
        reported.set()
        await until(lambda: session.conversation.items[-1].text == "Noon.")
        session.take_played("a", 1000)
        await listening(session)
