"""Our share of a turn in a real Chromium: from a full chunk in its audio thread to the frame after a text changed.

Both ends are read from this machine's wall clock: there by `Date.now()` (milliseconds) in the audio thread, which knows
no other, and by `performance` on the page; here it is set against the monotonic clock once for each page.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

from benchmarks import program, stamp
from benchmarks.figures import Figures, milliseconds
from benchmarks.program import Program
from benchmarks.tabs import CLIP
from benchmarks.turn import share
from voice_ui import audio

if TYPE_CHECKING:
    from playwright.async_api import Page

BUDGETS = {"our share p50, ms": "≤ 20, ≤ 1.2 ×", "our share p95, ms": "≤ 35"}

CHROME = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

DELTA_MS = 23
"""From one delta to the next: no multiple of a frame, so that deltas come at every moment of one."""

READY_MS = 60_000

STAMPER = """
// Writes the moment at which a chunk is handed over into its first samples. NOTE: stamp.py reads it.
const register = globalThis.registerProcessor;
let chunks = 0;
globalThis.registerProcessor = (name, Processor) => register(name, class extends Processor {
  constructor(...args) {
    super(...args);
    const post = this.port.postMessage.bind(this.port);
    this.port.postMessage = (data, transfer) => {
      if (data?.pcm?.byteLength >= 14) {
        const view = new DataView(data.pcm);
        view.setUint16(0, 0x5643, true);
        view.setFloat64(2, Date.now() / 1000 - OFFSET, true);
        view.setUint16(10, chunks++ % EVERY ? 0 : DELTAS, true);
        view.setUint16(12, DELTA_MS, true);
      }
      post(data, transfer);
    };
  }
});
"""

WATCHER = """() => {
  const add = AudioWorklet.prototype.addModule;
  AudioWorklet.prototype.addModule = async function (...args) {
    await add.call(this, URL.createObjectURL(new Blob([STAMPER], { type: "text/javascript" })));
    return add.apply(this, args);
  };
  // A display shows frames all the time; without one, an idle page that asks for a frame gets it at once.
  const frame = () => requestAnimationFrame(frame);
  frame();
  window.seen = [];
  let newest = 0, asked = false;
  const look = (now) => {
    asked = false;
    const moment = (performance.timeOrigin + now) / 1000 - OFFSET;
    const words = document.querySelector("[data-testid=response]").textContent.trim().split(/\\s+/);
    const found = [];
    for (let place = words.length; place-- && words[place].length === LETTERS; ) {
      const sent = parseInt(words[place], 36) / 1e6;
      if (!(sent > newest)) break;
      found.push(sent);
    }
    if (found.length) newest = found[0];
    window.seen.push(...found.map((sent) => moment - sent));
  };
  addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
    if (!asked) asked = requestAnimationFrame((now) => look(Math.max(now, performance.now())));
  }).observe(document, { subtree: true, childList: true, characterData: true }));
}"""


async def run(model: Program, *, bare: bool, seconds: float = 6.0) -> Figures:
    """Measure one run of the app, or of the floor, with a WAV as the microphone; raises RuntimeError."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise SystemExit('--browser needs playwright: pip install -e ".[test]"') from None
    chrome = next((path for name in CHROME if (path := shutil.which(name))), None)
    if chrome is None:
        raise SystemExit(f"--browser needs one of {', '.join(CHROME)}")
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-first-run", "--disable-quic"]
    recording = f"--use-file-for-fake-audio-capture={CLIP}"
    async with program.page_of(model, bare=bare) as page, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chrome, args=[*flags, recording])
        context = await browser.new_context(permissions=["microphone"], bypass_csp=True)
        up, down = await _talk(model, await context.new_page(), page.url, seconds)
        await browser.close()
    return share(up, down) | milliseconds("up", up) | milliseconds("down", down)


async def _talk(model: Program, tab: Page, url: str, seconds: float) -> tuple[list[float], list[float]]:
    """Speak for so long, a reply each second; return the seconds up of each chunk, and down of each delta."""
    every = 1000 // audio.CHUNK_MS
    deltas = 1000 // DELTA_MS
    values = {"OFFSET": time.time() - time.monotonic(), "EVERY": every, "DELTAS": deltas, "DELTA_MS": DELTA_MS}
    stamper, watcher = STAMPER, WATCHER.replace("LETTERS", f"{stamp.DELTA_CHARACTERS - 1}")
    for name, value in values.items():
        stamper = stamper.replace(name, f"{value!r}")
        watcher = watcher.replace(name, f"{value!r}")
    await tab.add_init_script(f"({watcher.replace('STAMPER', repr(stamper))})()")
    await tab.goto(url)
    if await tab.get_by_test_id("status").count():
        await tab.wait_for_selector("[data-testid=status][data-state=idle]", state="attached", timeout=READY_MS)
    await tab.get_by_test_id("talk").click()
    await tab.wait_for_function("window.seen.length > 0", timeout=READY_MS)
    await program.heard(model)
    begin = await tab.evaluate("window.seen.length")
    await asyncio.sleep(seconds)
    up = await program.heard(model)
    down: list[float] = await tab.evaluate(f"window.seen.slice({begin})")
    if len(up) < seconds * 40 or len(down) < seconds * deltas / 2:
        raise RuntimeError(f"only {len(up)} chunks and {len(down)} deltas in {seconds:g} s")
    return up, down
