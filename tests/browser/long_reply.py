"""A long reply, written as fast as models write, and what it costs a browser."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from playwright.async_api import Browser, expect

from tests.browser.inspector import Panel
from tests.browser.page import Talk
from tests.protocol.scripted import Script, Wire

DELTA_CHARACTERS = 50
DELTAS_PER_SECOND = 100

FRAMES = """() => new Promise((done) => {
    // The time between frames, from the first word of the reply to its last: looked at so that it costs no layout.
    const status = document.querySelector("[data-testid=status]");
    const frames = [];
    let before;
    const next = (now) => {
        const answering = status.dataset.state === "answering";
        if (answering && before) frames.push(now - before);
        if (!answering && frames.length) return done(frames);
        before = now;
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
})"""


@dataclass(frozen=True)
class Cost:
    """Of one reply."""

    frames: list[float]
    """Milliseconds from one frame to the next, sorted."""
    bytes: int
    """Received by the browser, from Start on."""


PLAIN = "{number:05d} all work and no play makes Jack a dull boy; "
FORMATTED = (
    "\n## {number:05d} A heading of the reply\n\n",
    "{number:05d} A **bold** and an *emphasised* word, with",
    " `code` {number:05d} and a [link](https://a.example)",
    "\n\n- {number:05d} the **first** item of a list\n",
    "- {number:05d} and the *second*, which is longer\n\n",
    "| {number:05d} | Plan |\n|---|---|\n| Mon | Alfama |\n",
    "| Tue | {number:05d} Belém |\n\n```python\nx = [1, 2]\n",
    "print({number:05d}, 'the end')  # a comment\n```\n\n",
)
"""Deltas, one after the other and again from the first; a block of Markdown may take several of them."""


def writes(characters: int, *, formatted: bool = False) -> Script:
    """Return what a server does that writes a reply of so many characters: in Markdown, or without one line break."""

    async def script(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        await wire.say("response.created", response={"id": "r"})
        start = time.monotonic()
        for number in range(characters // DELTA_CHARACTERS):
            await asyncio.sleep(start + number / DELTAS_PER_SECOND - time.monotonic())
            form = FORMATTED[number % len(FORMATTED)] if formatted else PLAIN
            delta = form.format(number=number).ljust(DELTA_CHARACTERS, " " if formatted else "-")
            await wire.say("response.output_text.delta", response_id="r", item_id="a", delta=delta)
        await wire.say("response.done", response={"id": "r", "status": "completed"})
        await reading

    return script


async def cost_of_a_reply(browser: Browser, url: str, characters: int, *, inspecting: bool) -> Cost:
    """Return what such a reply costs a page of its own."""
    context = await browser.new_context(permissions=["microphone"])
    page = await context.new_page()
    received = 0

    def count(event: dict[str, dict[str, str]]) -> None:
        nonlocal received
        received += len(event["response"]["payloadData"])

    wire = await context.new_cdp_session(page)
    wire.on("Network.webSocketFrameReceived", count)
    await wire.send("Network.enable")
    await page.goto(url)
    talk, panel = Talk(page), Panel(page)
    await talk.is_in("idle")
    if inspecting:
        await panel.open()
    before = received
    await talk.start()
    frames: list[float] = await page.evaluate(FRAMES)
    await expect(talk.response).to_contain_text(f"{characters // DELTA_CHARACTERS - 1:05d}")
    if inspecting:
        await expect(panel.row("response.done")).to_have_count(1)
    await context.close()
    return Cost(sorted(frames), received - before)
