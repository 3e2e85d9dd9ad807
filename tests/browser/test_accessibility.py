"""An accessibility engine that others wrote finds nothing serious, in any state, size or scheme."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.browser.test_composer import give
from tests.pictures import file
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program
from voice_ui.sharing.addresses import lan_addresses

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
"""axe-core 4.14.1, as its makers publish it to npm."""

FORMATTED = """# A heading

| a | b |
|---|---|
| 1 | `2` |

```python
x = "a line that is too long for a telephone, so that the block has to be scrolled sideways"
```

> quoted

1. a [link](https://example.com)"""

SIZES = {"width": 1440, "height": 900}, {"width": 360, "height": 740}

LOOK = """async () => {
    await Promise.all(document.getAnimations().map(({finished}) => finished.catch(() => {})));
    const {violations} = await axe.run(document, {resultTypes: ["violations"], preload: false});
    return violations.filter(({impact}) => ["serious", "critical"].includes(impact)).map(
        ({id, nodes}) => `${id}: ` + nodes.map(({html, any}) => `${html} (${any[0]?.message})`).join("; "));
}"""


async def look_at(page: Page, state: str) -> list[str]:
    """Return what is seriously wrong, at both sizes and in both schemes."""
    found = []
    await page.evaluate(f"window.axe || {AXE}")
    for size in SIZES:
        await page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{state}, {size['width']}, {scheme}: {wrong}" for wrong in await page.evaluate(LOOK)]
    return found


async def test_nothing_serious_is_wrong_in_any_state(tmp_path: Path, open_browser: OpenBrowser) -> None:
    goes_on, complains = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        await wire.heard_speech(transcript="What is it?")
        await wire.say("response.created", response={"id": "r"})
        words = {"response_id": "r", "item_id": "a"}
        await wire.say("response.output_text.delta", delta="It is only half", **words)
        await goes_on.wait()
        await wire.say("response.output_text.delta", delta=f" a sentence.\n\n{FORMATTED}", **words)
        await wire.say("response.done", response={"id": "r", "status": "completed"})
        await complains.wait()
        await wire.say("error", error={"type": "server_error", "message": "That broke something."})
        await reading

    async with ScriptedServer(script).running() as server:
        environ = {"OPENAI_BASE_URL": server.url.partition("/realtime")[0]}
        async with program(folder=tmp_path, **environ) as app, open_browser() as browser:
            talk = await open_talk(await browser.new_context(permissions=["microphone"]), app.url)
            page = talk.page
            found = await look_at(page, "idle")
            await talk.start()
            await expect(talk.response).to_have_text("It is only half")
            found += await look_at(page, "a reply is growing")
            goes_on.set()
            await talk.is_in("listening")
            await expect(talk.response.locator("a")).to_have_text("link")
            found += await look_at(page, "listening, a formatted reply")
            await page.get_by_test_id("image").click()
            found += await look_at(page, "an image may be chosen")
            await give(page, "red.png", "image/png", file("PNG", (600, 400), "red"))
            await expect(page.get_by_test_id("image-tray")).to_be_visible()
            found += await look_at(page, "an image is about to be sent")
            await talk.open_settings()
            await page.get_by_role("switch", name="Type instead of speaking").click()
            await page.get_by_role("switch", name="Inspector").click()
            found += await look_at(page, "settings open")
            await talk.close_settings()
            complains.set()
            await talk.shows_error("server-said")
            await page.get_by_role("button", name="Show event").click()
            found += await look_at(page, "inspector open, an error with its fix")
    assert not found, "\n".join(found)


async def test_nothing_serious_is_wrong_where_a_demo_is_shared(tmp_path: Path, open_browser: OpenBrowser) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    async with program("--share", folder=tmp_path, **environ) as app, open_browser() as browser:
        owner = await open_talk(browser, app.url)
        found = []
        if lan_addresses():
            context = await browser.new_context(ignore_https_errors=True, permissions=["microphone"])
            link = re.findall(r"https://\S+", app.log)[0]
            page = await context.new_page()
            await page.goto(link.partition("?")[0])
            found += await look_at(page, "the page that asks for the code")
            await Talk(page).open(link)
        await owner.page.get_by_test_id("share-button").click()
        await expect(owner.page.get_by_test_id("share")).to_be_visible()
        found += await look_at(owner.page, "share open")
    assert not found, "\n".join(found)
