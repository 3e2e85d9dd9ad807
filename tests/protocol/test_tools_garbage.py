"""A thousand calls with arguments as no model should write them, and results as no tool should return them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import example, given, settings, strategies as st

from tests.patience import until
from tests.protocol.calling import begin_calls, until_asked
from tests.protocol.reader import session_with
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from tests.virtual_time import run
from voice_ui.conversation import FunctionCall
from voice_ui.tools import tool

SESSIONS, ROUNDS, CALLS = 20, 5, 10

WHOLE = json.dumps({"town": "Aix", "days": 3, "span": {"start": "2026-11-26"}, "places": [{"name": "a"}, None, 1.5]})

ODD_TEXTS = ["", "\ud800", "\x00", "é", "<b>", "\u202e", "9" * 400, "null", '"', "\\", "{" * 2000, "NaN"]

STRANGE: list[Any] = [object(), {1: 2}, {(1, 2): 3}, b"\xff", {"a": float("nan")}, {"\ud800"}, ..., max, [[[]]] * 3]


def odd_json(random: Random, levels: int = 3) -> Any:
    """Return any JSON value."""
    scalars = [None, True, 0, -1, 10**30, 1e308, float("inf"), *ODD_TEXTS]
    match random.randrange(3 if levels else 1):
        case 0:
            return random.choice(scalars)
        case 1:
            return [odd_json(random, levels - 1) for _ in range(random.randrange(3))]
        case _:
            return {random.choice(ODD_TEXTS): odd_json(random, levels - 1) for _ in range(random.randrange(3))}


def mutated(random: Random) -> Any:
    """Return arguments that were cut, damaged, replaced, or that are JSON of another shape; or none at all."""
    at = random.randrange(len(WHOLE))
    match random.randrange(6):
        case 0:
            return WHOLE[:at]
        case 1:
            return WHOLE[:at] + random.choice(ODD_TEXTS) + WHOLE[at + random.randrange(4) :]
        case 2:
            return random.choice(ODD_TEXTS)
        case 3:
            given = json.loads(WHOLE)
            given[random.choice([*given, "more"])] = odd_json(random)
            return json.dumps(given)
        case 4:
            return json.dumps(odd_json(random))
        case _:
            return random.choice([None, 5, [], {}, WHOLE])


@settings(max_examples=SESSIONS, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32))
@example(0)
def test_no_call_is_too_odd(seed: int) -> None:
    """20 sessions of 50 calls. A seed that once failed becomes an `example`."""
    random = Random(seed)

    @tool
    async def weather(town: str, days: int = 1, span: dict[str, Any] | None = None, places: list[Any] = []) -> str:  # noqa: B006
        """Return the weather."""
        return town

    @tool
    async def returns() -> Any:
        """Return anything."""
        return odd_json(random) if random.random() < 0.5 else random.choice(STRANGE)

    def item(number: int, at: int) -> dict[str, Any]:
        name = random.choice(["weather", "weather", "returns", "nothing", "", "we\ud800ther"])
        item_id = random.choice([f"item_{number}_{at}"] * 3 + [None, 5, "", "item_0_9"])
        status = random.choice(["completed", "completed", "incomplete", "odd", None])
        given = "{}" if name == "returns" else mutated(random)
        call_id = f"call_{number}_{at}"
        return {
            "type": "function_call",
            "id": item_id,
            "call_id": call_id,
            "name": name,
            "arguments": given,
            "status": status,
        }

    async def script(wire: Wire) -> None:
        await wire.configure()
        for number in range(ROUNDS):
            await until_asked(wire)
            items = [item(number, at) for at in range(CALLS)]
            response = f"resp_{number}"
            whole = [each for each in items if isinstance(each["arguments"], str)]
            await begin_calls(wire, *whole, response=response)
            await wire.end_reply(response, output=items)
        await until_asked(wire)
        await wire.reply("Still here.", response="resp_9", item="item_9")
        await wire.until_closed()

    async def main() -> None:
        running = ScriptedServer(script).running()
        async with running as server, session_with(server, tools=[weather, returns]) as (session, reader):
            session.send_text("Go")
            await until(lambda: "Still here." in reader.written("assistant"), 100, what="the session goes on")
            calls = [item for item in session.conversation.items if isinstance(item, FunctionCall)]
            assert len(calls) == ROUNDS * CALLS
            assert all(each.is_over and each.result for each in calls)
            assert reader.codes == []

    run(main())
