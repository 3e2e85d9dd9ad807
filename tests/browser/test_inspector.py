"""The inspector, as a developer uses it: the real page and a scripted server."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.protocol.scripted import Script, ScriptedServer, Wire
from tests.running import program


class Panel:
    """The inspector of one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.get_by_test_id("inspector")
        self.rows = self.panel.locator(".inspector-row")
        self.shown = self.panel.locator(".inspector-row:not([hidden])")
        self.count = page.get_by_test_id("inspector-count")

    async def open(self) -> Panel:
        talk = Talk(self.page)
        await talk.open_settings()
        await self.page.get_by_role("switch", name="Inspector").click()
        await talk.close_settings()
        await expect(self.panel).to_be_visible()
        return self

    def row(self, type: str) -> Locator:
        return self.rows.filter(has=self.page.get_by_text(type, exact=True))

    async def filter(self, words: str) -> None:
        await self.panel.get_by_role("textbox", name="Filter").fill(words)

    async def press(self, name: str) -> None:
        await self.panel.get_by_role("button", name=name, exact=True).click()

    async def downloaded(self) -> list[dict[str, Any]]:
        async with self.page.expect_download() as download:
            await self.press("Download as JSON lines")
        path = await (await download.value).path()
        return await asyncio.to_thread(lambda: [json.loads(line) for line in path.read_text("utf-8").splitlines()])


@asynccontextmanager
async def inspected(
    script: Script, tmp_path: Path, open_browser: OpenBrowser
) -> AsyncIterator[tuple[Talk, Panel, ScriptedServer]]:
    """Open the page of a program that talks to a scripted server, with the inspector open."""
    async with ScriptedServer(script).running() as server:
        base = server.url.partition("/realtime")[0]
        async with program(folder=tmp_path, OPENAI_BASE_URL=base) as app, open_browser() as browser:
            context = await browser.new_context(permissions=["microphone", "clipboard-read", "clipboard-write"])
            talk = await open_talk(context, app.url)
            yield talk, await Panel(talk.page).open(), server
            assert not talk.complaints


