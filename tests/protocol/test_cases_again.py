"""More cases of the kinds in `test_cases_k` and `test_cases_s`; each was a fault once."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.patience import until
from tests.protocol.calling import call, function_call
from tests.protocol.reader import BY_HAND, CONFIG, Reader, session_with
from tests.protocol.speaking import keep_quiet, say
from tests.servers.realtime import Realtime
from tests.servers.scripted import ScriptedServer, holds
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui import snapshot
from voice_ui.models import known
from voice_ui.servers import Endpoint
from voice_ui.session import Limits, Phase, RealtimeSession, Seats
from voice_ui.tools import tool

PRICES = known("gpt-realtime").prices
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
TRANSCRIBING = "conversation.item.input_audio_transcription.delta"


async def listening(session: RealtimeSession) -> None:
    await until(lambda: session.state.phase is Phase.LISTENING, what="it listens")


async def read_of(*scripts: Any, seconds: float = 5, **more: Any) -> tuple[Reader, RealtimeSession]:
    """Let a session meet a server and let this much time pass; return what was read."""
    async with ScriptedServer(*scripts).running() as server, session_with(server, **more) as (session, reader):
        session.start()
        await asyncio.sleep(seconds)
        reader.before_rest = session.state.shown
        return reader, session


# What servers send.


@in_virtual_time
async def test_errors_without_end_before_the_session_do_not_extend_the_wait() -> None:
    async def complains(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime"})
        with suppress(ConnectionClosed):
            while True:
                await wire.error("model_load_error", type="server_error")
                await asyncio.sleep(0.5)

    async with ScriptedServer(complains).running() as server, session_with(server) as (session, reader):
        session.start()
        await asyncio.sleep(5)
        assert session.state.shown == "error" and len(reader.codes) == 1


@in_virtual_time
async def test_an_emoji_split_over_two_pieces_of_a_transcript_is_one_character() -> None:
    async def splits(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u", None)
        await wire.say(TRANSCRIBING, item_id="u", content_index=0, delta="Hi \ud83d")
        await wire.say(TRANSCRIBING, item_id="u", content_index=0, delta="\ude00!")
        await wire.until_closed()

    reader, _ = await read_of(splits)
    assert [text for _, text in reader.texts] == ["", "Hi ", "Hi \U0001f600!"]


PART = {"response_id": "r", "output_index": 0}
MESSAGE = {"id": "a", "type": "message", "role": "assistant", "status": "completed"}


@pytest.mark.parametrize("before", [(), ("Seven ",)])
@pytest.mark.parametrize("whole", ["response.output_item.done", "response.output_text.done"])
@in_virtual_time
async def test_pieces_of_a_reply_that_come_after_all_of_it_are_not_said_twice(
    whole: str, before: tuple[str, ...]
) -> None:
    async def repeats(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply(*before, response="r", item="a")
        item = {**MESSAGE, "content": [{"type": "output_text", "text": "Seven plus five."}]}
        all_of_it = {"item": item} if "item" in whole else {"item_id": "a", "text": "Seven plus five."}
        await wire.say(whole, **PART, content_index=0, **all_of_it)
        for delta in ("Seven ", "plus ", "five.")[len(before) :]:
            await wire.say("response.output_text.delta", **PART, item_id="a", content_index=0, delta=delta)
        await wire.end_reply("r")
        await wire.reply("And ", "more.", response="r", item="b")  # of a server that has one id for all
        await wire.until_closed()

    reader, _ = await read_of(repeats)
    assert reader.written("assistant") == ["Seven plus five.", "And more."]


@in_virtual_time
async def test_a_transcript_that_was_written_and_ends_empty_stays() -> None:
    async def blanks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u", None)
        await wire.say(TRANSCRIBING, item_id="u", content_index=0, delta="What is it?")
        await wire.transcribe("u", "")
        await wire.until_closed()

    reader, _ = await read_of(blanks)
    assert reader.written("user") == ["What is it?"]


@in_virtual_time
async def test_speech_that_never_ends_is_over_when_it_has_long_been_quiet() -> None:
    async def hears(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.append")
        await wire.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        while (await wire.next_event())["type"] != "response.create":
            pass
        await wire.reply("Hello.")
        await wire.until_closed()

    async with ScriptedServer(hears).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        await say(session, *range(40))
        assert session.state.phase is Phase.HEARING, "however long somebody speaks"
        await keep_quiet(session, 9)
        assert session.state.phase is Phase.HEARING and reader.codes == []
        await until(lambda: session.state.phase is Phase.LISTENING, 20, what="it no longer waits")
        assert reader.codes == ["response-missing"]
        session.send_text("Hello?")
        await until(lambda: reader.written("assistant") == ["Hello."], what="it goes on")


@pytest.mark.parametrize("event", ["input_audio_buffer.committed", "input_audio_buffer.speech_stopped"])
@in_virtual_time
async def test_the_end_of_a_turn_that_is_said_again_begins_no_other(event: str) -> None:
    async def repeats(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u", "hello")
        await wire.say(event, item_id="u")
        await wire.reply("Reply.")
        await wire.say(event, item_id="u")
        await wire.until_closed()

    reader, _ = await read_of(repeats, seconds=40)
    assert (reader.before_rest, reader.codes, reader.page()) == (
        "listening",
        [],
        [[("user", "hello"), ("assistant", "Reply.")]],
    )


@in_virtual_time
async def test_a_server_may_use_one_id_for_all_utterances() -> None:
    async def counts_badly(wire: Wire) -> None:
        await wire.configure()
        for number in (1, 2):
            await wire.heard_speech("u", None, start_ms=number * 1000, end_ms=number * 1000 + 500)
            await wire.reply(f"Reply {number}.", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    reader, _ = await read_of(counts_badly, seconds=40)
    assert (reader.codes, reader.written("assistant")) == ([], ["Reply 1.", "Reply 2."])
    assert reader.shown.count("thinking") == 2


@in_virtual_time
async def test_a_server_may_use_one_id_for_all_responses() -> None:
    async def counts_badly(wire: Wire) -> None:
        await wire.configure()
        for number in (1, 2):
            await wire.heard_speech(f"u{number}", None, start_ms=number * 1000, end_ms=number * 1000 + 500)
            await wire.reply(f"Reply {number}.", response="r", item=f"a{number}")
        await wire.until_closed()

    reader, _ = await read_of(counts_badly, seconds=70)
    assert (reader.codes, reader.written("assistant")) == ([], ["Reply 1.", "Reply 2."])
    assert reader.before_rest == "listening"


@in_virtual_time
async def test_types_of_events_without_end_take_no_memory() -> None:
    async def invents(wire: Wire) -> None:
        await wire.configure()
        for number in range(500):
            await wire.say(f"event.{number}")
        await wire.until_closed()

    _, session = await read_of(invents)
    assert len(session.unknown_events) < 150 and session.unknown_events.total() == 500


@in_virtual_time
async def test_a_renewal_long_after_an_outage_is_no_outage() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        await asyncio.sleep(1)
        wire.abort()

    async def expires(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime", "expires_at": time.time() + 200})
        await wire.say("session.updated", session=(await wire.hear("session.update"))["session"])
        await wire.until_closed()

    async with ScriptedServer(breaks, expires, holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await asyncio.sleep(400)
        assert (len(server.wires), reader.shown.count("reconnecting")) == (3, 1)


@in_virtual_time
async def test_utterances_without_ids_stand_over_their_own_replies() -> None:
    async def names_nothing(wire: Wire) -> None:
        await wire.configure()
        for number in (1, 2):
            await wire.say("input_audio_buffer.speech_started")
            await wire.say("input_audio_buffer.speech_stopped")
            await wire.say("input_audio_buffer.committed")
            await wire.say(TRANSCRIBED, transcript=f"Question {number}?")
            await wire.reply(f"Reply {number}.", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    reader, _ = await read_of(names_nothing)
    assert reader.page() == [[("user", f"Question {n}?"), ("assistant", f"Reply {n}.")] for n in (1, 2)]


@pytest.mark.parametrize("status", ["in_progress", "finished", 3, ["completed"]])
@in_virtual_time
async def test_a_response_that_is_over_is_complete_whatever_its_status_is_called(status: Any) -> None:
    async def miscalls(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply("Reply.")
        await wire.end_reply(status=status)
        await wire.until_closed()

    reader, session = await read_of(miscalls)
    assert [item.status for item in reader.items.values()] == ["completed", "completed"]
    assert [snapshot.item_of(snapshot.text_of(item)) for item in session.conversation.items], "survives a restart"


@in_virtual_time
async def test_a_page_that_is_far_behind_misses_no_state() -> None:
    async def floods(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u", "hello")
        await wire.begin_reply(*["x"] * 3000)
        await wire.end_reply()
        await wire.until_closed()

    class Slow(Reader):
        async def read(self) -> None:
            async for event in self.session:
                self.take(event)
                await asyncio.sleep(0.01)

    async with ScriptedServer(floods).running() as server:
        async with RealtimeSession(server.endpoint, CONFIG, clock=asyncio.get_running_loop().time) as session:
            reader = Slow(session)
            reading = asyncio.create_task(reader.read())
            session.start()
            await asyncio.sleep(60)
            reading.cancel()
            assert reader.written("assistant") == ["x" * 3000]
            assert reader.shown[-1] == "listening", reader.shown


@in_virtual_time
async def test_lines_typed_before_there_is_a_connection_get_one_reply_and_no_empty_one() -> None:
    async with ScriptedServer(Realtime()).running() as server, session_with(server) as (session, reader):
        for text in ("one", "two", "three"):
            session.send_text(text)
        await until(lambda: session.state.at_rest)
        assert len(reader.written("assistant")) == len(server.wires[0].of_type("response.create")) == 1


# What servers bill.


async def bills(wire: Wire, usage: Any, transcribed: Any) -> None:
    """Bill every reply and every transcript like this."""
    with suppress(ConnectionClosed):
        await wire.configure()
        for number in range(5):
            start_ms = number * 1000
            await wire.heard_speech(f"u{number}", None, start_ms=start_ms, end_ms=start_ms + 900)
            await wire.say(TRANSCRIBED, item_id=f"u{number}", transcript="hello", usage=transcribed)
            await wire.begin_reply("Yes.", response=f"r{number}", item=f"a{number}")
            await wire.end_reply(f"r{number}", usage=usage)
            await asyncio.sleep(1)
        await wire.until_closed()


@pytest.mark.parametrize(
    ("usage", "code"),
    [
        ({"input_tokens": 1e6, "output_tokens": 1e6}, "cost-limit"),
        ({"total_tokens": 2_000_000}, "cost-unreported"),
        ({"input_tokens": "1000000", "output_tokens": None}, "cost-unreported"),
        ({"input_tokens": 0, "output_tokens": 0}, "cost-unreported"),
    ],
)
@in_virtual_time
async def test_no_oddly_written_bill_gets_past_a_limit(usage: Any, code: str) -> None:
    reader, _ = await read_of(
        partial(bills, usage=usage, transcribed=None), seconds=20, prices=PRICES, limits=Limits(max_cost=1.0)
    )
    assert (reader.codes, len(reader.written("assistant"))) == ([code], 1)


@pytest.mark.parametrize("usage", [{"type": "duration", "seconds": "9"}, {"type": "tokens"}, {"seconds": None}])
@in_virtual_time
async def test_a_transcript_whose_bill_cannot_be_read_costs_what_its_audio_does(usage: Any) -> None:
    async with ScriptedServer(partial(bills, usage=None, transcribed=usage)).running() as server:
        async with session_with(server, prices=PRICES) as (session, reader):
            session.start()
            await keep_quiet(session, 3)
            await until(lambda: reader.written("assistant") != [])
            assert session.budget.dollars > 0 and not session.budget.is_exact


# Start, whenever it is pressed.


@in_virtual_time
async def test_start_right_after_a_microphone_that_failed_starts() -> None:
    async with ScriptedServer(holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        session.abort()
        session.start()
        session.send_text("Hello?")
        await until(lambda: [wire.lines for wire in server.wires] == [[], [("user", "Hello?")]])
        assert session.state.microphone and "error" not in reader.shown


@in_virtual_time
async def test_start_is_kept_at_every_step_of_coming_to_rest() -> None:
    async with ScriptedServer(holds).running() as server:
        for steps in range(40):
            async with session_with(server, BY_HAND) as (session, _):
                session.start()
                await listening(session)
                session.stop()
                for _ in range(steps):
                    await asyncio.sleep(0)
                session.start()
                await asyncio.sleep(2)
                assert session.state.shown == "listening", steps


@in_virtual_time
async def test_stop_takes_back_a_start_that_waits_and_close_leaves_nothing() -> None:
    async with ScriptedServer(holds).running() as server, session_with(server) as (session, _):
        session.start()
        await listening(session)
        session.abort()
        session.start()
        session.stop()
        await until(lambda: session.state.at_rest)
        session.start()
        await listening(session)
        closing = asyncio.create_task(session.close())
        await asyncio.sleep(0)
        session.start()
        await closing
        await asyncio.sleep(5)
        assert session.state.at_rest


@in_virtual_time
async def test_a_start_that_cannot_be_takes_no_seat() -> None:
    def broken() -> list[Any]:
        raise OSError("no such file")

    async with ScriptedServer(holds).running() as server:
        seats = Seats(1)
        session = RealtimeSession(server.endpoint, seats=seats, tools=broken)
        session.start()
        assert (seats.taken, session.state.shown) == (0, "error")


def test_a_start_without_an_event_loop_takes_no_seat_and_the_next_one_works() -> None:
    seats = Seats(1)
    session = RealtimeSession(Endpoint.compatible("ws://127.0.0.1:1/v1", "test-model"), seats=seats)
    with pytest.raises(RuntimeError, match="no running event loop"):
        session.start()
    assert seats.taken == 0

    async def again() -> str:
        session.start()
        await until(lambda: session.state.at_rest)
        return session.state.shown

    assert asyncio.run(again()) == "error"


# Tools.


class Panic(BaseException):
    """As extensions in Rust raise it (pyo3's PanicException)."""


@pytest.mark.parametrize("error", [Panic("unwrap"), BaseExceptionGroup("several", [SystemExit(1)])])
@in_virtual_time
async def test_a_tool_whose_error_is_no_exception_costs_only_its_call(error: BaseException) -> None:
    @tool
    async def breaks() -> str:
        """Break."""
        raise error

    async def calls(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await call(wire, function_call("breaks"))
        output = (await wire.hear("conversation.item.create"))["item"]["output"]
        assert output.startswith(f"Error: breaks failed with {type(error).__name__}")
        await wire.until_closed()

    async with ScriptedServer(calls).running() as server, session_with(server, tools=[breaks]) as (session, reader):
        session.start()
        await until(lambda: [item.status for item in reader.items.values() if item.role == "tool"] == ["failed"])
        await until(lambda: server.wires[0].of_type("conversation.item.create"))


# Words that come late.


def replies_before_it_writes_down(seconds: float | None, *, expires_in: float = 3600.0, by_hand: bool = False) -> Any:
    """Return the script of a server that writes down what was said this long after its reply; None: never."""

    async def script(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime", "expires_at": time.time() + expires_in})
        update = await wire.hear("session.update")
        await wire.say("session.updated", session=update["session"])
        if by_hand:
            await wire.hear("input_audio_buffer.commit")
            await wire.say("input_audio_buffer.committed", item_id="u1")
            await wire.hear("response.create")
        else:
            await wire.hear("input_audio_buffer.append")
            await wire.heard_speech(item="u1", transcript=None, end_ms=0)
        await wire.reply("Hello Ada.", item="a1")
        if seconds is not None:
            await asyncio.sleep(seconds)
            await wire.transcribe("u1", "My name is Ada.")
        await wire.until_closed()

    return script


def is_given(wire: Wire) -> bool:
    """Return whether question and answer are the first that this connection is given."""
    given = [each["item"]["content"][0]["text"] for each in wire.received if "item" in each]
    return given[:2] == ["My name is Ada.", "Hello Ada."]


@pytest.mark.parametrize("by_hand", [False, True])
@in_virtual_time
async def test_a_transcript_that_comes_after_the_reply_is_kept_and_given_to_the_next_session(by_hand: bool) -> None:
    late = replies_before_it_writes_down(2, by_hand=by_hand)
    config = BY_HAND if by_hand else CONFIG
    async with ScriptedServer(late, holds).running() as server, session_with(server, config) as (session, reader):
        session.start()
        await listening(session)
        session.begin_turn()
        await keep_quiet(session, 0.5)
        session.end_turn()
        session.stop()
        began = asyncio.get_running_loop().time()
        await until(lambda: session.state.at_rest, 20)
        assert asyncio.get_running_loop().time() - began < 3, "it ends as soon as the transcript is there"
        assert reader.page() == [[("user", "My name is Ada."), ("assistant", "Hello Ada.")]]
        session.start()
        await until(lambda: len(server.wires) == 2 and is_given(server.wires[1]))


@in_virtual_time
async def test_a_session_is_not_renewed_while_a_transcript_is_to_come() -> None:
    late = replies_before_it_writes_down(2, expires_in=5.5)
    async with ScriptedServer(late, holds).running() as server, session_with(server) as (session, _):
        session.start()
        await listening(session)
        await asyncio.sleep(3)  # so that the quiet moment comes between reply and transcript
        await keep_quiet(session, 0.5)
        await until(lambda: len(server.wires) == 2 and is_given(server.wires[1]), 20)


@in_virtual_time
async def test_a_transcript_that_never_comes_is_not_waited_for_long() -> None:
    never = replies_before_it_writes_down(None)
    async with ScriptedServer(never).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        await keep_quiet(session, 0.5)
        session.stop()
        began = asyncio.get_running_loop().time()
        await until(lambda: session.state.at_rest, 20)
        assert 2 < asyncio.get_running_loop().time() - began < 5 and not reader.problems
