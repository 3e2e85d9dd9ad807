"""How many people can talk at once, in one process on one core."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks import program
from benchmarks.figures import columns
from benchmarks.program import Program
from benchmarks.tabs import Talk
from voice_ui import audio
from voice_ui.session import percentile

SHARE_MS = 50.0
"""Our share of a turn, p95: beyond it, there are too many."""

FULL = 0.97
"""Of a core: one process does no more."""

DELTAS = 60
"""Of the reply that each gets in the time: some forty words, written in a third of it."""

TABS_EACH = 40
"""In one process of simulated tabs: more would keep that one busy, not the app."""

WARM_CHUNKS = 350
"""Seven seconds: opening the tabs is a burst that lengthens the chunks, and they need six to get short again."""


@dataclass(frozen=True)
class Step:
    """What so many sessions came to."""

    sessions: int
    up_ms: float
    down_ms: float
    """p95, each."""
    app: float
    model: float
    tabs: float
    """Shares of a core; of the tabs, the busiest process's."""
    lost: int

    @property
    def is_too_much(self) -> bool:
        return self.up_ms + self.down_ms > SHARE_MS or self.app > FULL or self.lost > 0

    @property
    def reason(self) -> str:
        """Why it is too much."""
        if self.lost:
            return f"{self.lost} messages were lost"
        shares = {"the app's core": self.app, "the test's server": self.model, "the test's tabs": self.tabs}
        busiest = max(shares, key=lambda name: shares[name])
        return f"{busiest} is full" if shares[busiest] > FULL else f"our share's p95 is above {SHARE_MS:.0f} ms"


async def measure(model: Program, *, least: int = 10, most: int = 640, seconds: float = 10.0) -> list[Step]:
    """Double the sessions until it is too much; each speaks all the time, and reads a reply."""
    steps: list[Step] = []
    sessions = least
    while sessions <= most and not (steps and steps[-1].is_too_much):
        steps.append(await _step(model, sessions, seconds))
        sessions *= 2
    if steps[-1].is_too_much and len(steps) > 1:  # what lies between is worth knowing
        good = steps[-2].sessions
        for sessions in (good * 5 // 4, good * 3 // 2, good * 7 // 4):
            steps.append(await _step(model, sessions, seconds))
            if steps[-1].is_too_much:
                break
    return sorted(steps, key=lambda step: step.sessions)


def carried(steps: list[Step]) -> int:
    """Return the most sessions that were not too much."""
    return max((step.sessions for step in steps if not step.is_too_much), default=0)


def table(steps: list[Step]) -> str:
    """Return all steps, and what they come to."""
    rows: list[tuple[str, ...]] = [
        ("sessions", "up p95, ms", "down p95, ms", "app, cores", "server, cores", "tabs, cores", "lost")
    ]
    for step in steps:
        used = (f"{share:.2f}" for share in (step.app, step.model, step.tabs))
        rows.append((f"{step.sessions}", f"{step.up_ms:.1f}", f"{step.down_ms:.1f}", *used, f"{step.lost}"))
    first_too_many = next((step for step in steps if step.is_too_much), None)
    reason = f"; at {first_too_many.sessions}, {first_too_many.reason}" if first_too_many else ""
    return f"## Capacity: {carried(steps)} sessions on one core (budget ≥ 100){reason}\n\n{columns(rows)}\n"


async def _step(model: Program, sessions: int, seconds: float) -> Step:
    chunks = round(seconds * 1000 / audio.CHUNK_MS)
    talk = Talk(chunks, every=chunks, deltas=DELTAS, delta_ms=round(seconds * 1000 / 3 / DELTAS))
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(program.page_of(model))
        sizes = [min(TABS_EACH, sessions - start) for start in range(0, sessions, TABS_EACH)]
        crowds = [await stack.enter_async_context(program.tabs_of(page, size)) for size in sizes]
        await asyncio.gather(*(crowd.talk(Talk(WARM_CHUNKS)) for crowd in crowds))
        await program.heard(model)
        before = page.cpu_seconds, model.cpu_seconds
        told = await asyncio.gather(*(crowd.talk(talk) for crowd in crowds))
        after = page.cpu_seconds, model.cpu_seconds
        expected = sum(each.chunks for each in told)
        up, down = await program.heard(model, expected), [moment for each in told for moment in each.down]
    app, server = (
        (late - early) / max(each.seconds for each in told) for late, early in zip(after, before, strict=True)
    )
    expected += sum(each.deltas for each in told)
    up_ms, down_ms = (percentile(values, 0.95) * 1000 for values in (up, down))
    return Step(sessions, up_ms, down_ms, app, server, max(each.busy for each in told), expected - len(up) - len(down))
