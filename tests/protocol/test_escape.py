"""Escape, whenever it is pressed: the reply ends, and what waits to be sent asks for no other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.patience import until
from tests.pictures import file
from tests.protocol.calling import call, function_call, outputs_of
from tests.protocol.reader import BY_HAND, session_with
from tests.protocol.test_barge_in import AT_ONCE, noticed
from tests.protocol.test_cases_again import listening
from tests.protocol.test_late_events import playing
from tests.protocol.test_spoken_reply import PLACE
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.session import Phase
from voice_ui.tools import tool
from voice_ui.transport.websocket import WebsocketTransport


async def answers_one(wire: Wire) -> None:
    """Reply to one question."""
    await wire.hear("response.create")
    await wire.reply("Well.", response="r9", item="a9")
    await wire.until_closed()


def asked(wire: Wire) -> list[str]:
    """Return the texts that the server was given, and the events that ask for responses or cancel them."""
    return [
        event["type"] if event["type"] != "conversation.item.create" else event["item"]["content"][0]["text"]
        for event in wire.received
        if event["type"].startswith(("response.", "conversation.item.create"))
    ]


@in_virtual_time
async def test_escape_while_somebody_speaks_cancels_the_reply_that_is_to_come() -> None:
    escape = asyncio.Event()

    async def replies_over_speech(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story")
        await noticed(wire)
        await escape.wait()
        await wire.begin_reply("Once ", response="r1", item="a1")
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.until_closed()

    async with ScriptedServer(replies_over_speech).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.shown.count("hearing") == 2)
        session.interrupt()
        escape.set()
        await until(lambda: "a1" in reader.items and reader.items["a1"].status == "cancelled")


@in_virtual_time
async def test_escape_while_somebody_speaks_cancels_the_reply_that_is_written() -> None:
    async def replies_over_speech(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story")
        await noticed(wire)
        await wire.begin_reply("Once ", response="r1", item="a1")
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.until_closed()

    async with ScriptedServer(replies_over_speech).running() as server:
        async with session_with(server, AT_ONCE) as (session, reader):
            session.start()
            await until(lambda: reader.written("assistant") == ["Once "])
            assert session.state.phase is Phase.HEARING
            session.interrupt()
            await until(lambda: reader.items["a1"].status == "cancelled")


@in_virtual_time
async def test_what_was_typed_before_escape_while_connecting_is_given_and_not_answered() -> None:
    escape = asyncio.Event()

    async def connects_late(wire: Wire) -> None:
        await escape.wait()
        await wire.configure()
        await answers_one(wire)

    async with ScriptedServer(connects_late).running() as server, session_with(server) as (session, reader):
        session.start()
        session.send_text("Hello")
        await until(lambda: server.wires)
        assert session.state.phase is Phase.CONNECTING
        session.interrupt()
        escape.set()
        await listening(session)
        session.send_text("What time is it?")
        await until(lambda: reader.written("assistant") == ["Well."])
        given = asked(server.wires[0])
        assert (given[0], given[-2:]) == ("Hello", ["What time is it?", "response.create"])
        assert given.count("response.create") == 1


@in_virtual_time
async def test_what_was_typed_before_escape_in_an_outage_is_given_and_not_answered() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        wire.abort()

    async def connects_again(wire: Wire) -> None:
        await wire.configure()
        await answers_one(wire)

    async with ScriptedServer(breaks, connects_again).running() as server, session_with(server) as (session, reader):
        session.start()
        session.send_text("Hello")
        await until(lambda: session.state.phase is Phase.RECONNECTING)
        session.interrupt()
        await listening(session)
        session.send_text("What time is it?")
        await until(lambda: reader.written("assistant") == ["Well."])
        given = asked(server.wires[1])
        assert (given[0], given[-2:]) == ("Hello", ["What time is it?", "response.create"])
        assert given.count("response.create") == 1


@in_virtual_time
async def test_escape_while_a_question_is_being_sent_asks_for_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    sending, escape = asyncio.Event(), asyncio.Event()
    send = WebsocketTransport.send

    async def send_slowly(self: WebsocketTransport, event: dict[str, Any]) -> None:
        if event["type"] == "conversation.item.create" and not escape.is_set():
            sending.set()
            await escape.wait()
        await send(self, event)

    async def answers(wire: Wire) -> None:
        await wire.configure()
        await answers_one(wire)

    monkeypatch.setattr(WebsocketTransport, "send", send_slowly)
    async with ScriptedServer(answers).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        session.send_image(file(), "What is this?")
        await sending.wait()
        session.interrupt()
        escape.set()
        await listening(session)
        session.send_text("What time is it?")
        await until(lambda: reader.written("assistant") == ["Well."])
        assert asked(server.wires[0]) == ["What is this?", "What time is it?", "response.create"]


@pytest.mark.parametrize("reported_ms", [200, None])
@in_virtual_time
async def test_escape_ends_a_spoken_reply_that_has_no_transcript(reported_ms: int | None) -> None:
    async def speaks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(response="r")
        await wire.say("response.output_audio.delta", **PLACE, delta=audio.encode(audio.silence(3000)))
        await wire.say("response.output_audio.done", **PLACE)
        await wire.end_reply("r")
        await wire.until_closed()

    async with ScriptedServer(speaks).running() as server, playing(server) as (session, page):
        await until(lambda: page.played)
        if reported_ms:
            session.take_played("a", reported_ms)
        session.interrupt()
        await listening(session)
        await until(lambda: server.wires[0].of_type("conversation.item.truncate"))
        [truncate] = server.wires[0].of_type("conversation.item.truncate")
        assert (truncate["item_id"], truncate["audio_end_ms"]) == ("a", reported_ms or 0)


# The outputs of calls, which wait while somebody speaks.


@in_virtual_time
async def test_outputs_that_wait_for_the_end_of_speech_are_sent_after_a_refused_change_to_push_to_talk() -> None:
    spoken_over = asyncio.Event()

    @tool
    async def book() -> str:
        """Book a table."""
        await spoken_over.wait()
        return "booked"

    async def hears_no_end(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Book a table")
        await call(wire, function_call("book"))
        await noticed(wire)
        update = await wire.hear("session.update")
        await wire.error("invalid_value", param="session.audio.input.turn_detection", event_id=update["event_id"])
        await answers_one(wire)

    async with ScriptedServer(hears_no_end).running() as server:
        async with session_with(server, tools=[book]) as (session, reader):
            session.start()
            await until(lambda: reader.shown.count("hearing") == 2)
            spoken_over.set()
            await until(lambda: any(item.status == "done" for item in reader.items.values()))
            assert outputs_of(server.wires[0]) == []
            session.reconfigure(server.endpoint, BY_HAND)
            await until(lambda: reader.codes == ["update-rejected"])
            session.stop()
            await until(lambda: session.state.at_rest, 20)
            assert outputs_of(server.wires[0]) == ["booked"]
            assert (reader.written("assistant"), reader.codes) == (["Well."], ["update-rejected"])
