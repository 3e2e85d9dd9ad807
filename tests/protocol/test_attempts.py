"""How often, and for how long, something is tried: replies, connections, and images that break them."""

from __future__ import annotations

import asyncio

import pytest

from tests.patience import until
from tests.pictures import file
from tests.protocol.reader import BY_HAND, CONFIG, session_with
from tests.protocol.speaking import hear, say
from tests.protocol.test_barge_in import AT_ONCE
from tests.protocol.test_cases_again import listening
from tests.protocol.test_late_events import playing, speak
from tests.servers.scripted import ScriptedServer, holds
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.protocol import SessionConfig
from voice_ui.session import Phase, PlaybackCut, ReplyAudio
from voice_ui.session.link import BUSY_SECONDS
from voice_ui.session.outage import LAST_WORDS_SECONDS, OUTAGE_SECONDS
from voice_ui.session.rewind import MOST_ATTEMPTS
from voice_ui.transport.interface import PATIENCE_SECONDS


def now() -> float:
    return asyncio.get_running_loop().time()


async def hear_second(wire: Wire) -> None:
    """Wait for a second of audio."""
    while len(wire.sound) < len(audio.silence(1000)):
        await wire.next_event()


# How long a server may take.


@pytest.mark.parametrize("how", ["by hand", "typed"])
@in_virtual_time
async def test_a_server_may_be_busy_before_it_acknowledges_a_question(how: str) -> None:
    async def thinks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.commit" if how == "by hand" else "response.create")
        wire.websocket.transport.pause_reading()  # so that it answers no ping
        await asyncio.sleep((PATIENCE_SECONDS + BUSY_SECONDS) / 2)
        wire.websocket.transport.resume_reading()
        if how == "by hand":
            await wire.say("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        await wire.reply("Well.")
        await wire.until_closed()

    async with ScriptedServer(thinks).running() as server:
        async with session_with(server, BY_HAND if how == "by hand" else CONFIG) as (session, reader):
            session.start()
            await listening(session)
            if how == "by hand":
                session.begin_turn()
                await say(session, 1)
                session.end_turn()
            else:
                session.send_text("A hard question")
            await until(lambda: {"reconnecting", "answering"}.intersection(reader.shown), 30)
            await listening(session)
            assert (server.asked, reader.codes, reader.written("assistant")) == (1, [], ["Well."])


# How long an outage may take.


@in_virtual_time
async def test_start_after_stop_in_an_outage_allows_the_full_time_to_reconnect() -> None:
    async with ScriptedServer(holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        server.refuse_from_now_on()
        began = now()
        await until(lambda: session.state.phase is Phase.RECONNECTING)
        await say(session, 1)
        session.stop()
        await asyncio.sleep(0.5)
        session.start()
        await asyncio.sleep(began + LAST_WORDS_SECONDS + 10 - now())
        assert session.state.phase is Phase.RECONNECTING
        await until(lambda: session.state.at_rest, OUTAGE_SECONDS)
        assert now() - began == pytest.approx(OUTAGE_SECONDS, abs=2)


@in_virtual_time
async def test_what_the_server_heard_is_said_again_after_stop_however_quiet_it_was() -> None:
    quiet = b"\x20\x02" * audio.SAMPLE_RATE  # a second

    async def breaks(wire: Wire) -> None:
        await wire.configure()
        await hear_second(wire)
        await wire.heard_speech("u1", None)
        await asyncio.sleep(1)
        wire.abort()

    async def answers(wire: Wire) -> None:
        await wire.configure()
        await hear_second(wire)
        await wire.heard_speech("u2", "Help me")
        await wire.reply("Sure.")
        await wire.until_closed()

    async with ScriptedServer(breaks, answers).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        await hear(session, quiet)
        await until(lambda: session.state.phase is Phase.THINKING)
        session.stop()
        await until(lambda: session.state.at_rest, 20)
        assert reader.page() == [[("user", "Help me"), ("assistant", "Sure.")]]


# How often a reply is asked for.


@pytest.mark.parametrize("config", [BY_HAND, CONFIG], ids=["by hand", "detected"])
@in_virtual_time
async def test_a_spoken_turn_whose_replies_break_off_is_given_up(config: SessionConfig) -> None:
    replies = 0

    async def breaks(wire: Wire) -> None:
        nonlocal replies
        await wire.configure()
        if config is BY_HAND:
            await wire.hear("response.create")
            await wire.say("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        else:
            await hear_second(wire)
            await wire.heard_speech("u1", None)
        replies += 1
        await wire.begin_reply(response="r1")
        await asyncio.sleep(0.3)
        wire.abort()

    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        assert not wire.sound, "it is dropped"
        await wire.reply("Well.")
        await wire.until_closed()

    async with ScriptedServer(*[breaks] * MOST_ATTEMPTS, answers).running() as server:
        async with session_with(server, config) as (session, reader):
            session.start()
            await listening(session)
            if config is BY_HAND:
                session.begin_turn()
            await hear(session, b"\x10\x20" * audio.SAMPLE_RATE)  # a second
            if config is BY_HAND:
                session.end_turn()
            await until(lambda: len(server.wires) == MOST_ATTEMPTS + 1, 30)
            await listening(session)
            session.send_text("Are you there?")
            await until(lambda: reader.written("assistant") == ["Well."])
            assert replies == MOST_ATTEMPTS
            assert reader.codes.count("response-missing") == 1


@pytest.mark.parametrize("code", [1011, None], ids=["closed", "broken"])
@in_virtual_time
async def test_an_image_that_breaks_every_connection_is_given_up(code: int | None) -> None:
    async def breaks_at_images(wire: Wire) -> None:
        await wire.configure()
        while (event := await wire.next_event())["type"] != "response.create":
            if "input_image" in str(event):
                if code:
                    await wire.close(code, "too big")
                else:
                    wire.abort()
                return
        await wire.reply("Well.")
        await wire.until_closed()

    async with ScriptedServer(breaks_at_images).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        session.send_image(file(), reply=False)
        await until(lambda: len(server.wires) == MOST_ATTEMPTS + 1, 30)
        await listening(session)
        session.send_text("Are you there?")
        await until(lambda: reader.written("assistant") == ["Well."])
        assert len(server.wires) == MOST_ATTEMPTS + 1
        assert reader.codes.count("image-refused") == 1


# A reply in the way of the next one.


@in_virtual_time
async def test_speech_over_a_reply_is_answered_although_the_server_does_not_cut_the_reply_short() -> None:
    async def goes_on(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story")
        await wire.begin_reply("Once ", response="r1", item="a1")
        await wire.heard_speech("u2", "Stop, what time is it?", start_ms=1500, end_ms=2500)
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.reply("Noon.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(goes_on).running() as server, session_with(server, AT_ONCE) as (session, reader):
        session.start()
        await until(lambda: "Noon." in reader.written("assistant"))
        assert reader.page()[1] == [("user", "Stop, what time is it?"), ("assistant", "Noon.")]
        assert reader.codes == []


@in_virtual_time
async def test_a_spoken_reply_that_broke_off_is_silenced_when_it_is_said_again() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(response="r1")
        await speak(wire, "r1", "a1", 5)
        await asyncio.sleep(0.3)
        wire.abort()

    async def speaks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.begin_reply(response="r2")
        await speak(wire, "r2", "a2", 5)
        await wire.end_reply("r2")
        await wire.until_closed()

    async with ScriptedServer(breaks, speaks).running() as server, playing(server) as (session, page):
        await until(lambda: len(page.played) == 10)
        kinds = [type(event) for event in page.events if isinstance(event, ReplyAudio | PlaybackCut)]
        assert kinds == [ReplyAudio] * 5 + [PlaybackCut] + [ReplyAudio] * 5
        session.take_played("a1", 800, stopped=True)
        session.take_played("a2", 5000)
        await listening(session)
