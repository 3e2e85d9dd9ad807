"""Any page beside ours and the floor, through the browser alone.

    python -m benchmarks peers [NAME=URL[#BUTTON]]... [--port 8765] [--tones 20]

A tone begins in the microphone, a realtime server hears it and answers with tokens, the page paints them. Only the two
ends are touched: `getUserMedia` gives the page a tone generator, and a new frame is searched for tokens. So every
program can be measured whose page talks to a realtime server: start it with its base URL set to the address printed
first. BUTTON is the selector of what begins the conversation, by default the first button.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import program, stamp
from benchmarks.browser import CHROME
from benchmarks.figures import columns
from benchmarks.program import Program
from benchmarks.tone_server import EPOCH, QUIET_MS, TOKEN_SECONDS, TOKENS, ToneServer, tone_server
from voice_ui.session import percentile

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

TONE_MS = 200

ENDS = """() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  // The microphone: silence, and a tone when it is asked for.
  const tones = [];
  if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
    const ctx = new AudioContext({ latencyHint: "interactive" });
    const [tone, gain, out] = [ctx.createOscillator(), ctx.createGain(), ctx.createMediaStreamDestination()];
    gain.gain.value = 0;
    tone.connect(gain).connect(out);
    tone.start();
    tones.push({ ctx, gain });
    return out.stream;
  };
  window.benchTone = (ms) => {
    for (const { ctx, gain } of tones) {
      gain.gain.setValueAtTime(0.7, ctx.currentTime);
      gain.gain.setValueAtTime(0, ctx.currentTime + ms / 1000);
    }
    return now();
  };
  window.benchListens = () => tones.length > 0;
  // The screen: a display asks for frames all the time, and each frame after a change is searched for tokens.
  const frame = () => requestAnimationFrame(frame);
  frame();
  window.benchSeen = [];
  let newest = now(), asked = false;
  const look = (at) => {
    asked = false;
    const painted = (performance.timeOrigin + at) / 1000;
    // Node by node: what stands in one element must not be glued to what stands in the next.
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let text = "";
    while (nodes.nextNode()) text += ` ${nodes.currentNode.data}`;
    for (const [, token] of text.matchAll(/\\s([0-9a-z]{LETTERS})/g)) {
      const sent = parseInt(token, 36) / 1e6 + EPOCH;
      if (sent <= newest || sent > now()) continue;
      newest = sent;
      window.benchSeen.push([sent, painted]);
    }
  };
  addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
    if (!asked) asked = requestAnimationFrame((at) => look(Math.max(at, performance.now())));
  }).observe(document.body, { subtree: true, childList: true, characterData: true }));
}"""


@dataclass
class Peer:
    """One page, and what was measured of it; seconds."""

    name: str
    url: str
    button: str = "button"
    process: Program | None = None
    """None for a program that somebody else runs."""
    up: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    cores: float | None = None
    problem: str = ""

    @classmethod
    def parse(cls, text: str) -> Peer:
        """Read `NAME=URL#BUTTON`."""
        name, _, address = text.partition("=")
        url, _, button = address.partition("#")
        if not url.startswith("http"):
            raise ValueError(text)
        return cls(name, url, button or "button")


async def measure(peer: Peer, tones: ToneServer, browser: Browser, count: int) -> None:
    """Let one page hear tones and paint tokens; raises RuntimeError if it does not."""
    context = await browser.new_context(permissions=["microphone"], bypass_csp=True)
    page = await context.new_page()
    letters = f"{stamp.DELTA_CHARACTERS - 1}"
    try:
        await page.add_init_script(f"({ENDS.replace('LETTERS', letters).replace('EPOCH', f'{EPOCH}')})()")
        await page.goto(peer.url)
        await page.locator(peer.button).first.click(timeout=30_000)
        await page.wait_for_function("window.benchListens()", timeout=30_000)
        await _turn(page, tones, count=None)  # the first is for what is loaded late
        before = peer.process.cpu_seconds if peer.process else 0.0
        start = asyncio.get_running_loop().time()
        for number in range(count):
            heard, seen = await _turn(page, tones, count=number)
            peer.up.append(heard)
            peer.first += seen[0]
            peer.later += [time for times in seen[1:] for time in times]
        if peer.process:
            seconds = asyncio.get_running_loop().time() - start
            peer.cores = (peer.process.cpu_seconds - before) / seconds
    finally:
        await context.close()


async def _turn(page: Page, tones: ToneServer, count: int | None) -> tuple[float, list[list[float]]]:
    """Return the seconds from a tone to the server, and from each token to its frame; none if it was not seen."""
    if count is not None:  # at every moment of a chunk
        await asyncio.sleep(0.3 + (count * 7 % 20) / 1000)
    heard = len(tones.heard)
    tones.answered.clear()
    for _ in range(10 if count is None else 1):  # a page that has just begun may not send yet
        began: float = await page.evaluate(f"benchTone({TONE_MS})")
        try:
            async with asyncio.timeout(TONE_MS / 1000 + QUIET_MS / 1000 + TOKENS * TOKEN_SECONDS + 3):
                await tones.answered.wait()
            break
        except TimeoutError:
            continue
    else:
        raise RuntimeError("a tone was not heard" if len(tones.heard) == heard else "no reply was asked for")
    await page.wait_for_function(f"benchSeen.some(([sent]) => sent >= {tones.sent[-1][-1] - 1e-5})", timeout=10_000)
    painted = dict(await page.evaluate("benchSeen.splice(0)"))
    # A token is the moment at which it was sent, in whole microseconds.
    seen = [[frame - told for told, frame in painted.items() if abs(told - sent) < 1e-5] for sent in tones.sent[-1]]
    return tones.heard[heard] - began, seen


def table(peers: Sequence[Peer]) -> str:
    """Return a column for each page; medians, and the 95th percentile after a slash."""
    rows: list[tuple[str, ...]] = [("", *(peer.name for peer in peers))]
    measured: dict[str, list[list[float]]] = {
        "tone → server, ms": [peer.up for peer in peers],
        "first token → painted, ms": [peer.first for peer in peers],
        "later token → painted, ms": [peer.later for peer in peers],
    }
    for name, columns_ in measured.items():
        rows.append((name, *(_spread(values) for values in columns_)))
    both = [peer.up and _median(peer.up) + _median(peer.first) for peer in peers]
    rows.append(("own share of a turn, ms", *(f"{1000 * value:.1f}" if value else "–" for value in both)))
    rows.append(("% of a core", *("–" if peer.cores is None else f"{100 * peer.cores:.1f}" for peer in peers)))
    problems = "".join(f"{peer.name}: {peer.problem}\n" for peer in peers if peer.problem)
    return f"{columns(rows)}\n{problems}"


def _spread(values: list[float]) -> str:
    return f"{1000 * _median(values):.1f} / {1000 * percentile(values, 0.95):.1f}" if values else "–"


def _median(values: list[float]) -> float:
    return statistics.median(values)


async def run(strangers: Sequence[Peer], *, port: int, count: int) -> list[Peer]:
    """Measure ours, the floor and these, one after the other; raises SystemExit without a browser."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise SystemExit('peers needs playwright: pip install -e ".[test]"') from None
    chrome = next((path for name in CHROME if (path := shutil.which(name))), None)
    if chrome is None:
        raise SystemExit(f"peers needs one of {', '.join(CHROME)}")
    async with AsyncExitStack() as stack:
        tones = await stack.enter_async_context(tone_server(port))
        sys.stderr.write(f"The realtime server is {tones.url.replace('http', 'ws', 1)}/v1/realtime\n")
        server = Program.at(tones.url)
        ours = await stack.enter_async_context(program.page_of(server))
        floor = await stack.enter_async_context(program.page_of(server, bare=True))
        peers = [
            Peer("ours", ours.url, "[data-testid=talk]", ours),
            Peer("floor", floor.url, "[data-testid=talk]", floor),
            *strangers,
        ]
        playwright = await stack.enter_async_context(async_playwright())
        flags = ["--autoplay-policy=no-user-gesture-required", "--no-first-run", "--no-sandbox"]
        browser = await playwright.chromium.launch(executable_path=chrome, args=flags)
        for peer in peers:
            sys.stderr.write(f"{peer.name} …\n")
            try:
                await measure(peer, tones, browser, count)
            except Exception as error:
                peer.problem = f"{error}".partition("\n")[0] or type(error).__name__
        await browser.close()
    return peers


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table; return 1 if a page could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__.partition("\n")[0])
    parser.add_argument("peers", nargs="*", type=Peer.parse, metavar="NAME=URL[#BUTTON]", help="another page")
    parser.add_argument("--port", type=int, default=8765, help="of the realtime server (default: %(default)s)")
    parser.add_argument("--tones", type=int, default=20, help="for each page (default: %(default)s)")
    options = parser.parse_args(argv)
    peers = asyncio.run(run(options.peers, port=options.port, count=options.tones))
    sys.stdout.write(f"{table(peers)}\n")
    return 1 if any(peer.problem for peer in peers) else 0


if __name__ == "__main__":
    sys.exit(main())
