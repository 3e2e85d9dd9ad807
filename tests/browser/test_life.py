"""The life of a tab and of the program: what comes back, what is let go, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from pathlib import Path

from playwright.async_api import expect
from websockets.exceptions import ConnectionClosed

from tests.browser.conftest import OpenBrowser
from tests.browser.page import open_talk
from tests.patience import SECOND, until
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import free_port, program


def base_url(server: ScriptedServer) -> str:
    return server.url.partition("/realtime")[0]


async def talks_for_ever(wire: Wire) -> None:
    """Reply without an end, reading what comes: a server that does not read would not see a goodbye."""
    await wire.configure()
    reading = asyncio.create_task(wire.until_closed())
    await wire.heard_speech(item="u1", transcript="tell me a long story", end_ms=0)
    await wire.say("response.created", response={"id": "r1"})
    with suppress(ConnectionClosed):
        for number in range(10_000):
            await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta=f"word{number} ")
            await asyncio.sleep(0.05)
    await reading


async def one_turn(wire: Wire) -> None:
    await wire.configure()
    await wire.heard_speech(item="u1", transcript="my name is Ada", end_ms=0)
    await wire.reply("Hello ", "Ada.", item="a1")
    await wire.until_closed()


async def test_a_tab_closed_in_mid_reply_lets_go_of_its_connection(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with ScriptedServer(talks_for_ever).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app:
            async with open_browser() as browser:
                talk = await open_talk(browser, app.url)
                await talk.start()
                await expect(talk.response).to_contain_text("word5")
                assert server.open == 1
                await talk.page.close()
                await until(lambda: server.open == 0, 10, what="the upstream connection is closed")


async def test_a_page_that_is_loaded_again_finds_its_conversation(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async def remembers(wire: Wire) -> None:
        await wire.configure()
        texts = [(await wire.hear("conversation.item.create"))["item"]["content"][0]["text"] for _ in range(2)]
        await wire.heard_speech(item="u2", transcript="what is my name", end_ms=0)
        await wire.reply(f"I was told: {texts}", item="a2", response="r2")
        await wire.until_closed()

    async with ScriptedServer(one_turn, remembers).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_have_text("Hello Ada.")
            await talk.page.reload()
            await expect(talk.response).to_have_text("Hello Ada.")
            await expect(talk.heard).to_have_text("my name is Ada")
            await talk.is_in("idle")
            await talk.start()
            await expect(talk.response).to_have_text("I was told: ['my name is Ada', 'Hello Ada.']")
            await expect(talk.history).to_contain_text("Hello Ada.")


async def test_a_page_without_its_memory_says_that_the_program_was_restarted(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    port = free_port()
    async with open_browser() as browser:
        async with program(folder=tmp_path, port=port) as app:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("12")
            remembered = "sessionStorage.getItem('voice-ui-conversation')"
            await talk.page.wait_for_function(f"{remembered}?.length > 10")
            await talk.page.goto("about:blank")
        async with program(folder=tmp_path, port=port):
            await talk.page.go_back()
            await talk.shows_error("program-restarted")
            await talk.start()
            await expect(talk.response).to_contain_text("12")
            await expect(talk.error).to_be_hidden()


async def test_a_visitor_too_many_is_told_and_served_when_a_seat_is_free(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with program(folder=tmp_path, VOICE_UI_MAX_SESSIONS="1") as app, open_browser() as browser:
        first, second = await open_talk(browser, app.url), await open_talk(browser, app.url)
        await first.start()
        await first.is_in("listening")
        await second.start()
        await second.shows_error("room-full")
        await first.stop()
        await first.is_in("idle")
        await second.start()
        await second.is_in("listening")
        await expect(second.error).to_be_hidden()


async def test_ctrl_c_stops_the_program_in_mid_reply_within_three_seconds_and_without_a_traceback(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with ScriptedServer(talks_for_ever).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("word5")
            start = time.monotonic()
            app.process.send_signal(signal.SIGINT)
            await until(lambda: app.process.returncode is not None, 10)
            assert time.monotonic() - start < 3 * SECOND
            assert app.process.returncode == 0
            await until(lambda: server.open == 0)
            assert server.wires[0].websocket.close_code == 1000, "the model's server was told goodbye"
            await expect(talk.page.get_by_test_id("silent")).to_be_visible()
