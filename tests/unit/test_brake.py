"""Whatever comes or goes at once, others get the event loop in between: nothing here ever waits by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from types import SimpleNamespace
from typing import Any

from voice_ui.protocol import client
from voice_ui.session import ProblemSolved
from voice_ui.session.brake import BURST, MESSAGES, SECONDS
from voice_ui.session.event_transport import EventTransport
from voice_ui.session.reports import Reports

MANY = 500


class Wire(SimpleNamespace):
    """A transport on which everything can go at once, and `MANY` messages have come already."""

    async def send(self, event: dict[str, Any]) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[str]:
        for _ in range(MANY):
            yield "no JSON"


async def turns_of_others(work: Coroutine[Any, Any, None]) -> int:
    """Return how often another task had the event loop while `work` was done."""
    task, turns = asyncio.create_task(work), 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    task.result()
    return turns


async def test_what_has_come_is_read_in_bursts() -> None:
    async def receive() -> None:
        async for _ in EventTransport(Wire(), Reports(), None):  # type: ignore[arg-type]
            pass

    began = asyncio.get_running_loop().time()
    assert await turns_of_others(receive()) >= MANY / BURST
    assert asyncio.get_running_loop().time() - began >= SECONDS * (MANY / MESSAGES - 1)


async def test_what_waits_to_be_sent_goes_in_bursts() -> None:
    async def send() -> None:
        events = EventTransport(Wire(), Reports(), None)  # type: ignore[arg-type]
        for _ in range(MANY):
            await events.send(client.ResponseCreate(event_id="x"))

    assert await turns_of_others(send()) >= MANY / BURST


async def test_what_is_reported_is_read_in_bursts() -> None:
    reports = Reports()
    reports.say(*[ProblemSolved("x")] * MANY)

    async def read() -> None:
        for _ in range(MANY):
            await anext(reports)

    assert await turns_of_others(read()) >= MANY / BURST
