"""Measures this program on this machine, each figure beside its floor: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from multiprocessing import cpu_count
from pathlib import Path
from typing import Any

from benchmarks import capacity, chart, growth, program, start, turn
from benchmarks.figures import Figures, collect, table

PARTS = ("start", "turn", "capacity", "growth")


def machine() -> str:
    """Name this machine by its cores and versions, and by nothing else."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("nicegui", "websockets"))
    return f"{cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {packages}"


async def _both(
    title: str, runs: int, run: Callable[..., Awaitable[Figures]], budgets: dict[str, str]
) -> tuple[str, list[dict[str, Any]]]:
    """Measure the app and the floor in turns; return the table, and the figures."""
    ours, floor = [], []
    for number in range(runs):
        _tell(f"{title}: run {number + 1} of {runs}")
        ours.append(await run(bare=False))
        floor.append(await run(bare=True))
    figures = collect(ours, floor, budgets)
    return table(f"{title}: median of {runs} (least to most)", figures), [figure.json() for figure in figures]


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what was asked for; print it, and return it."""
    seconds = 2.0 if options.quick else 6.0
    told: dict[str, Any] = {"machine": machine()}
    _print(f"# Measured\n\nBy `python -m benchmarks`, on {machine()}.\n")
    async with program.model() as model:
        if "start" in options.parts:
            text, told["start"] = await _both("Start", options.runs, start.run, start.BUDGETS)
            _print(text)
        if "turn" in options.parts:
            run = partial(turn.run, model, seconds=seconds)
            text, told["turn"] = await _both("A turn, at the sockets", options.runs, run, turn.BUDGETS)
            _print(text)
        if options.browser:
            from benchmarks import browser

            run = partial(browser.run, model, seconds=seconds)
            text, told["browser"] = await _both("A turn, in Chromium", options.runs, run, browser.BUDGETS)
            _print(text)
        if "capacity" in options.parts:
            _tell("Capacity")
            steps = await capacity.measure(
                model, most=20 if options.quick else 640, seconds=3.0 if options.quick else 10.0
            )
            told["capacity"] = {"sessions": capacity.carried(steps), "steps": [asdict(step) for step in steps]}
            _print(capacity.table(steps))
        if "growth" in options.parts:
            _tell("Growth")
            grown = await growth.measure(model, share=0.1 if options.quick else 1.0)
            told["growth"] = [asdict(series) for series in grown]
            _print(growth.table(grown))
            if options.chart:
                options.chart.write_text(chart.svg(grown), encoding="utf-8")
                _print(f"![What one more costs, as it grows]({options.chart.name})\n")
    return told


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, and print."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["peers"]:
        from benchmarks import peers

        sys.exit(peers.main(argv[1:]))
    if argv[:1] == ["table"]:
        from benchmarks import report

        return report.main(machine(), argv[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", default=PARTS, help=f"of {', '.join(PARTS)}; all of them")
    parser.add_argument("--browser", action="store_true", help="a turn in a real Chromium, too (needs the extra test)")
    parser.add_argument(
        "--transport", choices=("websocket", "webrtc", "both"), help="to the server, instead: how quick, at what cost"
    )
    parser.add_argument("--runs", type=int, default=5, help="of each figure (default 5)")
    parser.add_argument("--quick", action="store_true", help="short runs: enough to compare, not to publish")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the growth there, as SVG")
    options = parser.parse_args(argv)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; allowed: {', '.join(PARTS)}")
    if options.transport:
        ways = ("websocket", "webrtc") if options.transport == "both" else (options.transport,)
        sys.exit(subprocess.run((sys.executable, "-m", "benchmarks.transports", *ways), check=False).returncode)
    told = asyncio.run(_measure(options))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(what: str) -> None:
    sys.stderr.write(f"{what} …\n")


if __name__ == "__main__":
    main()
