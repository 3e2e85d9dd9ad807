"""What an uneven connection does to a spoken reply: `python -m benchmarks.jitter`.

A server that speaks no faster than it is heard, the worst case, sends 100 ms of audio at a time; each piece comes late
by chance. Underruns are counted by the audio thread; the delay is what lies between a piece's arrival in the browser
and its being heard. All cases at the same time, a tab each. Needs Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
from dataclasses import dataclass

from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import PLACES
from tests.browser.mic.program import running

PROGRAM = """
import asyncio
import random
import sys
import time

from nicegui import ui
from voice_ui.speaker import Speaker

PIECE = b"\\x00\\x10" * 2400


@ui.page("/")
def index(jitter: float = 0, stalls: float = 0, seconds: float = 60):
    speaker = Speaker()

    async def speak():
        chance = random.Random(20261126)
        begin, last = time.monotonic(), 0.0
        for number in range(round(seconds * 10)):
            late = chance.uniform(0, jitter) + (0.5 if chance.random() < stalls else 0)
            last = max(last, number / 10 + late)  # in order
            await asyncio.sleep(max(0.0, begin + last - time.monotonic()))
            speaker.play(PIECE, "reply")

    ui.button("Speak", on_click=speak).on("click", js_handler=speaker.js_unlock)
    ui.label(str(speaker.id)).props("id=speaker")


ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False)
"""

LOOK = """() => {
    const speaker = getElement(+document.getElementById("speaker").innerText);
    return [speaker.underruns ?? 0, (speaker.received - speaker.heard) / 24];
}"""


@dataclass(frozen=True)
class Case:
    """A connection."""

    name: str
    jitter: float = 0.0
    """Seconds by which a piece comes late at most."""
    stalls: float = 0.0
    """Share of pieces that come half a second late."""


CASES = (
    Case("even"),
    Case("0–50 ms late", 0.05),
    Case("0–200 ms late", 0.2),
    Case("1 % of pieces 500 ms late", 0.0, 0.01),
    Case("0–50 ms late, and 1 % 500 ms", 0.05, 0.01),
)


async def measure(browser: Browser, url: str, case: Case, seconds: float) -> str:
    """Return a row of the table."""
    page = await browser.new_page()
    await page.goto(f"{url}?jitter={case.jitter}&stalls={case.stalls}&seconds={seconds}")
    await page.wait_for_function("window.socket?.connected")
    await page.get_by_role("button").click()
    delays: list[float] = []
    underruns = 0
    for _ in range(round(seconds * 5)):
        await asyncio.sleep(0.2)
        underruns, delay = await page.evaluate(LOOK)
        delays.append(delay)
    steady = delays[10:]
    median, most = statistics.median(steady), statistics.quantiles(steady, n=20)[-1]
    return f"| {case.name} | {underruns * 60 / seconds:.1f} | {median:.0f} ms | {most:.0f} ms |"


async def _print(seconds: float) -> None:
    chrome = next(path for name in PLACES if (path := shutil.which(name)))
    flags = ["--autoplay-policy=no-user-gesture-required", "--no-first-run", "--no-sandbox"]
    with running(PROGRAM) as program:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chrome, args=flags)
            url = f"http://127.0.0.1:{program.port}/"
            rows = await asyncio.gather(*(measure(browser, url, case, seconds) for case in CASES))
            await browser.close()
    head = "| pieces of 100 ms come | underruns / min | delay, median | delay, p95 |\n|---|---|---|---|\n"
    sys.stdout.write(head + "\n".join(rows) + f"\n\n{seconds:.0f} s each.\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jitter", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of reply in each case (default: 60)")
    asyncio.run(_print(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
