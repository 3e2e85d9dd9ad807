"""A tab of the program in a browser, and what its microphone told."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Browser, Page, Route

from tests.browser.mic.program import Program
from tests.patience import SECOND, until

WATCH = """
    // What was opened, to see whether it is let go.
    window.contexts = [];
    window.tracks = [];
    window.AudioContext = class extends AudioContext {
        constructor(...options) { super(...options); contexts.push(this); }
    };
    const devices = navigator.mediaDevices;
    const ask = devices?.getUserMedia.bind(devices);
    if (devices) devices.getUserMedia = async (wish) => {
        const stream = await ask(wish);
        tracks.push(...stream.getTracks());
        return stream;
    };
"""


class Tab:
    """A page of the program in a browser."""

    tabs = 0

    def __init__(self, page: Page, program: Program) -> None:
        Tab.tabs += 1
        self.name = f"tab-{Tab.tabs}"
        self.page = page
        self._program = program

    async def open(self, *, port: int | None = None, host: str = "127.0.0.1") -> Tab:
        await self.page.goto(f"http://{host}:{port or self._program.port}/?tab={self.name}")
        return self

    async def press(self, button: str) -> None:
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def evaluate(self, script: str) -> Any:
        """Evaluate a script in which MIC is the id of the microphone."""
        return await self.page.evaluate(script.replace("MIC", await self.page.locator("#mic").inner_text()))

    @property
    def told(self) -> list[dict[str, Any]]:
        return [event for event in list(self._program.told) if event["tab"] == self.name]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [event for event in self.told if event["name"] == "chunk"]

    @property
    def story(self) -> list[str]:
        """What was told but for the sound, each event in two words."""
        return [
            " ".join([event["name"], str(event.get("code", event.get("reason")) or "")]).strip()
            for event in self.told
            if event["name"] not in {"chunk", "live"}
        ]

    @property
    def lives(self) -> list[bool]:
        return [event["code"] for event in self.told if event["name"] == "live"]

    @property
    def pcm(self) -> bytes:
        return b"".join(bytes.fromhex(chunk["pcm"]) for chunk in self.chunks)

    async def tells(self, *story: str, seconds: float = 10) -> None:
        """Wait until the story is this, word for word."""
        try:
            await until(lambda: self.story == list(story), seconds)
        except AssertionError:
            raise AssertionError(f"the story is {self.story}, not {list(story)}") from None

    async def hears(self, seconds: float) -> None:
        """Wait until that much sound has arrived."""
        await until(lambda: len(self.chunks) >= seconds * 50, 10 + 3 * seconds)

    async def hears_on(self) -> None:
        """Wait until more sound arrives."""
        await self.hears(len(self.chunks) / 50 + 0.2)

    async def has_one_microphone(self) -> None:
        """Wait until only one is lit."""
        await self.page.wait_for_function("tracks.filter((track) => track.readyState === 'live').length === 1")

    async def has_let_go(self) -> None:
        """Wait until no context is open and no microphone is lit."""
        await self.page.wait_for_function(
            "contexts.every((context) => context.state === 'closed')"
            " && tracks.every((track) => track.readyState === 'ended')",
            timeout=5_000 * SECOND,
        )


async def new_tab(browser: Browser, program: Program, *scripts: str) -> Tab:
    """Open a tab in which these scripts run before the page's own."""
    page = await browser.new_page()
    for script in (WATCH, *scripts):
        await page.add_init_script(script)
    return Tab(page, program)


HURRIED = re.compile(r"/mic(_delivery)?\.js")


async def hurry(route: Route, *, apart: str = "3_000") -> None:
    """Give the page our microphone with ten seconds and half a minute made one second, and a minute `apart`."""
    response = await route.fetch()
    body = (await response.text()).replace("10_000", "1_000").replace("30_000", "1_000").replace("60_000", apart)
    await route.fulfill(response=response, body=body)
