"""A reply of 20,000 characters at 100 deltas a second, in headless Chromium: is the page smooth, what does it receive?

    python -m benchmarks.long_reply [--runs 3] [--formatted]

What is measured, with the inspector closed and open in turns: the time from one animation frame to the next, in the
page, from the first word to the last; and the bytes of NiceGUI's socket from Start on. Budgets: frames p95 of 20 ms at
the most; four times the characters, 4.6 times the bytes at the most. Ends with 1 if one is not kept. The whole product
is measured, and the browser draws in software: look at a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.conftest import FLAGS, PLACES, QUESTION
from tests.browser.long_reply import Cost, cost_of_a_reply, writes
from tests.protocol.scripted import ScriptedServer
from tests.running import program
from voice_ui.session import percentile

CHARACTERS = 20_000
FRAME_BUDGET_MS = 20.0
BYTES_BUDGET = 4.6


async def measured(runs: int, *, formatted: bool) -> list[dict[bool, tuple[Cost, Cost]]]:
    """Return the costs of a quarter and of all of the reply, with the inspector closed (False) and open (True)."""
    lengths = (CHARACTERS // 4, CHARACTERS)
    recording = f"--use-file-for-fake-audio-capture={QUESTION}%noloop"
    chrome = next(path for place in PLACES if (path := shutil.which(place)))
    scripts = [writes(length, formatted=formatted) for _ in range(2 * runs) for length in lengths]
    async with ScriptedServer(*scripts).running() as server, async_playwright() as playwright:
        base = server.url.partition("/realtime")[0]
        browser = await playwright.chromium.launch(executable_path=chrome, args=[*FLAGS, "--no-sandbox", recording])
        with tempfile.TemporaryDirectory() as empty:
            async with program(folder=Path(empty), OPENAI_BASE_URL=base) as app:
                results = []
                for _ in range(runs):
                    result = {}
                    for inspecting in (False, True):
                        short, whole = [
                            await cost_of_a_reply(browser, app.url, length, inspecting=inspecting) for length in lengths
                        ]
                        result[inspecting] = short, whole
                    results.append(result)
        await browser.close()
    return results


def main() -> int:
    """Print a line for each reply."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--formatted", action="store_true", help="a reply in Markdown instead of one long line")
    chosen = parser.parse_args()
    runs = asyncio.run(measured(chosen.runs, formatted=chosen.formatted))
    sys.stdout.write("inspector   frames  p50 ms  p95 ms  p99 ms  over 20 ms       bytes  of a quarter\n")
    kept = True
    for run in runs:
        for inspecting, (short, whole) in run.items():
            p50, p95, p99 = (percentile(whole.frames, share) for share in (0.5, 0.95, 0.99))
            late = sum(frame > FRAME_BUDGET_MS for frame in whole.frames)
            ratio = whole.bytes / short.bytes
            kept = kept and p95 <= FRAME_BUDGET_MS and ratio <= BYTES_BUDGET
            sys.stdout.write(
                f"{'open' if inspecting else 'closed':9} {len(whole.frames):8} {p50:7.1f} {p95:7.1f} {p99:7.1f}"
                f" {late:11} {whole.bytes:11,}     {ratio:4.2f} times\n"
            )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
