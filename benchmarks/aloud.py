"""What replies aloud cost, with many people at once: `python -m benchmarks.aloud`.

Each simulated tab speaks all the time and is answered for six of ten seconds: as text, and as text with audio that the
server sends as fast as it is heard.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from benchmarks import program
from benchmarks.figures import columns
from benchmarks.tabs import Talk
from voice_ui import audio
from voice_ui.session import percentile

SECONDS = 10
DELTA_MS = 100
DELTAS = 60
WARM_CHUNKS = 150
ALOUD = 'import os\nos.environ["VOICE_UI_OUTPUT"] = "audio"\n'


async def measure(sessions: int, *, aloud: bool) -> tuple[str, ...]:
    """Return a row of the table."""
    chunks = SECONDS * 1000 // audio.CHUNK_MS
    async with program.model() as model, program.page_of(model, before=ALOUD if aloud else "") as page:
        async with program.tabs_of(page, sessions) as crowd:
            await crowd.talk(Talk(WARM_CHUNKS))
            await program.heard(model)
            before = page.cpu_seconds
            told = await crowd.talk(Talk(chunks, every=chunks, deltas=DELTAS, delta_ms=DELTA_MS))
            used = page.cpu_seconds - before
            up = await program.heard(model, told.chunks)
    shares = [percentile(values, 0.95) * 1000 for values in (up, told.down)]
    lost = told.chunks + told.deltas - len(up) - len(told.down)
    kilobytes = told.bytes_down / sessions / told.seconds / 1000
    figures = (f"{shares[0]:.1f}", f"{shares[1]:.1f}", f"{used / told.seconds:.2f}", f"{kilobytes:.1f}", f"{lost}")
    return (f"{sessions}, {'aloud' if aloud else 'text'}", *figures)


async def _table(sessions: int) -> str:
    head = ("sessions", "up p95, ms", "down p95, ms", "cores", "kB/s down, each", "lost")
    return columns([head, *[await measure(sessions, aloud=aloud) for aloud in (False, True)]])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aloud", description=__doc__)
    parser.add_argument("--sessions", type=int, default=20, help="at the same time (default: 20)")
    sys.stdout.write(asyncio.run(_table(parser.parse_args().sessions)) + "\n")


if __name__ == "__main__":
    main()
