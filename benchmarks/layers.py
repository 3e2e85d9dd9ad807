"""Whose calls a chunk, a delta and a turn go through in the running app: ours, each library's, the interpreter's.

    python -m benchmarks.layers [--tabs 3] [--lines 0]

cProfile runs in the app itself, by the processor time of its thread, while simulated tabs talk. A turn has a reply of
one delta. Calls repeat on any machine to within a few; the shares of time are of one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks import program
from benchmarks.figures import columns
from benchmarks.tabs import Talk

PROFILED = """
import cProfile, json, os, pstats, signal, time
profile = None

def switch(*_):
    global profile
    if profile is None:
        profile = cProfile.Profile(time.thread_time)
        profile.enable()
        return
    profile.disable()
    functions = pstats.Stats(profile).stats.items()
    profile = None
    with open("{told}.part", "w") as file:
        json.dump([[f"{{place}}:{{name}}", calls, own] for (place, _, name), (_, calls, own, _, _) in functions], file)
    os.replace("{told}.part", "{told}")

signal.signal(signal.SIGUSR1, switch)
"""
"""What the app runs first: each SIGUSR1 begins a profile, or ends it and writes it down."""

LAYERS = {
    "/voice_ui/": "ours",
    "/nicegui/": "NiceGUI",
    "/socketio/": "python-socketio",
    "/engineio/": "python-engineio, uvicorn, Starlette",
    "/uvicorn/": "python-engineio, uvicorn, Starlette",
    "/starlette/": "python-engineio, uvicorn, Starlette",
    "/fastapi/": "python-engineio, uvicorn, Starlette",
    "/websockets/": "websockets",
    "/asyncio/": "asyncio",
    "~": "built-in functions",
}
OTHERS = "the rest of the standard library"


@dataclass
class Layer:
    """What one layer costs, per chunk or delta."""

    calls: float = 0.0
    seconds: float = 0.0


@dataclass
class Profile:
    """Of a chunk, or of a delta."""

    layers: dict[str, Layer]
    lines: list[tuple[str, float, float]]
    """Function, calls, microseconds: the most expensive first."""

    @property
    def calls(self) -> float:
        return sum(layer.calls for layer in self.layers.values())

    @property
    def seconds(self) -> float:
        return sum(layer.seconds for layer in self.layers.values())


def read(found: list[tuple[str, int, float]], count: int) -> Profile:
    """Return the profile of `count` chunks or deltas."""
    layers: dict[str, Layer] = defaultdict(Layer)
    for place, calls, own in found:
        layer = layers[next((name for part, name in LAYERS.items() if part in place), OTHERS)]
        layer.calls += calls / count
        layer.seconds += own / count
    lines = sorted(
        ((place, calls / count, own / count * 1e6) for place, calls, own in found), key=lambda line: -line[2]
    )
    return Profile(dict(layers), lines)


WHAT = {
    "chunk": Talk(150),
    "delta": Talk(1, every=1, deltas=200),
    "turn": Talk(10, chunk_ms=300, every=1, deltas=1),
}


async def measure(tabs: int) -> dict[str, Profile]:
    """Profile the app while `tabs` talk, while each is written one long reply, and while they get many short ones."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        before = PROFILED.format(told=told)
        async with program.model() as model, program.page_of(model, before=before) as page:
            async with program.tabs_of(page, tabs) as crowd:
                await crowd.talk(Talk(50, every=50, deltas=10))  # what is loaded late
                for name, talk in WHAT.items():
                    page.signal(signal.SIGUSR1)
                    said = await crowd.talk(talk)
                    page.signal(signal.SIGUSR1)
                    found[name] = read(await asyncio.to_thread(_taken, told), said.deltas or said.chunks)
    return found


def _taken(told: Path) -> list[tuple[str, int, float]]:
    """Return a profile as soon as it is there, and remove it."""
    while not told.exists():
        time.sleep(0.05)
    try:
        return list(map(tuple, json.loads(told.read_text(encoding="utf-8"))))
    finally:
        told.unlink()


def table(found: dict[str, Profile]) -> str:
    """Return calls and the share of time of each layer."""
    names = [*dict.fromkeys(LAYERS.values())]
    names.insert(-1, OTHERS)
    rows: list[tuple[str, ...]] = [("", *(f"{what}, {kind}" for what in found for kind in ("calls", "time")))]
    for name in names:
        cells: list[str] = []
        for profile in found.values():
            layer = profile.layers.get(name, Layer())
            cells += [f"{layer.calls:.0f}", f"{layer.seconds / profile.seconds:.0%}"]
        rows.append((name, *cells))
    totals = [cell for profile in found.values() for cell in (f"**{profile.calls:.0f}**", "")]
    rows.append(("**all**", *totals))
    return columns(rows)


def main() -> None:
    """Print the table, and with `--lines` the most expensive functions."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__.partition("\n")[0])
    parser.add_argument("--tabs", type=int, default=3)
    parser.add_argument("--lines", type=int, default=0, help="list this many functions, the most expensive first")
    options = parser.parse_args()
    found = asyncio.run(measure(options.tabs))
    sys.stdout.write(f"{table(found)}\n")
    for name, profile in found.items():
        for place, calls, microseconds in profile.lines[: options.lines]:
            short = place.rpartition("site-packages/")[2]
            sys.stdout.write(f"{name} {calls:6.2f} {microseconds:7.2f} µs  {short}\n")


if __name__ == "__main__":
    main()