async def test_events_are_shown_filtered_paused_expanded_copied_and_downloaded(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    goes_on = asyncio.Event()

    async def talks(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        await wire.heard_speech(transcript="<b>what</b> is it")
        await wire.reply("It is ", "late.")
        await goes_on.wait()
        await wire.reply("Very ", "late.", response="r2", item="a2")
        await reading

    async with inspected(talks, tmp_path, open_browser) as (talk, panel, server):
        await talk.start()
        await expect(talk.response).to_have_text("It is late.")
        await expect(panel.row("response.done")).to_have_count(1)

        # Text and never markup; sound as length and level, many chunks as one row.
        await expect(panel.rows.filter(has_text="<b>what</b> is it")).to_have_count(1)
        appends = panel.row("input_audio_buffer.append").last
        await expect(appends).to_contain_text("×")
        await expect(appends).to_contain_text("dBFS")

        # Expanded by the keyboard: pretty JSON, and one click copies it.
        update = panel.row("session.update")
        await update.locator("summary").focus()
        await talk.page.keyboard.press("Enter")
        await expect(update.locator("pre")).to_contain_text('"turn_detection": {')
        await update.get_by_role("button", name="Copy event 2").click()
        await expect(panel.panel.get_by_role("status")).to_have_text("Event 2 copied.")
        copied = json.loads(await talk.page.evaluate("navigator.clipboard.readText()"))
        assert copied["type"] == "session.update" and copied["session"]["instructions"]

        # Filtered by words that must be there and words that must not, and by direction.
        await panel.filter("output_text -late")
        await expect(panel.shown).to_have_count(1)
        await expect(panel.shown).to_contain_text("It is")
        await panel.filter("")
        await panel.press("Sent")
        await expect(panel.panel.locator(".from-server:not([hidden])")).to_have_count(0)
        await expect(panel.panel.locator(".from-client:not([hidden])")).not_to_have_count(0)
        await panel.press("All")

        # Paused: nothing moves, nothing is lost.
        await panel.press("Pause")
        goes_on.set()
        await expect(talk.response).to_have_text("Very late.")
        await expect(panel.count).to_contain_text("wait")
        await expect(panel.row("response.done")).to_have_count(1)
        await panel.press("Resume")
        await expect(panel.row("response.done")).to_have_count(2)

        lines = await panel.downloaded()
        numbers = [line["number"] for line in lines]
        assert numbers == sorted(numbers) and lines[0]["at_ms"] == 0
        assert [line["event"]["delta"] for line in lines if "delta" in line["event"]] == [
            "It is ",
            "late.",
            "Very ",
            "late.",
        ]
        sounds = [line for line in lines if line["event"]["type"] == "input_audio_buffer.append"]
        assert sum(line["count"] for line in sounds) > len(sounds) > 0
        assert all(isinstance(line["event"]["audio"]["ms"], int | float) for line in sounds)
        sent = {event["audio"] for event in server.wires[0].received if "audio" in event}
        text = json.dumps(lines)
        assert sent and not [audio for audio in sent if audio[:24] in text]
        assert "sk-" not in text and "ws://" not in text


async def test_one_click_leads_from_an_error_to_the_event_that_caused_it(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async def complains(wire: Wire) -> None:
        await wire.configure()
        await wire.reply(*["word "] * 300)
        cause = await wire.hear("response.create")
        error = {"type": "server_error", "message": "That broke something.", "event_id": cause["event_id"]}
        await wire.say("error", error=error)
        await wire.until_closed()

    async with inspected(complains, tmp_path, open_browser) as (talk, panel, _):
        await talk.start()
        await talk.is_in("listening")
        await talk.type("What?")
        await talk.shows_error("server-failed")
        await panel.filter("nothing that is there")
        await expect(panel.shown).to_have_count(0)
        await talk.page.get_by_role("button", name="Show event").click()
        cause, error = panel.row("response.create"), panel.row("error")
        for row in (cause, error):
            await expect(row.locator("pre")).to_be_visible()
            await expect(row).to_have_class(re.compile(r"\bmarked\b"))
        await expect(cause.locator("pre")).to_be_in_viewport()
        await expect(error.locator("pre")).to_contain_text("That broke something.")
        await panel.press("Hide inspector")
        await expect(panel.panel).to_have_count(0)
        await expect(talk.error).to_be_visible()
        await expect(talk.page.get_by_role("button", name="Show event")).to_be_hidden()


async def test_while_it_is_closed_the_page_has_nothing_of_it(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path) as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        sent: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sent.append(str(data))))
        talk = await Talk(page).open(app.url)
        await talk.start()
        await talk.is_in("answering")
        assert asked and sent
        assert not [url for url in asked if "inspector" in url]
        assert not [data for data in sent if "speech_started" in data]
        panel = await Panel(page).open()
        await talk.stop()
        await expect(panel.rows).not_to_have_count(0)
        await panel.press("Hide inspector")
        await expect(panel.panel).to_have_count(0)


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


def writes(characters: int) -> Script:
    """A hundred deltas a second, of 50 characters each."""

    async def script(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        await wire.say("response.created", response={"id": "r"})
        start = time.monotonic()
        for number in range(characters // 50):
            await asyncio.sleep(start + number / 100 - time.monotonic())
            delta = f"{number:05d} " + "all work and no play makes Jack a dull boy; "
            await wire.say("response.output_text.delta", response_id="r", item_id="a", delta=delta)
        await wire.say("response.done", response={"id": "r", "status": "completed"})
        await reading

    return script


async def cost_of_a_reply(browser: Browser, url: str, characters: int, *, inspecting: bool) -> tuple[float, int]:
    """Return the time between two frames (milliseconds, p95) while a reply is written, and the bytes it took."""
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
    await expect(talk.response).to_contain_text(f"{characters // 50 - 1:05d}")
    if inspecting:
        await expect(panel.row("response.done")).to_have_count(1)
    await context.close()
    return sorted(frames)[len(frames) * 95 // 100], received - before


async def test_a_long_reply_stays_smooth_and_costs_bytes_in_proportion(
    tmp_path: Path, open_browser: OpenBrowser, report: Callable[[str], None]
) -> None:
    async with ScriptedServer(writes(20_000), writes(20_000), writes(5_000)).running() as server:
        base = server.url.partition("/realtime")[0]
        async with program(folder=tmp_path, OPENAI_BASE_URL=base) as app, open_browser() as browser:
            closed_ms, closed_bytes = await cost_of_a_reply(browser, app.url, 20_000, inspecting=False)
            open_ms, open_bytes = await cost_of_a_reply(browser, app.url, 20_000, inspecting=True)
            _, short_bytes = await cost_of_a_reply(browser, app.url, 5_000, inspecting=True)
    report(
        "\n20,000 characters, 100 deltas a second\n"
        f"{'inspector closed':20} frame p95 {closed_ms:5.1f} ms {closed_bytes:>10,} bytes\n"
        f"{'inspector open':20} frame p95 {open_ms:5.1f} ms {open_bytes:>10,} bytes"
    )
    assert open_ms <= 2 * closed_ms + 17, (open_ms, closed_ms)  # a frame more, on a machine that is busy with others
    assert open_bytes < 4.6 * short_bytes, (open_bytes, short_bytes)
