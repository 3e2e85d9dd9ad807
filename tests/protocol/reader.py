"""Reads a session as a page does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voice_ui.errors import Problem
from voice_ui.models import Prices
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import ItemChanged, Limits, ProblemRaised, RealtimeSession, StateChanged, Target, TurnTimed
from voice_ui.transport import connect

CONFIG = SessionConfig("Be brief.", silence_ms=500, transcription_model="m")


class Reader:
    """Reads a session as a page does, and remembers."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.shown: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.problems: list[Problem] = []
        self.numbers: list[int | None] = []
        self.turns: list[float | None] = []

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    async def read(self) -> None:
        async for event in self.session:
            match event:
                case StateChanged(state):
                    self.shown.append(state.shown)
                case ItemChanged(item):
                    self.texts.append((item.role, item.text))
                case ProblemRaised(problem, number):
                    self.problems.append(problem)
                    self.numbers.append(number)
                case TurnTimed(timer):
                    self.turns.append(timer.first_text_ms)


@asynccontextmanager
async def session_with(
    endpoint: Endpoint, config: SessionConfig = CONFIG, limits: Limits | None = None, prices: Prices | None = None
) -> AsyncIterator[tuple[RealtimeSession, Reader]]:
    target = Target(lambda: connect(endpoint), config, endpoint.name, endpoint.model, endpoint.dialect, prices)
    session = RealtimeSession(target, limits)
    reader = Reader(session)
    task = asyncio.create_task(reader.read())
    try:
        yield session, reader
    finally:
        task.cancel()
        await session.close()


def chunk(number: int) -> bytes:
    return bytes([number]) * 960
