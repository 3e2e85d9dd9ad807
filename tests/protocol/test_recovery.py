"""Nothing said is lost: connections that break at every moment of a turn, and what the next one is given."""

from __future__ import annotations

import time

import pytest

from tests.patience import until
from tests.protocol.reader import chunk, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.session import Phase
from voice_ui.session.given import GO_ON


def spoken(wire: Wire) -> list[int]:
    """Return the numbers of the chunks a server got, in order."""
    sounds = [audio.decode(event["audio"]) for event in wire.received if event["type"] == "input_audio_buffer.append"]
    return [sound[0] for sound in sounds if sound[0]]


async def holds(wire: Wire) -> None:
    await wire.configure()
    await wire.until_closed()


def breaks_after(*numbers: int, in_speech: bool = True) -> object:
    async def script(wire: Wire) -> None:
        await wire.configure()
        if in_speech:
            await wire.say("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
        for _ in numbers:
            await wire.hear("input_audio_buffer.append")
        wire.websocket.transport.abort()

    return script


@in_virtual_time
async def test_an_utterance_cut_in_the_middle_is_said_again_from_its_beginning_and_goes_on() -> None:
    async with ScriptedServer(breaks_after(*range(1, 6)), holds).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            for number in range(1, 6):
                session.append_audio(chunk(number))
            await until(lambda: session.state.phase is Phase.RECONNECTING)
            for number in range(6, 9):
                session.append_audio(chunk(number))
            await until(lambda: session.state.phase is Phase.LISTENING)
            session.append_audio(chunk(9))
            await until(lambda: len(server.wires) == 2 and len(spoken(server.wires[1])) == 9)
            assert spoken(server.wires[1]) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
            assert "reconnecting" in reader.shown
            assert not reader.problems


@in_virtual_time
async def test_what_was_committed_but_not_written_down_is_said_again() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        for _ in range(5):
            await wire.hear("input_audio_buffer.append")
        await wire.say("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=40)
        await wire.say("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=100)
        await wire.say("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        wire.websocket.transport.abort()

    async with ScriptedServer(breaks, holds).running() as server, session_with(server) as (session, _):
        session.start()
        for number in range(1, 6):
            session.append_audio(chunk(number))
        await until(lambda: len(server.wires) == 2 and spoken(server.wires[1])[-3:] == [3, 4, 5])
        assert session.conversation.items == []


@pytest.mark.parametrize("words", [(), ("Once ", "upon")])
@in_virtual_time
async def test_what_is_known_in_writing_is_not_said_again_but_its_reply_asked_for(words: tuple[str, ...]) -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        for _ in range(5):
            await wire.hear("input_audio_buffer.append")
        await wire.heard_speech(item="u1", transcript="tell me a story", end_ms=100)
        if words:
            await wire.say("response.created", response={"id": "r1"})
        for word in words:
            await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta=word)
        wire.websocket.transport.abort()

    async def answers(wire: Wire) -> None:
        await wire.configure()
        item = (await wire.hear("conversation.item.create"))["item"]
        assert item["content"][0]["text"] == "tell me a story"
        await wire.say("conversation.item.added", previous_item_id=None, item=item)
        await wire.hear("response.create")
        await wire.reply("There was a king.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(breaks, answers).running() as server, session_with(server) as (session, reader):
        session.start()
        for number in range(1, 6):
            session.append_audio(chunk(number))
        await until(lambda: ("assistant", "There was a king.") in reader.texts)
        await until(lambda: session.state.phase is Phase.LISTENING)
        assert spoken(server.wires[1]) == []
        assert reader.shown[-3:] == ["thinking", "answering", "listening"]


@in_virtual_time
async def test_stop_and_then_a_broken_connection_still_gets_the_last_words_answered() -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.append")
        await wire.heard_speech(item="u2")
        await wire.reply("Yes.")
        await wire.until_closed()

    async with ScriptedServer(breaks_after(1, 2), answers).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.HEARING)
            session.append_audio(chunk(1))
            session.append_audio(chunk(2))
            session.stop()
            await until(lambda: session.state.phase is Phase.IDLE)
            assert ("assistant", "Yes.") in reader.texts
            assert spoken(server.wires[1]) == [1, 2]


@in_virtual_time
async def test_five_flaps_in_a_row_lose_nothing() -> None:
    flap = breaks_after(1)
    async with ScriptedServer(flap, flap, flap, flap, flap, holds).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            for number in range(1, 21):
                session.append_audio(chunk(number))
            await until(lambda: len(server.wires) == 6 and len(spoken(server.wires[5])) == 20, 20)
            assert spoken(server.wires[5]) == list(range(1, 21))
            assert set(reader.codes) == {"connection-lost"}


@in_virtual_time
async def test_a_refusal_is_not_tried_again() -> None:
    async def refuses(wire: Wire) -> None:
        await wire.configure()
        await wire.websocket.close(1013, "insufficient_quota.credit_balance_exhausted")

    async with ScriptedServer(refuses).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.ERROR)
        await until(lambda: reader.codes == ["no-quota"])
        assert len(server.wires) == 1


@in_virtual_time
async def test_trying_again_ends_and_says_so() -> None:
    async with ScriptedServer(holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        server.refuse_from_now_on()
        await until(lambda: session.state.phase is Phase.ERROR, 70)
        await until(lambda: reader.problems[-1].recovering is False)
        assert set(reader.codes) == {"server-failed"}


@in_virtual_time
async def test_stop_while_reconnecting_gives_up_after_a_while() -> None:
    async with ScriptedServer(holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        server.refuse_from_now_on()
        await until(lambda: session.state.phase is Phase.RECONNECTING)
        session.stop()
        await until(lambda: session.state.at_rest, 25)


@in_virtual_time
async def test_a_session_is_renewed_in_a_quiet_moment_before_it_expires_and_nobody_notices() -> None:
    async def expires(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime", "expires_at": time.time() + 5.5})
        update = await wire.hear("session.update")
        await wire.say("session.updated", session=update["session"])
        await wire.heard_speech(item="u1", transcript="my name is Ada", end_ms=0)
        await wire.reply("Hello Ada.", item="a1")
        await wire.until_closed()

    async with ScriptedServer(expires, holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: len(server.wires) == 2, what="a second connection")
        session.append_audio(chunk(1))
        await until(lambda: spoken(server.wires[1]) == [1])
        texts = [e["item"]["content"][0]["text"] for e in server.wires[1].received if "item" in e]
        assert texts == ["my name is Ada", "Hello Ada.", GO_ON]
        assert "reconnecting" not in reader.shown and not reader.problems
        assert session.state.phase is Phase.LISTENING


@in_virtual_time
async def test_a_session_that_expired_anyway_goes_on_at_once() -> None:
    async def expires(wire: Wire) -> None:
        await wire.configure()
        error = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes."}
        await wire.say("error", error=error)
        await wire.websocket.close(1001, "60 minutes.")

    async with ScriptedServer(expires, holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: len(server.wires) == 2)
        await until(lambda: session.state.phase is Phase.LISTENING)
