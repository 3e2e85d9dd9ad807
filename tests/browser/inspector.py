"""What a developer does and sees in the inspector."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.page import Talk


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
