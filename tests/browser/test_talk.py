"""The first thing that must be true: start the program, press one button, speak, and read the reply as it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.page import Talk, open_talk
from tests.patience import SECOND
from tests.running import program

QUESTION = "seven plus five"
ANSWER = "12"


@pytest.mark.parametrize("transport", ["websocket", "webrtc"])
async def test_a_person_speaks_and_reads_the_reply_while_it_is_being_written(
    transport: str, tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with program(folder=tmp_path, VOICE_UI_TRANSPORT=transport) as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await expect(talk.page.get_by_test_id("notice")).to_contain_text("OPENAI_API_KEY")
        await talk.start()
        await talk.is_in("listening")
        await expect(talk.heard).to_contain_text(QUESTION, ignore_case=True)
        await expect(talk.response).to_contain_text(ANSWER)
        await talk.is_in("listening")
        assert len(await talk.growing_lengths()) >= 3
        assert 0 < float(await talk.latency.get_attribute("data-ms") or 0) < 2000 * SECOND
        await talk.stop()
        await talk.is_in("idle")
        await expect(talk.button).to_have_accessible_name("Start")
        if transport == "webrtc":  # the practice server takes no calls; that of tests/protocol/test_webrtc.py does
            await talk.shows_error("webrtc-unsupported")
        else:
            await expect(talk.error).to_be_hidden()
        assert not talk.complaints


async def test_stop_in_the_middle_of_the_answer_lets_it_finish(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await talk.has_been_in("hearing")
        await expect(talk.page.get_by_role("button", name="Stop")).to_be_visible()
        await talk.has_been_in("thinking", "answering")
        await talk.stop()
        await expect(talk.response).to_contain_text(ANSWER)
        await talk.is_in("idle")


async def test_a_second_start_goes_on_and_the_first_turn_stands_above(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        for _ in range(2):
            await talk.start()
            await talk.has_been_in("answering")
            await talk.stop()
            await talk.is_in("idle")
        await expect(talk.history).to_contain_text(QUESTION, ignore_case=True)
        await expect(talk.history).to_contain_text(ANSWER)
        await expect(talk.response).to_contain_text(ANSWER)


async def test_the_keyboard_is_enough(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        for _ in range(5):
            await talk.page.keyboard.press("Tab")
            if await talk.button.evaluate("button => button === document.activeElement"):
                break
        await talk.page.keyboard.press("Enter")
        await talk.is_in("listening")
        await talk.page.keyboard.press("Space")
        await talk.is_in("idle")


async def test_two_tabs_are_two_conversations(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        first, second = await open_talk(browser, app.url), await open_talk(browser, app.url)
        await first.start()
        await first.is_in("hearing")
        await expect(second.status).to_have_attribute("data-state", "idle")
        await second.start()
        for talk in (first, second):
            await expect(talk.response).to_contain_text(ANSWER)
            await expect(talk.heard).to_contain_text(QUESTION, ignore_case=True)
            await expect(talk.history).to_be_empty()


async def test_who_presses_start_before_the_page_has_found_its_server_is_heard(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    found = asyncio.Event()

    async def late(socket: WebSocketRoute) -> None:
        await found.wait()
        socket.connect_to_server()

    async with open_program() as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone"])
        talk = Talk(await context.new_page())
        await talk.page.route_web_socket("**/socket.io/**", late)
        await talk.page.goto(app.url)
        await talk.start()
        await talk.hears_something()
        found.set()
        await expect(talk.response).to_contain_text(ANSWER)
