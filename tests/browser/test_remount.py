"""A host may unmount a panel and mount it again while the panel lives on, as a dialog does that closes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.browser.conftest import ROOT, OpenBrowser
from tests.browser.test_examples import running
from tests.patience import SECOND, until
from tests.running import free_port
from tests.servers.scripted import ScriptedServer, holds
from tests.servers.wire import Wire

expect.set_options(timeout=15_000 * SECOND)

WORDS = [f"word{number} " for number in range(60)]
LOUD = b"\x00\x20\x00\xe0" * 12_000  # a second


class Host:
    """The dialog, in a browser."""

    def __init__(self, page: Page, server: ScriptedServer) -> None:
        self.page, self.server = page, server
        self.status, self.response = page.get_by_test_id("status"), page.get_by_test_id("response")
        self.talk, self.mute = page.get_by_test_id("talk"), page.get_by_test_id("mute")

    async def open(self) -> None:
        await self.page.get_by_role("button", name="Open it").click()
        await expect(self.talk).to_be_visible()

    async def close(self) -> None:
        await self.page.get_by_role("button", name="Close it").click()
        await expect(self.talk).to_have_count(0)

    async def start(self) -> None:
        await self.talk.click()
        await self.is_in("listening")

    async def is_in(self, state: str) -> None:
        await expect(self.status).to_have_attribute("data-state", state)

    async def types(self, text: str) -> None:
        line = self.page.get_by_role("textbox", name="Message")
        await line.fill(text)
        await line.press("Enter")

    async def hears_something(self) -> None:
        before = len(self.server.wires[-1].sound)
        await until(lambda: len(self.server.wires[-1].sound) > before + 24_000, what="half a second arrives")


@asynccontextmanager
async def dialog(script: Any, open_browser: OpenBrowser, output: str = "text") -> AsyncIterator[Host]:
    """Run the host's program, and open the dialog in a browser."""
    port = free_port()
    async with ScriptedServer(script).running(strict=False) as server:
        base = server.url.partition("/realtime")[0]
        command = ("-m", "tests.browser.host_dialog", str(port), base, output)
        flags = ["--autoplay-policy=no-user-gesture-required"]
        async with running(*command, port=port, folder=ROOT) as url, open_browser(flags=flags) as browser:
            host = Host(await (await browser.new_context(permissions=["microphone"])).new_page(), server)
            await host.page.goto(url)
            await host.open()
            yield host


async def writes(wire: Wire) -> None:
    await wire.configure()
    await wire.hear("response.create")
    await wire.begin_reply(*WORDS)
    await wire.end_reply()
    await wire.until_closed()


async def speaks(wire: Wire) -> None:
    """Say five seconds at once."""
    await wire.configure()
    await wire.hear("response.create")
    places: dict[str, Any] = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0}
    await wire.say("response.created", response={"id": "r", "status": "in_progress"})
    await wire.say("response.output_audio_transcript.delta", **places, delta="Some words that are spoken.")
    for _ in range(5):
        await wire.say("response.output_audio.delta", **places, delta=base64.b64encode(LOUD).decode())
    await wire.end_reply("r")
    await wire.until_closed()


async def test_closing_the_dialog_closes_the_microphone_and_the_session(open_browser: OpenBrowser) -> None:
    async with dialog(holds, open_browser) as host:
        await host.start()
        await host.hears_something()
        await host.close()
        await until(lambda: host.server.open == 0, 20, what="the session ends")
        await host.open()
        await host.is_in("idle")
        await host.start()
        await host.hears_something()


async def test_the_button_says_muted_only_while_it_is(open_browser: OpenBrowser) -> None:
    async with dialog(holds, open_browser) as host:
        await host.start()
        await host.mute.click()
        await expect(host.mute).to_have_attribute("aria-pressed", "true")
        await host.close()
        await host.open()
        await expect(host.mute).to_have_attribute("aria-pressed", "false")
        await host.start()
        await host.hears_something()


async def test_the_text_is_still_there(open_browser: OpenBrowser) -> None:
    async with dialog(writes, open_browser) as host:
        await host.types("Hello")
        await expect(host.response).to_have_text("".join(WORDS).strip())
        await host.close()
        await host.open()
        await expect(host.response).to_have_text("".join(WORDS).strip())


async def test_what_is_written_meanwhile_is_there_as_well(open_browser: OpenBrowser) -> None:
    closed = asyncio.Event()

    async def goes_on(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.begin_reply(*WORDS[:30])
        await closed.wait()
        for word in WORDS[30:]:
            await wire.say("response.output_text.delta", response_id="resp_1", item_id="item_a", delta=word)
        await wire.end_reply()
        await wire.until_closed()

    async with dialog(goes_on, open_browser) as host:
        await host.types("Hello")
        await expect(host.response).to_contain_text("word29")
        await host.close()
        closed.set()
        await until(lambda: host.server.open == 0, 20, what="the reply is over")
        await host.open()
        await expect(host.response).to_have_text("".join(WORDS).strip())


async def test_a_reply_aloud_ends_with_the_dialog(open_browser: OpenBrowser) -> None:
    async with dialog(speaks, open_browser, "audio") as host:
        await host.types("Hello")
        await expect(host.page.get_by_test_id("speaker")).to_have_attribute("data-state", "playing")
        await host.close()
        await until(lambda: host.server.open == 0, 4, what="nobody waits for a voice that nobody hears")
        assert host.server.wires[0].of_type("conversation.item.truncate")[0]["audio_end_ms"] < 5000


async def test_a_preamble_is_whole_although_the_page_still_loads_a_component(open_browser: OpenBrowser) -> None:
    turns: list[list[str]] = []

    async def announces(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        words = [f"{len(turns)}-{word}" for word in WORDS[:30]]
        response, item = f"r{len(turns)}", {"type": "message", "role": "assistant", "phase": "commentary"}
        item["id"] = f"i{len(turns)}"
        await wire.say("response.created", response={"id": response})
        await wire.say("response.output_item.added", response_id=response, output_index=0, item=item)
        for word in words:
            await wire.say("response.output_text.delta", response_id=response, item_id=item["id"], delta=word)
            await asyncio.sleep(0.03)
        await wire.end_reply(response)
        turns.append(words)
        await wire.until_closed()

    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.6)
        await route.continue_()

    async with dialog(announces, open_browser) as host:
        await host.page.route("**/*past_turn*", slowly)
        for turn in range(2):  # the second is the first that needs past_turn.js, for the one before
            await host.types("Hello")
            await until(lambda turn=turn: len(turns) > turn, what="the reply is written")
            await expect(host.response).to_have_text("".join(turns[turn]).strip())
            await host.is_in("idle")
