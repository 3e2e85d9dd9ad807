"""A panel in somebody else's page leaves that page as it is: its keys, title, styles and scroll."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.conftest import ROOT, OpenBrowser
from tests.browser.test_examples import running
from tests.running import free_port
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire

STYLES = """() => Object.fromEntries(
    [document.documentElement, document.body, ...document.querySelectorAll("[id^=host-], header")].map(
        (element) => [
            element.id || element.tagName + element.className,
            Object.fromEntries([...getComputedStyle(element)]
                .filter((name) => !/size|origin|width|height|inset|block|inline|^(top|bottom|left|right)$/.test(name))
                .map((name) => [name, getComputedStyle(element)[name]])),
        ],
    ),
)"""


async def writes_for_long(wire: Wire) -> None:
    await wire.configure()
    await wire.hear("response.create")
    await wire.begin_reply(*["word "] * 500)
    await wire.until_closed()


@asynccontextmanager
async def host(folder: Path) -> AsyncIterator[tuple[str, ScriptedServer]]:
    port = free_port()
    async with ScriptedServer(writes_for_long).running() as server:
        base = server.url.partition("/realtime")[0]
        async with running("-m", "tests.browser.host", str(port), base, port=port, folder=ROOT) as url:
            yield url, server


async def say(page: Page, text: str) -> None:
    line = page.get_by_role("textbox", name="Message")
    await line.fill(text)
    await line.press("Enter")


async def test_a_host_keeps_its_title_its_keys_its_scroll_and_its_styles(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with host(tmp_path) as (url, server), open_browser() as browser:
        context = await browser.new_context(permissions=["microphone"], viewport={"width": 1000, "height": 500})
        without, page = await context.new_page(), await context.new_page()
        await without.goto(f"{url}/?panel=false")
        await page.goto(url)
        await say(page, "Tell me everything")
        await expect(page.get_by_test_id("response")).to_contain_text("word word")
        await expect(page.get_by_test_id("status")).to_have_attribute("data-state", "answering")
        await page.locator("#host-heading").click()
        await page.evaluate("scrollTo(0, 120)")
        await page.keyboard.press("Escape")
        await expect(page.locator("#escapes")).to_have_text("1")
        assert await page.title() == await without.title() == "Recipes"
        assert await page.evaluate("scrollY") == 120
        assert await page.evaluate("document.body.className") == await without.evaluate("document.body.className")
        await without.evaluate("scrollTo(0, 120)")
        assert await page.evaluate(STYLES) == await without.evaluate(STYLES)
        # The key was the host's: the reply goes on.
        assert not server.wires[0].of_type("response.cancel")
