"""The page for those who have no mouse, see little, want no motion, read from right to left, or hold a telephone."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import ElementHandle, Page, expect

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.inspector import Panel
from tests.browser.page import Talk, open_talk
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program

TELEPHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "reduced_motion": "reduce",
    "permissions": ["microphone"],
}

LEAST_CONTRAST = 3.0
"""Between a control with the focus and the same without (WCAG 2.2, 1.4.11 and 2.4.13)."""

LEAST_TARGET = 24
"""Pixels, of what a finger must meet (WCAG 2.2, 2.5.8)."""

CONTROLS = "button, input, textarea, [role=switch], [role=slider], .q-slider__track-container, [role=region], section"
REACHABLE = f"""(whole) => [...whole.querySelectorAll("{CONTROLS}")].filter(
    (element) => element.tabIndex >= 0 && element.checkVisibility({{visibilityProperty: true}}) && !element.disabled
        && (element.matches("button, input, textarea") || element.hasAttribute("tabindex")))"""

TOO_SMALL = f"""() => ({REACHABLE})(document).map((element) => element.closest(".q-field") ?? element)
    .map((element) => [element.ariaLabel || element.innerText, element.getBoundingClientRect()])
    .filter(([, box]) => box.width < {LEAST_TARGET} || box.height < {LEAST_TARGET})
    .map(([name, box]) => `${{name}}: ${{box.width}} × ${{box.height}}`)"""


def luminance(picture: Image.Image) -> NDArray[np.float64]:
    """Of every pixel, relative, as WCAG has it."""
    shares = np.asarray(picture) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: Image.Image, other: Image.Image) -> NDArray[np.float64]:
    """Between the pixels of two pictures of one size."""
    first, second = luminance(one), luminance(other)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


async def picture(page: Page, box: dict[str, float]) -> Image.Image:
    """Of a control, and a little around it."""
    assert page.viewport_size
    left, top = max(0.0, box["x"] - 8), max(0.0, box["y"] - 8)
    right = min(page.viewport_size["width"], box["x"] + box["width"] + 8)
    bottom = min(page.viewport_size["height"], box["y"] + box["height"] + 8)
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return Image.open(io.BytesIO(await page.screenshot(clip=clip))).convert("RGB")


async def shows_its_focus(page: Page, control: ElementHandle) -> bool:
    """Whether at least a line around the control looks different while that has the focus."""
    whole = (await control.evaluate_handle("e => e.closest('.q-field') ?? e")).as_element()
    box = await whole.bounding_box() if whole else None
    assert box
    focused = await picture(page, box)
    await control.evaluate("e => e.blur()")
    blurred = await picture(page, box)
    await control.evaluate("e => e.focus({preventScroll: true, focusVisible: true})")
    differing = int(np.sum(contrast(focused, blurred) >= LEAST_CONTRAST))
    return differing >= box["width"] + box["height"]


async def walk(page: Page, whole: str) -> tuple[list[str], list[str]]:
    """Press Tab until it comes round; return what it missed, and what does not show that it has the focus."""
    await page.evaluate(f"window.missed = new Set(({REACHABLE})(document.querySelector('{whole}')))")
    hidden = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        control = (await page.evaluate_handle("document.activeElement")).as_element()
        assert control
        if await control.evaluate("e => missed.delete(e)") and not await shows_its_focus(page, control):
            hidden.append(await control.evaluate("e => e.ariaLabel || e.innerText"))
        if await page.evaluate("missed.size") == 0:
            break
    return await page.evaluate("[...missed].map((e) => e.outerHTML.slice(0, 200))"), hidden


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(await browser.new_context(**TELEPHONE), app.url)
        panel = await Panel(talk.page).open()
        await talk.type("what is two plus two?")
        await talk.is_in("idle")
        await expect(panel.row("response.done")).to_have_count(1)
        assert await walk(talk.page, "body") == ([], [])

        # The rows of the inspector are one stop; from there the arrows lead on.
        await panel.panel.get_by_role("region", name="Events").focus()
        await talk.page.keyboard.press("ArrowUp")
        await expect(panel.rows.last.locator("summary")).to_be_focused()
        await talk.page.keyboard.press("ArrowUp")
        await talk.page.keyboard.press("Enter")
        await expect(panel.rows.nth(-2).locator("pre")).to_be_visible()

        await talk.page.get_by_role("button", name="Settings").focus()
        await talk.page.keyboard.press("Enter")
        await expect(talk.page.get_by_test_id("settings")).to_be_visible()
        assert await walk(talk.page, "[data-testid=settings]") == ([], [])
        await talk.page.keyboard.press("Escape")
        await expect(talk.page.get_by_test_id("settings")).to_be_hidden()
        await expect(talk.page.get_by_role("button", name="Settings")).to_be_focused()


async def test_on_a_telephone_fingers_do_it_all_and_hebrew_begins_at_the_right(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async def hebrew(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        await wire.heard_speech(transcript="מה השעה?")
        await wire.reply("השעה ", "עכשיו 12.")
        await reading

    async def manual(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.commit")
        await wire.say("input_audio_buffer.committed", item_id="u2", previous_item_id=None)
        await wire.reply("Heard.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(hebrew, manual).running() as server:
        base = server.url.partition("/realtime")[0]
        async with program(folder=tmp_path, OPENAI_BASE_URL=base) as app, open_browser() as browser:
            context = await browser.new_context(**TELEPHONE)
            talk = await Talk(await context.new_page()).open(app.url)
            page = talk.page
            await page.get_by_role("button", name="Start").tap()
            await expect(talk.response).to_have_text("השעה עכשיו 12.")
            for text in (talk.heard, talk.response.locator(".vp-text > p")):
                assert await text.evaluate("e => getComputedStyle(e).direction") == "rtl"
            await page.get_by_role("button", name="Stop").tap()
            await talk.is_in("idle")

            await page.get_by_role("button", name="Settings").tap()
            await expect(page.get_by_test_id("settings")).to_be_visible()
            assert await page.evaluate("document.getAnimations().length") == 0, "no motion for who wants none"
            assert await page.evaluate(TOO_SMALL) == []
            await page.get_by_role("button", name="Push to talk", exact=True).tap()
            await page.get_by_role("switch", name="Type instead of speaking").tap()
            await page.get_by_role("switch", name="Inspector").tap()
            await page.get_by_role("button", name="Close").tap()
            await expect(page.get_by_test_id("inspector")).to_be_visible()
            assert await page.evaluate(TOO_SMALL) == []
            assert await page.evaluate("document.documentElement.scrollWidth") == 360

            await page.get_by_role("button", name="Start").tap()
            await talk.is_in("listening")
            box = await page.get_by_role("button", name="Hold to talk").bounding_box()
            assert box
            wire = await context.new_cdp_session(page)
            finger = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
            await wire.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
            await talk.is_in("hearing")
            await talk.hears_something()
            await wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            await expect(talk.response).to_have_text("Heard.")
