"""The first visit from a phone: bytes, requests, and the time to a button that works: `python -m benchmarks.phone`.

Chromium with DevTools' presets for a mid-range phone on *Slow 4G*, an empty cache and 360 x 640 pixels; the floor is an
empty NiceGUI page with a button. It works once the page's socket is connected; that it does is tried by pressing it.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, Any

from benchmarks import program
from benchmarks.browser import CHROME, READY_MS
from benchmarks.figures import Figures

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

SLOW_4G = {
    "offline": False,
    "latency": 150 * 3.75,
    "downloadThroughput": 1_600_000 / 8 * 0.9,
    "uploadThroughput": 750_000 / 8 * 0.9,
}
"""Milliseconds per request and bytes a second, as in DevTools (Chromium, front_end/core/sdk/NetworkManager.ts)."""

SLOWER = 4
"""Times the processor, as DevTools has it for a mid-range phone."""

EMPTY = """
from nicegui import ui

@ui.page("/")
def page():
    button = ui.button("Start", on_click=lambda: button.props("data-pressed")).props("data-testid=talk")

ui.run(host="127.0.0.1", port={port}, reload=False, show=False)
"""

VISIBLE = "() => document.querySelector('[data-testid=talk]')?.checkVisibility()"
CONNECTED = "() => window.socket?.connected && window.did_handshake"
PRESSED = "() => document.querySelector('[data-pressed], [data-testid=status]:not([data-state=idle])')"


async def run(*, bare: bool) -> Figures:
    """Visit `python main.py`, or the floor; raises RuntimeError."""
    port = program.free_port()
    what = ("-c", EMPTY.format(port=port)) if bare else ("main.py", "--no-open", "--offline", "--port", f"{port}")
    async with program.answering(port, *what) as (visited, _):
        return await visit(visited.url)


async def visit(url: str) -> Figures:
    """Visit a page with an empty cache; raises SystemExit without a browser."""
    from playwright.async_api import async_playwright

    chrome = next((path for name in CHROME if (path := shutil.which(name))), None)
    if chrome is None:
        raise SystemExit(f"needs one of {', '.join(CHROME)}")
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-first-run", "--disable-quic"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chrome, args=[*flags, "--no-sandbox"])
        context = await browser.new_context(
            permissions=["microphone"], viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True
        )
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        loaded = await _throttle(devtools)
        await page.goto(url, wait_until="commit", timeout=READY_MS)
        visible = await _seconds_until(page, VISIBLE)
        works = await _seconds_until(page, CONNECTED)
        found = {"first visit, kB": sum(loaded.values()) / 1000, "first visit, requests": float(len(loaded))}
        await page.get_by_test_id("talk").tap()
        await page.wait_for_function(PRESSED, timeout=READY_MS)
        await browser.close()
        return {"button visible, s": visible, "button works, s": works, **found}


async def _throttle(devtools: CDPSession) -> dict[str, float]:
    """Slow network and processor down; return the bytes of each request, as they come."""
    loaded: dict[str, float] = {}

    def ask(event: dict[str, Any]) -> None:
        loaded[event["requestId"]] = 0.0

    def load(event: dict[str, Any]) -> None:
        loaded[event["requestId"]] = event["encodedDataLength"]

    devtools.on("Network.requestWillBeSent", ask)
    devtools.on("Network.loadingFinished", load)
    await devtools.send("Network.enable")
    await devtools.send("Network.emulateNetworkConditions", SLOW_4G)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return loaded


async def _seconds_until(page: Page, condition: str) -> float:
    """Return how long after the navigation began something was the case."""
    moment = await page.wait_for_function(f"() => ({condition})() ? performance.now() : 0", timeout=READY_MS)
    return float(await moment.json_value()) / 1000


async def _compare() -> None:
    ours, floor = await run(bare=False), await run(bare=True)
    for name in ours:
        sys.stdout.write(f"{name}: {ours[name]:.2f}, the floor {floor[name]:.2f}\n")


if __name__ == "__main__":
    asyncio.run(_compare())
