"""Our share of a turn, and what it costs: at the sockets, alone and in a crowd."""

from __future__ import annotations

from benchmarks import program
from benchmarks.figures import Figures, milliseconds
from benchmarks.program import Program, Tabs
from benchmarks.tabs import Talk, Told
from voice_ui import audio
from voice_ui.session import percentile

CROWD = 20

BUDGETS = {
    "our share p50, ms": "≤ 20",
    "our share p95, ms": "≤ 35",
    f"process time per chunk, {CROWD} tabs, µs": "≤ 200",
    f"process time per delta, {CROWD} tabs, µs": "≤ 200",
    f"down, {CROWD} tabs, p95, ms": "≤ 3 ×",
    "one person talking, %": "≤ 2.5",
    "one person being answered, %": "≤ 4.5",
    "memory per tab, MB": "≤ 1",
}
"""Of ../shared/DESIGN.md, as the README repeats them."""


async def run(model: Program, *, bare: bool, seconds: float = 6.0, crowd: int = CROWD) -> Figures:
    """Measure one run of the app, or of the floor; raises RuntimeError if anything was lost."""
    chunks = round(seconds * 1000 / audio.CHUNK_MS)
    talking = Talk(chunks, every=chunks // 2, deltas=chunks // 3)
    answered = Talk(chunks, every=chunks, deltas=chunks)
    listening = Talk(round(seconds), chunk_ms=1000, every=1, deltas=45)
    async with program.page_of(model, bare=bare) as page:
        async with program.tabs_of(page, 1, bare=bare) as tabs:
            up, told = await talk(model, tabs, talking)
            talking_share = await _share_of_core(model, page, tabs, Talk(chunks))
            answered_share = await _share_of_core(model, page, tabs, answered)
        found = share(up, told.down) | milliseconds("up", up) | milliseconds("down", told.down)
        found |= {"one person talking, %": talking_share, "one person being answered, %": answered_share}
        empty_mb = page.memory_mb
        async with program.tabs_of(page, crowd, bare=bare) as tabs:
            before = page.cpu_seconds
            up, told = await talk(model, tabs, Talk(chunks))
            after = page.cpu_seconds
            found |= milliseconds(f"up, {crowd} tabs,", up)
            found[f"process time per chunk, {crowd} tabs, µs"] = (after - before) / told.chunks * 1e6
            found["bytes up per second of speech, kB/s"] = told.bytes_up / crowd / told.seconds / 1000
            before = page.cpu_seconds
            _, told = await talk(model, tabs, listening)
            after = page.cpu_seconds
            found |= milliseconds(f"down, {crowd} tabs,", told.down)
            found[f"process time per delta, {crowd} tabs, µs"] = (after - before) / told.deltas * 1e6
            found["bytes down per delta, B"] = told.bytes_down / told.deltas
            found["memory per tab, MB"] = (page.memory_mb - empty_mb) / crowd
    return found


async def _share_of_core(model: Program, page: Program, tabs: Tabs, what: Talk) -> float:
    """Return how much of a core the page's process needs meanwhile, in percent."""
    before = page.cpu_seconds
    _, told = await talk(model, tabs, what)
    return (page.cpu_seconds - before) / told.seconds * 100


def share(up: list[float], down: list[float]) -> Figures:
    """Return what the way up and the way down come to together, from the seconds of each."""
    both = {p: percentile(up, p / 100) + percentile(down, p / 100) for p in (50, 95)}
    return {f"our share p{p}, ms": seconds * 1000 for p, seconds in both.items()}


async def talk(model: Program, tabs: Tabs, what: Talk) -> tuple[list[float], Told]:
    """Let tabs talk; return the seconds of each chunk's way up, and what the tabs saw."""
    await program.heard(model)
    told = await tabs.talk(what)
    up = await program.heard(model, told.chunks)
    if (len(up), len(told.down)) != (told.chunks, told.deltas):
        raise RuntimeError(f"of {told.chunks} chunks {len(up)} arrived, of {told.deltas} deltas {len(told.down)}")
    return up, told
