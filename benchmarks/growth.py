"""Whether what a chunk and a delta cost grows: with the reply, with the conversation, with the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import program
from benchmarks.figures import columns
from benchmarks.program import Program
from benchmarks.stamp import DELTA_CHARACTERS
from benchmarks.tabs import Talk
from voice_ui import audio

LENGTHS = (100, 1_000, 10_000, 100_000)
"""Of a reply, in characters."""

BLOCKS = 10
"""In which a conversation and a session are looked at."""

TURNS = 500

MINUTES = 60
PACE_MS = 0.4
"""From one chunk to the next: fifty times as fast as somebody speaks. The time is simulated, what is sent is not."""


@dataclass
class Series:
    """One thing that gets longer, and what it costs meanwhile."""

    name: str
    unit: str
    """Of the cost."""
    at: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def add(self, at: float, cost: float, memory_mb: float) -> None:
        """Note what it cost up to there, since the last time."""
        self.at.append(at)
        self.cost.append(cost)
        self.memory_mb.append(memory_mb)


async def measure(model: Program, *, share: float = 1.0) -> list[Series]:
    """Measure all of them, or only a `share` of their length."""
    return [*await _replies(model, share), *await _turns(model, share), await _minutes(model, share)]


async def _replies(model: Program, share: float) -> list[Series]:
    """Replies of every length; of the short ones several, so that there is something to measure."""
    time, size = Series("reply, characters", "µs per delta"), Series("reply, characters", "bytes per delta")
    for length in LENGTHS:
        deltas = max(1, round(length * share) // DELTA_CHARACTERS)
        replies = max(1, 1_000 // max(1, deltas))
        talk = Talk(replies, chunk_ms=deltas * 2 + 20, every=1, deltas=deltas, delta_ms=2)
        async with program.page_of(model) as page, program.tabs_of(page, 1) as tabs:
            before = page.cpu_seconds
            told = await tabs.talk(talk)
            time.add(length * share, (page.cpu_seconds - before) / told.deltas * 1e6, page.memory_mb)
            size.add(length * share, told.bytes_down / told.deltas, page.memory_mb)
    return [time, size]


async def _turns(model: Program, share: float) -> list[Series]:
    """One conversation of many turns, in blocks."""
    time, size = Series("conversation, turns", "µs per delta"), Series("conversation, turns", "bytes per delta")
    turns, deltas = round(TURNS * share) // BLOCKS, 10
    talk = Talk(turns, chunk_ms=deltas * 4 + 20, every=1, deltas=deltas, delta_ms=4)
    async with program.page_of(model) as page, program.tabs_of(page, 1) as tabs:
        for block in range(1, BLOCKS + 1):
            before = page.cpu_seconds
            told = await tabs.talk(talk)
            time.add(block * turns, (page.cpu_seconds - before) / told.deltas * 1e6, page.memory_mb)
            size.add(block * turns, told.bytes_down / told.deltas, page.memory_mb)
    return [time, size]


async def _minutes(model: Program, share: float) -> Series:
    """One session of an hour, in blocks."""
    series = Series("session, minutes (simulated)", "µs per chunk")
    minutes = MINUTES * share / BLOCKS
    talk = Talk(round(minutes * 60_000 / audio.CHUNK_MS), chunk_ms=PACE_MS, breathes=False)
    async with program.page_of(model) as page, program.tabs_of(page, 1) as tabs:
        for block in range(1, BLOCKS + 1):
            before = page.cpu_seconds
            told = await tabs.talk(talk)
            series.add(block * minutes, (page.cpu_seconds - before) / told.chunks * 1e6, page.memory_mb)
            await program.heard(model)  # or it would keep them
    return series


def table(grown: Sequence[Series]) -> str:
    """Return each series as a line: what it cost at first, in the middle and at last."""
    rows: list[tuple[str, ...]] = [
        ("what grows", "from", "to", "cost", "at first", "half way", "at last", "memory, MB")
    ]
    for series in grown:
        cost = [f"{series.cost[place]:.0f}" for place in (0, len(series.cost) // 2, -1)]
        ends = [f"{series.at[place]:,.0f}" for place in (0, -1)]
        memory = " → ".join(f"{series.memory_mb[place]:.0f}" for place in (0, -1))
        rows.append((series.name, *ends, series.unit, *cost, memory))
    return f"## Growth: what one more costs\n\n{columns(rows)}\n"
