"""P11: a server that floods us takes the event loop from nobody else, and fills no log."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.patience import SECOND, until
from tests.protocol.reader import session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui.session import Phase

FLOOD_SECONDS = 2.0


async def longest_wait() -> float:
    """Return the longest time another task had to wait during the flood."""
    began, longest = time.monotonic(), 0.0
    while time.monotonic() - began < FLOOD_SECONDS:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    return longest


def transcript(number: int) -> str:
    name = "conversation.item.input_audio_transcription.delta"
    return json.dumps({"type": name, "item_id": f"u{number}", "content_index": 0, "delta": "word " * 20})


@pytest.mark.parametrize("message", [lambda number: "no JSON" * 10, transcript], ids=["no JSON", "transcripts"])
async def test_p11_a_flood_of_messages_does_not_hold_up_other_tabs(
    message: Callable[[int], str], caplog: pytest.LogCaptureFixture
) -> None:
    sent = 0

    async def floods(wire: Wire) -> None:
        nonlocal sent
        await wire.configure()
        with suppress(ConnectionClosed):
            while True:
                await wire.websocket.send(message(sent))
                sent += 1
                if sent % 50 == 0:
                    await asyncio.sleep(0)  # the server runs in this process, too

    async with ScriptedServer(floods).running(strict=False) as server:
        async with session_with(server) as (session, _):
            session.start()
            await until(lambda: session.state.phase is Phase.LISTENING)
            assert await longest_wait() < 0.25 * SECOND
            assert sent > 1000, "it was a flood"
            before = time.monotonic()
            await session.close()
            assert time.monotonic() - before < 2 * SECOND
    assert len(caplog.records) < 100


@in_virtual_time
async def test_p11_an_item_that_comes_after_itself_ends_nothing() -> None:
    async def odd(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        item = {"id": "x", "type": "message", "role": "user", "content": []}
        for name in ("conversation.item.added", "conversation.item.done"):
            await wire.say(name, previous_item_id="x", item=item)
        await wire.say("input_audio_buffer.committed", item_id="y", previous_item_id="y")
        await wire.reply("Yes.")
        await wire.until_closed()

    async with ScriptedServer(odd).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.written("assistant") == ["Yes."])
        await asyncio.sleep(5)
        assert session.state.microphone and not reader.problems
