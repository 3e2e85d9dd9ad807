"""The official openai-agents package as a client: its RealtimeRunner calls a `@function_tool` for the practice server.

The package wants an older websockets than we do: it is tested in an environment of its own (pip install openai-agents).
"""

from __future__ import annotations

import asyncio

import pytest

from tests.patience import SECOND
from voice_ui.offline import server

agents = pytest.importorskip("agents")
realtime = pytest.importorskip("agents.realtime")


async def test_its_runner_calls_a_function() -> None:
    towns: list[str] = []

    def get_weather(town: str) -> str:
        """Return the weather of a town."""
        towns.append(town)
        return f"sunny in {town}"

    agent = realtime.RealtimeAgent(name="Agent", instructions="Be brief.", tools=[agents.function_tool(get_weather)])
    settings = {"model_name": "offline-practice", "output_modalities": ["text"]}
    runner = realtime.RealtimeRunner(starting_agent=agent, config={"model_settings": settings})
    async with server.serve("127.0.0.1", 0) as practice:
        session = await runner.run(model_config={"url": practice.url, "api_key": "sk-test"})
        async with session, asyncio.timeout(30 * SECOND):
            await session.send_message("What is the weather in Paris?")
            outputs = []
            async for event in session:
                assert event.type != "error", event
                if event.type == "tool_end":
                    outputs.append(event.output)
                if "Weather: sunny in Paris." in str(event) and event.type.startswith("history"):
                    break
    assert towns == ["Paris"]
    assert outputs == ["sunny in Paris"]
