"""What a person does and sees on the page, by the names of the contract."""

from __future__ import annotations

import json

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.patience import SECOND

expect.set_options(timeout=15_000 * SECOND)


class Talk:
    """The page in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.button = page.get_by_test_id("talk")
        self.status = page.get_by_test_id("status")
        self.response = page.get_by_test_id("response")
        self.heard = page.get_by_test_id("heard")
        self.error = page.get_by_test_id("error")
        self.history = page.get_by_test_id("history")
        self.latency = page.get_by_test_id("latency")
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def open(self, url: str) -> Talk:
        await self.page.goto(url)
        await self.is_in("idle")
        # Every text the reply ever had, as a mutation observer sees it.
        await self.page.evaluate(
            """() => {
                const response = document.querySelector('[data-testid=response]');
                window.lengths = [];
                new MutationObserver(() => window.lengths.push(response.innerText.trim().length))
                    .observe(response, {subtree: true, childList: true, characterData: true});
            }"""
        )
        return self

    async def is_in(self, *states: str, seconds: float = 15) -> None:
        """Wait until the state is one of these."""
        await self.page.wait_for_function(
            f"{json.dumps(states)}.includes(document.querySelector('[data-testid=status]')?.dataset.state)",
            timeout=seconds * 1000 * SECOND,
        )

    async def has_been_in(self, *states: str) -> None:
        """Wait until the state is or has been one of these since Start: it may be over in a moment."""
        await self.page.wait_for_function(
            f"{json.dumps(states)}.some(state => window.states.includes(state))", timeout=15 * 1000 * SECOND
        )

    async def has_shown_error(self, code: str, seconds: float) -> None:
        """Wait until this problem is or has been shown since Start: it may be solved in a moment."""
        await self.page.wait_for_function(
            f"window.errors.includes({json.dumps(code)})", timeout=seconds * 1000 * SECOND
        )

    async def start(self) -> None:
        await self.page.evaluate(
            """() => {
                const status = document.querySelector('[data-testid=status]');
                const states = window.states = [];
                new MutationObserver(() => states.push(status.dataset.state))
                    .observe(status, {attributes: true, attributeFilter: ['data-state']});
                const error = document.querySelector('[data-testid=error]');
                const errors = window.errors = [];
                new MutationObserver(() => error.checkVisibility() && errors.push(error.dataset.code))
                    .observe(error, {attributes: true, attributeFilter: ['data-code', 'class']});
            }"""
        )
        await self.page.get_by_role("button", name="Start").click()

    async def stop(self) -> None:
        await self.page.get_by_role("button", name="Stop").click()

    async def open_settings(self) -> None:
        await self.page.get_by_role("button", name="Settings").click()
        # It slides in.
        edge = "document.querySelector('[data-testid=settings]')?.getBoundingClientRect().right"
        await self.page.wait_for_function(f"Math.abs({edge} - innerWidth) < 1")

    async def close_settings(self) -> None:
        await self.page.get_by_role("button", name="Close").click()
        await expect(self.page.get_by_test_id("settings")).to_be_hidden()

    async def choose(self, choice: str) -> None:
        """Choose by a button of the settings, such as "Push to talk"."""
        await self.open_settings()
        await self.page.get_by_role("button", name=choice, exact=True).click()
        await self.close_settings()

    async def hears_something(self) -> None:
        """Wait until the level moves; it does so only while the microphone is open."""
        level = "document.querySelector('.vp-buttons').parentElement.style.getPropertyValue('--mic-level')"
        await self.page.wait_for_function(f"window.level ??= {level}; window.level !== {level}")
        await self.page.evaluate("delete window.level")

    async def type(self, text: str) -> None:
        """Say something in writing."""
        line = self.page.get_by_role("textbox", name="Message")
        if not await line.is_visible():
            await self.open_settings()
            await self.page.get_by_role("switch", name="Type instead of speaking").click()
            await self.close_settings()
        await line.fill(text)
        await line.press("Enter")

    async def growing_lengths(self) -> list[int]:
        """Return the lengths at which the reply was seen while it grew, from its first character on."""
        lengths: list[int] = await self.page.evaluate("window.lengths")
        return [length for before, length in zip([0, *lengths], lengths, strict=False) if length > before]

    async def shows_error(self, code: str) -> None:
        await expect(self.error).to_be_visible()
        await expect(self.error).to_have_attribute("data-code", code)
        await expect(self.error).to_have_attribute("role", "alert")


async def open_talk(browser: Browser | BrowserContext, url: str) -> Talk:
    """Open the page in a new tab that may use the microphone."""
    context = await browser.new_context(permissions=["microphone"]) if isinstance(browser, Browser) else browser
    return await Talk(await context.new_page()).open(url)
