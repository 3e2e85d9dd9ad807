"""Reads a session as a page does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from tests.nothing_left import nothing_left
from voice_ui.conversation import Item
from voice_ui.errors import Problem
from voice_ui.models import Prices
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import (
    Account,
    ItemChanged,
    ItemRemoved,
    Limits,
    ProblemRaised,
    ProblemSolved,
    RealtimeSession,
    Seats,
    StateChanged,
    TextDelta,
    TurnTimed,
)
from voice_ui.tools import AnyTool

CONFIG = SessionConfig("Be brief.", silence_ms=500, transcription_model="gpt-live-transcribe")
BY_HAND = replace(CONFIG, turn_detection="none")


class Reader:
    """Reads a session as a page does, and remembers."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.shown: list[str] = []
        self.before_rest = ""
        """What was shown when a test had seen enough, before it closed the session."""
        self.texts: list[tuple[str, str]] = []
        """Every role and text that stood on the page, however short."""
        self.items: dict[str, Item] = {}
        """What stands on the page, by the id of the item."""
        self.removed: list[str] = []
        self.problems: list[Problem] = []
        self.numbers: list[int | None] = []
        self.solved: list[str] = []
        self.turns: list[float | None] = []
        self.timed: list[TurnTimed] = []

    @property
    def codes(self) -> list[str]:
        """What was reported."""
        return [problem.code for problem in self.problems]

    def page(self) -> list[list[tuple[str, str]]]:
        """Return the turns as the page shows them: one element for each, with role and text of its items."""
        turns: dict[int, list[tuple[str, str]]] = {}
        for item in self.items.values():
            turns.setdefault(item.turn, []).append((item.role, item.text))
        return [turns[turn] for turn in sorted(turns)]

    def written(self, role: str) -> list[str]:
        """Return the texts of a role that stand on the page."""
        return [item.text for item in self.items.values() if item.role == role and item.text]

    async def read(self) -> None:
        """Read for ever."""
        async for event in self.session:
            self.take(event)

    def take(self, event: Any) -> None:
        """Take in one event."""
        match event:
            case StateChanged():
                self.shown.append(event.state.shown)
            case ItemChanged():
                self.items[event.item.id] = event.item
                self.texts.append((event.item.role, event.item.text))
            case ItemRemoved():
                del self.items[event.item_id]
                self.removed.append(event.item_id)
            case TextDelta():
                item = self.items[event.item_id]
                item.parts += [""] * (event.part + 1 - len(item.parts))
                item.parts[event.part] += event.text
                self.texts.append((item.role, item.text))
            case ProblemRaised():
                self.problems.append(event.problem)
                self.numbers.append(event.number)
            case ProblemSolved():
                self.solved.append(event.code)
            case TurnTimed():
                self.timed.append(event)
                self.turns.append(event.timer.first_text_ms)


@asynccontextmanager
async def session_with(
    server: Any,
    config: SessionConfig = CONFIG,
    limits: Limits | None = None,
    prices: Prices | None = None,
    seats: Seats | None = None,
    tools: Iterable[AnyTool] = (),
    *,
    account: Account | None = None,
    alone: bool = True,
) -> AsyncIterator[tuple[RealtimeSession, Reader]]:
    """Have a session with a server, or an endpoint; at the end nothing of it may be left, see `nothing_left`."""
    endpoint: Endpoint = server if isinstance(server, Endpoint) else server.endpoint
    if prices:
        endpoint = replace(endpoint, prices=prices)
    clock = asyncio.get_running_loop().time
    session = RealtimeSession(
        endpoint, config, limits=limits or Limits(), account=account, seats=seats, clock=clock, tools=tools
    )
    reader = Reader(session)
    task = asyncio.create_task(reader.read())
    try:
        yield session, reader
    finally:
        await session.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await nothing_left(server if hasattr(server, "open") else None, session, seats=seats, alone=alone)


def chunk(number: int) -> bytes:
    """Return 20 ms of loud sound that is told from others by its first byte."""
    return bytes([number, 0x20]) * 480
