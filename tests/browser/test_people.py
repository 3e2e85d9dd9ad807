"""What browsers and people do to a page: translate it, type ahead, let go elsewhere, come back late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

from playwright.async_api import expect
from websockets.exceptions import ConnectionClosed

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.patience import until
from tests.running import program
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire

# As a translator does it: it leaves alone what says so.
TRANSLATE = """() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) found.push(texts.currentNode);
    for (const text of found) {
        if (!text.data.trim() || text.parentElement.closest("[translate=no], script, style")) continue;
        const font = document.createElement("font");
        text.replaceWith(font);
        font.append(text.data.toUpperCase());
    }
}"""

SLOW = """() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wish) => {
        await new Promise((done) => { window.openMicrophone = done; });
        return open(wish);
    };
}"""


async def answers(wire: Wire) -> None:
    await wire.configure()
    with suppress(ConnectionClosed):
        for number in count(1):
            while (await wire.next_event())["type"] != "response.create":
                pass
            await wire.reply("Answer ", f"{number}.", response=f"r{number}", item=f"a{number}")


@asynccontextmanager
async def talking(tmp_path: Path, open_browser: OpenBrowser) -> AsyncIterator[tuple[Talk, ScriptedServer]]:
    async with ScriptedServer(answers).running() as server:
        environ = {"OPENAI_BASE_URL": server.url.partition("/realtime")[0]}
        async with program(folder=tmp_path, **environ) as app, open_browser() as browser:
            yield await open_talk(browser, app.url), server


async def test_a_translated_page_goes_on_showing_what_happens(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with talking(tmp_path, open_browser) as (talk, _):
        await talk.type("one")
        await expect(talk.response).to_have_text("Answer 1.")
        await talk.page.evaluate(TRANSLATE)
        await talk.start()
        await talk.is_in("listening")
        await expect(talk.status).to_have_text("Listening – speak now")
        await expect(talk.button).to_have_text("stopStop")
        await talk.type("two")
        await expect(talk.response).to_have_text("Answer 2.")
        await expect(talk.history).to_contain_text("Answer 1.")
        assert not talk.complaints


async def test_who_types_ahead_loses_no_letter_and_the_line_keeps_the_focus(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with talking(tmp_path, open_browser) as (talk, _):
        await talk.type("one")
        await talk.page.keyboard.type("two", delay=0)
        line = talk.page.get_by_role("textbox", name="Message")
        await expect(line).to_be_focused()
        await expect(talk.response).to_have_text("Answer 1.")
        await expect(line).to_have_value("two")
        await talk.page.get_by_role("button", name="Send").click()
        await expect(line).to_be_focused()
        await expect(talk.heard).to_have_text("two")
        await expect(talk.response).to_have_text("Answer 2.")


async def test_the_page_says_that_it_listens_only_when_the_microphone_is_open(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with talking(tmp_path, open_browser) as (talk, server):
        await talk.page.evaluate(SLOW)
        await talk.start()
        await until(lambda: server.wires and server.wires[0].of_type("session.update"))
        await talk.is_in("opening")
        await talk.page.evaluate("window.openMicrophone()")
        await talk.is_in("listening")


async def test_the_space_key_is_let_go_wherever_the_focus_is(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with talking(tmp_path, open_browser) as (talk, server):
        await talk.type("one")
        await talk.choose("Push to talk")
        await talk.start()
        await talk.is_in("listening")
        await talk.page.locator(".title").click()
        await talk.page.keyboard.down("Space")
        await talk.is_in("hearing")
        await talk.page.wait_for_timeout(500)  # something to be said
        await talk.page.get_by_role("textbox", name="Message").click()
        await talk.page.keyboard.up("Space")
        await until(lambda: server.wires[-1].of_type("input_audio_buffer.commit"))
        await expect(talk.page.get_by_role("textbox", name="Message")).to_have_value("")


async def test_a_conversation_that_is_gone_is_reported_once(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with talking(tmp_path, open_browser) as (talk, _):
        await talk.type("one")
        await expect(talk.response).to_have_text("Answer 1.")
        remembered = "sessionStorage.getItem('voice-ui-conversation')"
        await talk.page.wait_for_function(f"{remembered}?.length > 10")
        await talk.page.reload()
        await expect(talk.response).to_have_text("Answer 1.")
        await expect(talk.error).to_be_hidden()
        # As after a minute out of touch.
        await talk.page.evaluate("sessionStorage.setItem('voice-ui-conversation', 'gone')")
        await talk.page.reload()
        await talk.shows_error("conversation-gone")
        await talk.page.reload()
        await expect(talk.response).to_have_text("Answer 1.")
        await expect(talk.error).to_be_hidden()
