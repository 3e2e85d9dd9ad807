"""Everything that has a budget, in one run on one machine, in about ten minutes.

    python -m benchmarks table [--json FILE] [--markdown FILE] [--chart FILE]

Writes the table of budgets, and below it everything that it was taken from. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import browser, capacity, chart, growth, layers, peers, phone, program, start, turn
from benchmarks.figures import Figure, Figures, collect, columns, spread, table

RUNS = 5
SECONDS = 3.0
"""Of speech, for each figure of each run."""

TONES = 15
CAPACITIES = 3
CAPACITY_SECONDS = 6.0
GROWTH = 0.3
"""The share of its full length: 150 turns, 18 minutes; `python -m benchmarks growth` measures all of it."""

LINES: tuple[tuple[str, str, str, str], ...] = (
    ("our share of a turn in Chromium, p50", "browser", "our share p50", "≤ 20 ms, ≤ 1.2 ×"),
    ("our share of a turn in Chromium, p95", "browser", "our share p95", "≤ 35 ms"),
    ("one person talking, alone", "turn", "one person talking", "≤ 2.5 %"),
    ("one person being answered, alone", "turn", "one person being answered", "≤ 4.5 %"),
    ("20 tabs: down p95", "turn", "down, 20 tabs, p95", "≤ 3 ×"),
    ("process time per chunk, 20 tabs", "turn", "process time per chunk, 20 tabs", "≤ 200 µs"),
    ("process time per delta, 20 tabs", "turn", "process time per delta, 20 tabs", "≤ 200 µs"),
    ("memory per open tab", "turn", "memory per tab", "≤ 1 MB"),
    ("first page", "start", "first page", "≤ 1.3 ×"),
    ("first visit from a phone on slow 4G: until the button works", "phone", "button works", "≤ 1.3 ×"),
)
"""What the table calls it, the part it is from, its name there, and its budget."""


async def measure() -> dict[str, Any]:
    """Measure everything; return it by part."""
    found: dict[str, Any] = {}
    async with program.model() as model:
        found["start"] = await _both("the start", start.run)
        found["phone"] = await _both("the first visit from a phone", phone.run)
        found["turn"] = await _both("a turn at the sockets", partial(turn.run, model, seconds=SECONDS))
        found["browser"] = await _both("a turn in Chromium", partial(browser.run, model, seconds=SECONDS))
        runs = []
        for number in range(CAPACITIES):
            _tell(f"capacity, run {number + 1} of {CAPACITIES}")
            runs.append(await capacity.measure(model, least=40, seconds=CAPACITY_SECONDS))
        found["capacity"] = runs
        _tell("growth")
        found["growth"] = await growth.measure(model, share=GROWTH)
    _tell("the first word")
    found["peers"] = await peers.run([], port=program.free_port(), count=TONES)
    _tell("calls")
    found["layers"] = await layers.measure(3)
    return found


async def _both(name: str, run: Callable[..., Awaitable[Figures]]) -> list[Figure]:
    """Measure ours and the floor in turns."""
    ours, floor = [], []
    for number in range(RUNS):
        _tell(f"{name}, run {number + 1} of {RUNS}")
        ours.append(await _again(partial(run, bare=False)))
        floor.append(await _again(partial(run, bare=True)))
    return collect(ours, floor, {})


async def _again(run: Callable[[], Awaitable[Figures]]) -> Figures:
    """Run it, once more if the machine stood still and something was lost."""
    try:
        return await run()
    except RuntimeError as error:
        _tell(f"{error}: once more")
        return await run()


def budgets(found: dict[str, Any]) -> str:
    """Return the table of what has a budget."""
    rows: list[tuple[str, ...]] = [("", "ours", "the floor", "ratio", "budget")]
    for name, part, figure_name, budget in LINES:
        figure = next(figure for figure in found[part] if figure.name == figure_name)
        ratio = f"{figure.ratio:.2f} ×" if figure.ratio else ""
        units = [f"{spread(values)} {figure.unit}" if values else "" for values in (figure.ours, figure.floor)]
        rows.append((name, *units, ratio, budget))
    ours, floor = (statistics.median(peer.first) * 1000 if peer.first else float("nan") for peer in found["peers"][:2])
    first = ("first word of a reply: delta → painted", f"{ours:.1f} ms", f"{floor:.1f} ms", f"{ours / floor:.2f} ×")
    rows.insert(3, (*first, "≤ 1.3 ×"))
    carried = [float(capacity.carried(steps)) for steps in found["capacity"]]
    rows.append(("people talking at once on one core, p95 ≤ 50 ms", spread(carried), "", "", "≥ 100"))
    turns = next(series for series in found["growth"] if series.name.startswith("conversation"))
    grown_kb = (turns.memory_mb[-1] - turns.memory_mb[0]) * 1000 / (turns.at[-1] - turns.at[0])
    rows.append(("memory per turn of a conversation", f"{grown_kb:.0f} kB", "", "", "≤ 20 kB"))
    return columns(rows)


def markdown(found: dict[str, Any], machine: str, chart_name: str = "") -> str:
    """Return the whole report."""
    parts = [
        f"# Measured\n\nBy `python -m benchmarks table`, on {machine}.\n",
        f"## Budgets\n\n{budgets(found)}\n",
        table(f"Start: median of {RUNS} (least to most)", found["start"]),
        table(f"The first visit, from a phone on slow 4G: median of {RUNS} (least to most)", found["phone"]),
        table(f"A turn, at the sockets: median of {RUNS} (least to most)", found["turn"]),
        table(f"A turn, in Chromium: median of {RUNS} (least to most)", found["browser"]),
        f"## Through the browser alone\n\nMedian and 95th percentile.\n\n{peers.table(found['peers'])}",
        capacity.table(found["capacity"][-1]),
        growth.table(found["growth"]),
        f"![What one more costs, as it grows]({chart_name})\n" if chart_name else "",
        f"## Calls, by whose they are\n\n{layers.table(found['layers'])}\n",
    ]
    return "\n".join(part for part in parts if part)


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else f"{value}"


def main(machine: str, argv: Sequence[str]) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks table", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the growth there, as SVG")
    options = parser.parse_args(argv)
    found = asyncio.run(measure())
    text = markdown(found, machine, options.chart.name if options.chart else "")
    sys.stdout.write(text)
    if options.chart:
        options.chart.write_text(chart.svg(found["growth"]), encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json:
        for peer in found["peers"]:
            peer.process = None
        options.json.write_text(json.dumps({"machine": machine, **found}, indent=1, default=_plain), encoding="utf-8")


def _tell(what: str) -> None:
    sys.stderr.write(f"{what} …\n")
