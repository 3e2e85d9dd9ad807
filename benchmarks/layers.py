"""Whose calls a chunk, a delta and a turn (with a reply of one delta) go through in the running app: ours, each library's, the interpreter's.

    python -m benchmarks.layers [--tabs 3] [--lines 0]

cProfile runs in the app itself, by the processor time of its thread, while simulated tabs talk. Calls per chunk and per
delta repeat on any machine to within a few; the shares of time are of one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks import program
from benchmarks.figures import columns
from benchmarks.tabs import Talk

PROFILED = """
import cProfile, json, pstats, signal, time
running = None

def switch(*_):
    global running
    if running is None:
        running = cProfile.Profile(time.thread_time)
        running.enable()
        return
    running.disable()
    found = [[f"{{file}}:{{name}}", calls, own] for (file, _, name), (_, calls, own, _, _) in pstats.Stats(running).stats.items()]
    running = None
    with open("{told}.part", "w") as file:
        json.dump(found, file)
    import os
    os.replace("{told}.part", "{told}")

signal.signal(signal.SIGUSR1, switch)
"""

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

CHUNKS = 150
DELTAS = 200
TURNS = 10


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
    lines = sorted(((place, calls / count, own / count * 1e6) for place, calls, own in found), key=lambda line: -line[2])
    return Profile(dict(layers), lines)


async def measure(tabs: int) -> dict[str, Profile]:
    """Profile the app while `tabs` talk, then while they are answered."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        async with program.model() as model, _profiled(model, told) as page, program.tabs_of(page, tabs) as crowd:
            await crowd.talk(Talk(50, every=50, deltas=10))  # what is loaded late
            found = {}
            for name, talk in (
                ("chunk", Talk(CHUNKS)),
                ("delta", Talk(1, every=1, deltas=DELTAS)),
                ("turn", Talk(TURNS, chunk_ms=300, every=1, deltas=1)),
            ):
                page.signal(signal.SIGUSR1)
                said = await crowd.talk(talk)
                page.signal(signal.SIGUSR1)
                while not told.exists():
                    await asyncio.sleep(0.05)
                profile = json.loads(told.read_text(encoding="utf-8"))
                told.unlink()
                found[name] = read(profile, said.deltas or said.chunks)
    return found


def _profiled(model: program.Program, told: Path):  # type: ignore[no-untyped-def]
    return program.page_of(model, before=PROFILED.format(told=told))


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
            sys.stdout.write(f"{name} {calls:6.2f} {microseconds:7.2f} µs  {os.path.relpath(place) if place[0] == '/' else place}\n")


if __name__ == "__main__":
    main()
