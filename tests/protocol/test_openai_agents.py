"""openai-agents' RealtimeRunner, a client nobody here wrote, holds its turns with the practice server.

It wants older websockets than the rest of the tests: run it from an environment of its own (pip install openai-agents);
elsewhere these tests are skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.patience import SECOND
from tests.protocol.offline_client import Parrot, question
from tests.unit.practice_client import Hum, ThreePieces
from voice_ui import audio
from voice_ui.offline.parts import Invocation
from voice_ui.offline.server import serve

agents = pytest.importorskip("agents")
realtime = pytest.importorskip("agents.realtime")


@asynccontextmanager
async def session(output: str, brain: ThreePieces | None = None, tools: list[Any] | None = None) -> AsyncIterator[Any]:
    """Run an agent against a practice server with a voice."""
    agents.set_tracing_disabled(True)
    agent = realtime.RealtimeAgent(name="Assistant", instructions="Be brief.", tools=tools or [])
    settings = {
        "model_name": "gpt-realtime-2.1",
        "output_modalities": [output],
        "audio": {
            "input": {
                "transcription": {"model": "gpt-live-transcribe"},
                "turn_detection": {"type": "server_vad", "interrupt_response": True},
            }
        },
    }
    runner = realtime.RealtimeRunner(agent, config={"model_settings": settings})
    async with serve(recognizer=Parrot(), brain=brain or ThreePieces(), voice=Hum()) as server:
        running = await runner.run(
            model_config={"url": f"{server.url}?model=gpt-realtime-2.1", "api_key": "sk-anything"}
        )
        async with running:
            yield running


async def events_until(running: Any, over: Callable[[Any], bool]) -> list[Any]:
    events = []
    async with asyncio.timeout(20 * SECOND):
        async for event in running:
            assert event.type != "error", event
            events.append(event)
            if over(event):
                break
    return events


def raw(event: Any, type: str) -> bool:
    """Whether this is a raw server event of a type."""
    data = getattr(event, "data", None)
    if event.type != "raw_model_event" or data.type != "raw_server_event":
        return False
    name: str = data.data["type"]
    return name == type


def texts(events: list[Any]) -> list[str]:
    """Return what the history shows in the end, transcripts or text."""
    history = [event.history for event in events if event.type == "history_updated"][-1]
    return [part.transcript if hasattr(part, "transcript") else part.text for item in history for part in item.content]


async def speak(running: Any) -> None:
    pcm = question()
    for start in range(0, len(pcm), 4800):
        await running.send_audio(pcm[start : start + 4800])


@pytest.mark.parametrize("output", ["text", "audio"])
async def test_a_typed_turn(output: str) -> None:
    async with session(output) as running:
        await running.send_message("good day")
        events = await events_until(running, lambda event: raw(event, "response.done"))
    sound = b"".join(event.audio.data for event in events if event.type == "audio")
    assert bool(sound) == (output == "audio")
    if output == "audio":
        assert audio.milliseconds(sound) == 50 * len("You said: good day")
        assert "You said: good day" in texts(events)


@pytest.mark.parametrize("output", ["text", "audio"])
async def test_a_spoken_turn(output: str) -> None:
    async with session(output) as running:
        await speak(running)
        events = await events_until(running, lambda event: raw(event, "response.done"))
    assert bool([event for event in events if event.type == "audio"]) == (output == "audio")
    assert "what is seven plus five" in texts(events)


async def test_speech_over_a_spoken_reply_interrupts_it() -> None:
    brain = ThreePieces()
    brain.pieces = ["This is a long story that takes many seconds to be told, and nobody listens to its end."]
    async with session("audio", brain) as running:
        await running.send_message("tell me a story")
        await events_until(running, lambda event: event.type == "audio")
        await speak(running)
        await events_until(running, lambda event: event.type == "audio_interrupted")
        await events_until(running, lambda event: raw(event, "conversation.item.truncated"))


async def test_a_tool_is_called() -> None:
    called: list[str] = []

    @agents.function_tool
    def weather(city: str) -> str:
        """Return the weather of a city."""
        called.append(city)
        return "rain"

    brain = ThreePieces()
    brain.pieces = [Invocation("weather", '{"city": "Oslo"}')]
    async with session("text", brain, [weather]) as running:
        await running.send_message("what is the weather like in Oslo")
        await events_until(running, lambda event: event.type == "tool_end")
        brain.pieces = ["It rains."]
        await events_until(running, lambda event: raw(event, "response.done") and len(brain.requests) > 1)
    assert called == ["Oslo"]
    assert brain.requests[-1].items[-1].output == "rain"
