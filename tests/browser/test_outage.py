"""The wire between the browser and the program breaks: the page comes back, and no word is lost within the bounds."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.page import Talk, open_talk
from tests.cable import Cable
from tests.patience import SECOND

WORDS = re.compile("^what is seven plus five[?.]?$", re.IGNORECASE)


async def heard_and_answered(talk: Talk) -> None:
    await expect(talk.heard).to_have_text(WORDS, timeout=60_000 * SECOND)
    await expect(talk.response).to_contain_text("12")
    await talk.is_in("listening")
    await expect(talk.error).to_be_hidden()
    await talk.stop()
    await talk.is_in("idle")


@pytest.mark.parametrize("seconds", [2, 20])
async def test_words_spoken_while_the_socket_is_cut_are_answered(
    seconds: int, open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        cable = Cable(urlsplit(app.url).port or 0)
        async with cable.laid() as port:
            talk = await open_talk(browser, f"http://127.0.0.1:{port}")
            await talk.start()
            await talk.is_in("hearing")
            cable.pull()
            await asyncio.sleep(seconds)  # the outage itself: most of the words are spoken in it
            cable.plug()
            await heard_and_answered(talk)


async def test_a_browser_that_was_asleep_goes_on(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await talk.is_in("hearing")
        processes = await processes_of(browser)
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        await asyncio.sleep(5)  # the sleep itself
        for process in processes:
            os.kill(process, signal.SIGCONT)
        await expect(talk.response).not_to_be_empty(timeout=30_000)
        await talk.stop()
        await talk.is_in("idle")


async def processes_of(browser: Browser) -> list[int]:
    """Return the processes of the browser that run pages and sockets."""
    session = await browser.new_browser_cdp_session()
    told = await session.send("SystemInfo.getProcessInfo")
    return [int(process["id"]) for process in told["processInfo"]]
