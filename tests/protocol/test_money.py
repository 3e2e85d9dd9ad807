"""Limits that hold: per conversation, visitor, day and in total, whatever a visitor does between two replies.

In virtual time, over real sockets.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.patience import until
from tests.protocol.calling import begin_calls, function_call
from tests.protocol.reader import CONFIG, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.protocol.speaking import keep_quiet
from tests.protocol.test_cases_k import PRICES, listening
from tests.servers.scripted import holds
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.errors import Refused
from voice_ui.models import FREE
from voice_ui.session import Account, Ledger, Limits, LocalAccounts, Phase, RealtimeSession, Seats

DEAR = {"input_tokens": 1000, "output_tokens": 1000}
COST = 0.028
"""Of `DEAR`, by hand: 1000 * 4 + 1000 * 24 millionths."""

CODES = {
    "max_cost": "cost-limit",
    "max_cost_per_visitor": "cost-limit-visitor",
    "max_cost_per_day": "cost-limit-day",
    "max_cost_total": "cost-limit-total",
}


async def answers(wire: Wire) -> None:
    """Answer every message dearly."""
    with suppress(ConnectionClosed):
        await wire.configure()
        while True:
            event = await wire.next_event()
            if event["type"] == "response.create":
                number = event["event_id"]
                await wire.begin_reply("Yes.", response=f"r{number}", item=f"a{number}")
                await wire.end_reply(f"r{number}", usage=DEAR)


def asked(server: ScriptedServer) -> int:
    """Return how many replies were asked for."""
    return sum(len(wire.of_type("response.create")) for wire in server.wires)


@pytest.mark.parametrize("name", CODES)
@in_virtual_time
async def test_every_limit_fires_within_one_reply_and_refuses_the_next_start(name: str) -> None:
    async with ScriptedServer(answers).running() as server:
        account = Account(LocalAccounts(), "visitor")
        limits = Limits(**{name: 2.5 * COST})  # type: ignore[arg-type]
        async with session_with(server, limits=limits, prices=PRICES, account=account) as (session, reader):
            session.start()
            for number in range(3):
                session.send_text(f"Question {number}?")
                await until(lambda number=number: session.budget.dollars > (number + 0.9) * COST)
            await until(lambda: reader.codes == [CODES[name]])
            await until(lambda: session.state.at_rest)
            for press in (session.start, lambda: session.send_text("One more?")):
                press()
                await asyncio.sleep(5)
                assert session.state.at_rest
            assert reader.codes == [CODES[name]] * 3
            assert asked(server) == 3 and server.asked == 1
            assert reader.problems[0].facts["limit"] == "$0.07"


@in_virtual_time
async def test_messages_typed_one_after_the_other_in_one_press_do_not_pass_the_limit() -> None:
    """They need no microphone, and no press of Start."""
    async with ScriptedServer(answers).running() as server:
        async with session_with(server, limits=Limits(max_cost=COST / 2), prices=PRICES) as (session, reader):
            session.send_text("First?")
            await until(lambda: session.budget.dollars > 0)
            for number in range(5):
                session.send_text(f"Question {number}?")
                await asyncio.sleep(0.05)
            await until(lambda: session.state.at_rest)
            assert asked(server) == 1 and set(reader.codes) == {"cost-limit"}
            assert "Question 0?" not in reader.written("user"), "what is refused is not shown as said"


@in_virtual_time
async def test_a_reload_or_another_tab_of_a_visitor_goes_on_with_the_same_sum_and_other_people_do_not() -> None:
    accounts, limits = LocalAccounts(), Limits(max_cost_per_visitor=COST)
    async with ScriptedServer(answers).running() as server, AsyncExitStack() as stack:

        async def tab(visitor: str) -> tuple[RealtimeSession, list[str]]:
            account = Account(accounts, visitor)
            session, reader = await stack.enter_async_context(
                session_with(server.endpoint, limits=limits, prices=PRICES, account=account, alone=False)
            )
            session.start()
            await until(lambda: session.state.phase in {Phase.LISTENING, Phase.ERROR})
            return session, reader.codes

        first, _ = await tab("visitor")
        first.send_text("How much?")
        await until(lambda: first.state.at_rest)
        again, _ = await tab("visitor")
        assert again.state.phase is Phase.ERROR and again.budget.dollars == 0
        other, _ = await tab("another")
        assert other.state.phase is Phase.LISTENING
        owner, _ = await tab("owner")
        for number in range(3):
            owner.send_text("And for me?")
            await until(lambda number=number: owner.budget.dollars > (number + 0.9) * COST)
        assert owner.state.microphone, "the owner is no visitor"
        await first.close()
        await again.close()
        await other.close()
        await owner.close()


@in_virtual_time
async def test_the_limit_of_a_day_ends_at_midnight_and_that_in_total_does_not() -> None:
    day = date(2026, 11, 25)
    accounts = LocalAccounts(today=lambda: day)
    for limits, code in ((Limits(max_cost_per_day=COST), ""), (Limits(max_cost_total=2 * COST), "cost-limit-total")):
        async with ScriptedServer(answers).running() as server:
            account = Account(accounts, "visitor")
            async with session_with(server, limits=limits, prices=PRICES, account=account) as (session, reader):
                session.send_text("How much?")
                await until(lambda: session.budget.dollars > 0)
                await until(lambda: session.state.at_rest)
                day = date(2026, 11, 26)
                session.start()
                await until(lambda: session.state.phase in {Phase.LISTENING, Phase.ERROR})
                assert (reader.codes[-1] if session.state.phase is Phase.ERROR else "") == code
                await session.close()
        day = date(2026, 11, 27)


async def test_the_total_holds_over_a_restart(tmp_path: Path) -> None:
    path, limits = tmp_path / "spent.sqlite", Limits(max_cost_total=COST)
    async with ScriptedServer(answers).running() as server:
        before = LocalAccounts(Ledger(path))
        account = Account(before, "visitor")
        async with session_with(server, limits=limits, prices=PRICES, account=account, alone=False) as (session, _):
            session.send_text("How much?")
            await until(lambda: session.state.at_rest and session.budget.dollars > 0)
        await before.close()
        account = Account(LocalAccounts(Ledger(path)), "another")
        async with session_with(server, limits=limits, prices=PRICES, account=account) as (session, reader):
            session.start()
            await until(lambda: reader.codes == ["cost-limit-total"] and session.state.phase is Phase.ERROR)
        assert server.asked == 1


async def test_sums_that_cannot_be_known_refuse_to_start_and_running_sessions_go_on(tmp_path: Path) -> None:
    path, limits = tmp_path / "spent.sqlite", Limits(max_cost_total=1.0)
    async with ScriptedServer(answers).running() as server:
        accounts = LocalAccounts(Ledger(path))
        endpoint, account = replace(server.endpoint, prices=PRICES), Account(accounts)
        async with (
            session_with(endpoint, limits=limits, account=account, alone=False) as (runs, heard),
            session_with(endpoint, limits=limits, account=account, alone=False) as (other, reader),
        ):
            runs.start()
            await listening(runs)
            path.write_bytes(b"torn" * 100)
            other.start()
            await until(lambda: reader.codes == ["cost-unrecorded"] and other.state.phase is Phase.ERROR)
            runs.send_text("Are you there?")
            await until(lambda: heard.written("assistant") == ["Yes."])
            assert server.asked == 1 and not heard.codes


@pytest.mark.parametrize("name", CODES)
@in_virtual_time
async def test_a_limit_that_cannot_be_counted_refuses_to_start(name: str) -> None:
    limits = Limits(**{name: 1.0})  # type: ignore[arg-type]
    async with ScriptedServer(holds).running() as server:
        async with session_with(server, limits=limits) as (session, reader):
            session.start()
            await until(lambda: reader.codes == ["cost-unknown"])
        unpriced = replace(CONFIG, transcription_model="scribe")
        async with session_with(server, unpriced, limits=limits, prices=PRICES) as (session, reader):
            session.start()
            await until(lambda: reader.codes == ["cost-unknown"])
            assert reader.problems[0].facts["model"] == "scribe"
        async with session_with(server, unpriced, limits=limits, prices=FREE) as (session, _):
            session.start()
            await listening(session)
        assert server.asked == 1


@in_virtual_time
async def test_what_another_tab_spends_ends_a_reply_that_the_server_begins_by_itself() -> None:
    begin = asyncio.Event()

    async def speaks(wire: Wire) -> None:
        await wire.configure()
        await begin.wait()
        await wire.heard_speech()
        await wire.begin_reply("I am")
        await wire.hear("response.cancel")
        await wire.end_reply(status="cancelled", reason="client_cancelled", usage={"input_tokens": 100})
        await wire.until_closed()

    accounts = LocalAccounts()
    async with ScriptedServer(speaks).running() as server:
        limits, account = Limits(max_cost_per_visitor=0.5), Account(accounts, "visitor")
        async with session_with(server, limits=limits, prices=PRICES, account=account) as (session, reader):
            session.start()
            await listening(session)
            account.book(0.6)
            begin.set()
            await until(lambda: session.state.at_rest)
            assert reader.codes == ["cost-limit-visitor"]
            assert account.spent.visitor > 0.6 and session.budget.dollars >= 0.0004, "a cancelled reply is billed, too"


@in_virtual_time
async def test_a_reply_without_end_is_cut_when_it_must_have_cost_the_limit() -> None:
    written = 0

    async def goes_on(wire: Wire) -> None:
        nonlocal written
        await wire.configure()
        await wire.hear("response.create")
        await wire.begin_reply()
        hearing = asyncio.create_task(wire.hear("response.cancel"))
        while not hearing.done() and written < 100_000:
            await wire.say("response.output_text.delta", response_id="resp_1", item_id="item_a", delta="word " * 20)
            written += 100
            await asyncio.sleep(0.01)
        await hearing
        await wire.end_reply(status="cancelled", reason="client_cancelled", usage=DEAR)
        await wire.until_closed()

    async with ScriptedServer(goes_on).running() as server:
        # 8,000 characters are 1,000 tokens at least, and cost 0.024 dollars.
        async with session_with(server, limits=Limits(max_cost=0.024), prices=PRICES) as (session, reader):
            session.send_text("Tell me everything!")
            await until(lambda: session.state.at_rest and reader.codes != [], 60)
            assert reader.codes == ["cost-limit"] and 8_000 <= written <= 8_800
            assert session.budget.dollars == pytest.approx(COST), "what the server reports replaces the estimate"


@pytest.mark.parametrize("leaves", ["server", "visitor"])
@in_virtual_time
async def test_a_reply_whose_usage_never_comes_is_counted_as_little_as_it_must_have_cost(leaves: str) -> None:
    """A visitor could reload before the end of each reply and be charged nothing."""

    async def breaks(wire: Wire) -> None:
        await wire.configure()
        while len(wire.sound) < 30 * audio.SAMPLE_BYTES * audio.SAMPLE_RATE:
            await wire.next_event()
        await wire.heard_speech(end_ms=30_000)
        await wire.begin_reply("x" * 8000)
        if leaves == "server":
            wire.abort()
        await wire.until_closed()

    account = Account(LocalAccounts(), "visitor")
    async with ScriptedServer(breaks, holds).running() as server:
        async with session_with(server, prices=PRICES, account=account) as (session, reader):
            session.start()
            await keep_quiet(session, 30.1)
            await until(lambda: bool(reader.written("assistant")))
            if leaves == "visitor":
                await session.close()
            await until(lambda: session.budget.dollars > 0)
            # 30 s of audio are 300 tokens at 32, 8,000 characters 1,000 tokens at 24; half a minute of transcription.
            assert account.spent.total == pytest.approx(0.0096 + 0.024 + 0.0085)
            assert not session.budget.is_exact


@in_virtual_time
async def test_what_tools_return_is_not_answered_beyond_the_limit() -> None:
    account = Account(LocalAccounts(), "visitor")

    async def look() -> str:
        """Look."""
        account.book(0.6)  # in another tab
        return "seen"

    async def calls(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await begin_calls(wire, function_call("look"))
        await wire.end_reply("resp_f", output=[function_call("look")], usage={"input_tokens": 10, "output_tokens": 10})
        await wire.until_closed()

    async with ScriptedServer(calls).running() as server:
        limits = Limits(max_cost_per_visitor=0.5)
        endpoint = replace(server.endpoint, prices=PRICES)
        async with session_with(endpoint, limits=limits, account=account, tools=[look]) as (session, reader):
            session.send_text("Look!")
            await until(lambda: bool(reader.codes) and session.state.at_rest)
            assert asked(server) == 1 and reader.codes == ["cost-limit-visitor"]


@in_virtual_time
async def test_a_server_that_does_not_report_the_usage_is_not_used_within_a_limit() -> None:
    async def silent(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.reply("For nothing?")
        await wire.until_closed()

    async with ScriptedServer(silent).running() as server:
        async with session_with(server, limits=Limits(max_cost=1.0), prices=PRICES) as (session, reader):
            session.send_text("How much?")
            await until(lambda: session.state.at_rest and reader.codes == ["cost-unreported"])
            assert session.budget.dollars > 0 and not session.budget.is_exact
        async with session_with(server, prices=PRICES) as (session, reader):
            session.send_text("And without a limit?")
            await until(lambda: session.state.at_rest and reader.written("assistant") != [])
            assert not reader.codes


@in_virtual_time
async def test_p10_the_owners_stop_is_not_undone_by_a_start_and_cuts_the_reply() -> None:
    async def goes_on(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.begin_reply("And")
        await wire.hear("response.cancel")
        await asyncio.sleep(0.5)
        await wire.end_reply(status="cancelled", reason="client_cancelled", usage=DEAR)
        await wire.until_closed()

    account = Account(LocalAccounts(), "visitor")
    async with ScriptedServer(goes_on, holds).running() as server:
        async with session_with(server, prices=PRICES, account=account) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.ANSWERING)
            account.accounts.stop("visitor")
            session.cut_off("stopped-by-owner")
            await asyncio.sleep(0.3)
            session.start()
            assert not session.state.microphone
            session.send_text("Let me go on!")
            await until(lambda: session.state.at_rest)
            assert session.budget.dollars == pytest.approx(COST), "the end of the reply was waited for"
            session.start()
            await asyncio.sleep(5)
            assert session.state.at_rest and server.asked == 1
            assert set(reader.codes) == {"stopped-by-owner"} and "Let me go on!" not in reader.written("user")
            account.accounts.allow("visitor")
            session.start()
            await listening(session)


def test_p10_one_visitor_takes_half_of_the_seats_and_all_of_them_leave_one_to_the_owner() -> None:
    seats = Seats(6)
    mine = [seats.take("a") for _ in range(3)]
    with pytest.raises(Refused) as caught:
        seats.take("a")
    assert caught.value.problem.code == "visitor-seats" and caught.value.problem.facts["seats"] == "3"
    others = [seats.take("b"), seats.take("c")]
    with pytest.raises(Refused) as caught:
        seats.take("d")
    assert caught.value.problem.code == "room-full"
    owner = seats.take()
    with pytest.raises(Refused):
        seats.take()
    for seat in (*mine, *others, owner, owner):
        seat.give_back()
    assert seats.taken == 0 and seats._held == {}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_small_room_has_a_seat_for_a_visitor(limit: int) -> None:
    seats = Seats(limit)
    seats.take("a")
    if limit > 1:
        seats.take()
    with pytest.raises(Refused):
        seats.take("a")


@in_virtual_time
async def test_a_transcript_that_is_told_twice_is_billed_once() -> None:
    async def tells_twice(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", None)
        told = {
            "item_id": "u1",
            "content_index": 0,
            "transcript": "Hello.",
            "usage": {"type": "duration", "seconds": 60},
        }
        for _ in range(2):
            await wire.say("conversation.item.input_audio_transcription.completed", **told)
        await wire.reply("Hi.")
        await wire.until_closed()

    prices = replace(PRICES, transcription={CONFIG.transcription_model: 0.017})
    async with ScriptedServer(tells_twice).running() as server:
        async with session_with(server, prices=prices) as (session, reader):
            session.start()
            await keep_quiet(session, 0.5)
            await until(lambda: reader.written("assistant") == ["Hi."])
            assert session.budget.cost == pytest.approx(0.017, abs=0.001)
