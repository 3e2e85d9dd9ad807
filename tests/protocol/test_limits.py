"""What protects the owner's money stops a session, with a message, and never in the middle of a reply."""

from __future__ import annotations

import asyncio

import pytest

from tests.patience import until
from tests.protocol.reader import session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui.models import Prices
from voice_ui.session import Limits, Phase

PRICES = Prices(text_in=4, text_cached=0.4, text_out=24, audio_in=32, audio_cached=0.4, audio_out=64)
DETAILS = {
    "text_tokens": 100,
    "audio_tokens": 500,
    "cached_tokens": 260,
    "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 200},
}
USAGE = {"input_tokens": 600, "output_tokens": 50, "input_token_details": DETAILS}
# By hand: 40*4 + 60*0.40 + 300*32 + 200*0.40 + 50*24 = 11,064 millionths of a dollar.
COST = 0.011064


async def one_dear_turn(wire: Wire) -> None:
    await wire.configure()
    await wire.heard_speech()
    await wire.say("response.created", response={"id": "r"})
    await wire.say("response.output_text.delta", response_id="r", item_id="a", delta="Yes.")
    await wire.say("response.done", response={"id": "r", "status": "completed", "usage": USAGE})
    await wire.until_closed()


async def listens(wire: Wire) -> None:
    await wire.configure()
    await wire.until_closed()


@in_virtual_time
async def test_the_money_is_counted_and_its_limit_closes_the_microphone() -> None:
    limits = Limits(max_cost=0.01)
    async with ScriptedServer(one_dear_turn).running() as server:
        async with session_with(server, limits=limits, prices=PRICES) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.IDLE)
            assert session.budget.cost == pytest.approx(COST)
            assert session.budget.usage.total == 650 and session.budget.usage.cached == 260
            assert ("assistant", "Yes.") in reader.texts
            assert reader.codes == ["cost-limit"]
            session.start()
            await until(lambda: session.state.phase is Phase.ERROR)
            assert len(server.wires) == 1, "no further connection is opened"


@in_virtual_time
async def test_under_the_limit_nothing_happens() -> None:
    async with ScriptedServer(one_dear_turn).running() as server:
        async with session_with(server, limits=Limits(max_cost=0.02), prices=PRICES) as (session, reader):
            session.start()
            await until(lambda: session.budget.cost > 0)
            await until(lambda: session.state.phase is Phase.LISTENING)
            assert not reader.problems


@pytest.mark.parametrize(
    ("limits", "code"), [(Limits(max_minutes=0.01), "time-limit"), (Limits(idle_minutes=0.01), "idle-limit")]
)
@in_virtual_time
async def test_a_limit_of_time_closes_the_microphone(limits: Limits, code: str) -> None:
    async with ScriptedServer(listens).running() as server:
        async with session_with(server, limits=limits) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.IDLE)
            assert reader.codes == [code]
            await until(lambda: server.open == 0)


@in_virtual_time
async def test_speaking_keeps_an_idle_limit_away() -> None:
    async def hears(wire: Wire) -> None:
        await wire.configure()
        for number in range(4):
            await asyncio.sleep(0.3)  # speech now and then
            await wire.heard_speech(item=f"u{number}")
            await wire.reply("Yes.", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    async with ScriptedServer(hears).running() as server:
        async with session_with(server, limits=Limits(idle_minutes=0.01)) as (session, reader):
            session.start()
            await until(lambda: len([text for role, text in reader.texts if role == "assistant"]) >= 8)
            assert not reader.problems
