"""The inspector, as a developer uses it: the real page and a scripted server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.inspector import Panel
from tests.browser.long_reply import cost_of_a_reply, writes
from tests.browser.page import Talk, open_talk
from tests.patience import SECOND
from tests.protocol.scripted import Script, ScriptedServer, Wire
from tests.running import program


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
        await talk.shows_error("server-said")
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


async def test_what_it_keeps_is_bounded_in_rows_and_in_characters(tmp_path: Path, open_browser: OpenBrowser) -> None:
    more, large = asyncio.Event(), asyncio.Event()

    async def floods(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        for number in range(600):
            await wire.say("small", number=number)
        async with asyncio.timeout(20 * SECOND):
            await more.wait()  # at once, they would be one batch, whose own bound is met first
        for number in range(600, 1_200):
            await wire.say("small", number=number)
        async with asyncio.timeout(20 * SECOND):
            await large.wait()
        for number in range(120):
            await wire.say("large", number=number, padding="a" * 99_000)
        await reading

    async with inspected(floods, tmp_path, open_browser) as (talk, panel, _):
        await talk.start()
        await expect(panel.rows.filter(has_text="number: 599")).to_have_count(1)
        more.set()
        await expect(panel.rows.filter(has_text="number: 1199")).to_have_count(1)
        await expect(panel.row("session.created")).to_have_count(0)
        assert await panel.rows.count() == 1_000
        large.set()
        await expect(panel.rows.filter(has_text="number: 119,")).to_have_count(1)
        assert 0 < await panel.row("large").count() <= 101
        await expect(panel.row("small")).to_have_count(0)


async def test_while_it_is_closed_the_page_has_nothing_of_it(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        sent: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sent.append(str(data))))
        talk = await Talk(page).open(app.url)
        await talk.start()
        await talk.has_been_in("answering")
        assert asked and sent
        assert not [url for url in asked if "inspector" in url]
        assert not [data for data in sent if "speech_started" in data]
        panel = await Panel(page).open()
        await talk.stop()
        await expect(panel.rows).not_to_have_count(0)
        await panel.press("Hide inspector")
        await expect(panel.panel).to_have_count(0)


async def test_it_costs_bytes_in_proportion_to_what_passes(tmp_path: Path, open_browser: OpenBrowser) -> None:
    lengths = (2_500, 10_000)
    async with ScriptedServer(*map(writes, lengths)).running() as server:
        base = server.url.partition("/realtime")[0]
        async with program(folder=tmp_path, OPENAI_BASE_URL=base) as app, open_browser() as browser:
            short, long = [await cost_of_a_reply(browser, app.url, length, inspecting=True) for length in lengths]
    assert long.bytes < 4.6 * short.bytes, (short, long)
