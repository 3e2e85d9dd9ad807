"""What is typed and shown, in a real browser."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.page import Talk, open_talk
from tests.cable import Cable
from tests.patience import SECOND
from tests.pictures import file
from tests.running import program

GIVE = """([name, type, data, how]) => {
    // As a browser does when somebody pastes a file into the page, or drops it there.
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], name, { type }));
    const target = document.activeElement ?? document.body;
    const more = { bubbles: true, cancelable: true };
    target.dispatchEvent(how === "paste" ? new ClipboardEvent("paste", { clipboardData: files, ...more })
        : new DragEvent("drop", { dataTransfer: files, ...more }));
}"""

PAINTED = """async ([width, height, type]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    for (let at = 0; at < 400; at += 1) {
        context.fillStyle = `hsl(${(at * 37) % 360} 80% 50%)`;
        context.fillRect((at * 131) % width, (at * 71) % height, width / 9, height / 9);
    }
    return canvas.toDataURL(type).split(",")[1];
}"""


async def give(page: Page, name: str, type: str, data: bytes, how: str = "paste") -> None:
    await page.evaluate(GIVE, [name, type, base64.b64encode(data).decode(), how])


async def type_instead(talk: Talk) -> None:
    await talk.open_settings()
    await talk.page.get_by_role("switch", name="Type instead of speaking").click()
    await talk.close_settings()


async def test_the_line_is_emptied_at_once_and_eats_no_letter_however_slow_the_network_is(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        cable = Cable(urlsplit(app.url).port or 0)
        async with cable.laid() as port:
            talk = await open_talk(browser, f"http://127.0.0.1:{port}")
            await type_instead(talk)
            cable.latency_seconds = 0.15
            line = talk.page.get_by_role("textbox", name="Message")
            await line.click()
            keyboard = talk.page.keyboard
            for number, text in enumerate(("what is two plus two", "what is two plus five")):
                await keyboard.type(text, delay=5)
                assert await line.input_value() == text
                await keyboard.press("Enter")
                assert await line.input_value() == "", number
            await keyboard.type("and this stays", delay=30)
            await expect(talk.response).to_contain_text("7")
            assert await line.input_value() == "and this stays"
            await expect(talk.history).to_contain_text("what is two plus two")


async def test_several_lines_and_earlier_messages(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await type_instead(talk)
        page, line = talk.page, talk.page.get_by_role("textbox", name="Message")
        height = (await line.bounding_box() or {})["height"]
        await line.click()
        await page.keyboard.type("one")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("two")
        assert await line.input_value() == "one\ntwo"
        assert (await line.bounding_box() or {})["height"] > height + 8
        await page.keyboard.press("Enter")
        await expect(talk.heard).to_have_text("one\ntwo")
        await page.keyboard.type("three")
        await page.keyboard.press("Enter")
        await expect(talk.heard).to_have_text("three")

        await page.keyboard.type("a draft")
        await page.keyboard.press("ArrowUp")
        assert await line.input_value() == "three"
        await page.keyboard.press("ArrowUp")
        assert await line.input_value() == "one\ntwo"
        await page.keyboard.press("ArrowUp")  # from the second line to the first
        await page.keyboard.press("ArrowUp")  # and there is nothing before it
        assert await line.input_value() == "one\ntwo"
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        assert await line.input_value() == "three"
        await page.keyboard.press("ArrowDown")
        assert await line.input_value() == "a draft"
        assert "two" not in await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")


async def test_a_text_file_becomes_text_and_other_files_are_refused_in_words(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await type_instead(talk)
        page, line = talk.page, talk.page.get_by_role("textbox", name="Message")
        await line.click()
        await page.keyboard.type("Look: ")
        await give(page, "notes.md", "text/markdown", "# Ünïcode\n".encode())
        await expect(line).to_have_value("Look: # Ünïcode\n")
        await give(page, "book.txt", "text/plain", b"x" * 9000)
        await talk.shows_error("file-unreadable")
        await page.get_by_role("button", name="Dismiss").click()
        await give(page, "archive.zip", "application/zip", b"PK\x03\x04")
        await talk.shows_error("file-unreadable")
        await give(page, "broken.png", "image/png", b"\x89PNG\r\n\x1a\nbroken")
        await talk.shows_error("image-unreadable")
        assert await line.input_value() == "Look: # Ünïcode\n"


async def test_an_image_is_pasted_dropped_or_chosen_scaled_shown_and_answered(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        page, tray = talk.page, talk.page.get_by_test_id("image-tray")
        # Pasted, with nothing focused; without a line to type in, a button sends it.
        await give(page, "red.png", "image/png", file("PNG", (600, 400), "red"))
        await expect(tray.get_by_role("img")).to_have_attribute("alt", "Image to send, 600 by 400 pixels")
        await page.get_by_role("button", name="Send image").click()
        await expect(tray).to_be_hidden()
        await expect(talk.response).to_contain_text("a PNG of 600 by 400 pixels, mostly red")
        shown = page.locator(".vp-turn > div + .vp-image, .vp-turn > .vp-image").last
        await expect(shown).to_be_visible()
        await expect(page.get_by_test_id("usage")).to_contain_text("tokens")
        await talk.is_in("idle")

        # Dropped, larger than the model looks at, and too large for one message as it is.
        await type_instead(talk)
        data = base64.b64decode(await page.evaluate(PAINTED, [5000, 3000, "image/png"]))
        await give(page, "large.png", "image/png", data, "drop")
        await expect(tray.get_by_role("img")).to_have_attribute("alt", "Image to send, 1280 by 768 pixels")
        await page.get_by_role("textbox", name="Message").fill("what is this?")
        await page.keyboard.press("Enter")
        await expect(talk.response).to_contain_text("1280 by 768 pixels")
        await expect(talk.heard).to_have_text("what is this?")
        await expect(page.get_by_test_id("history").locator("img.vp-image")).to_have_count(1)
        small = await page.get_by_test_id("history").locator("img.vp-image").get_attribute("src")
        assert small and len(small) < 30_000

        # Chosen: a WebP file goes as something that the protocol knows.
        webp = base64.b64decode(await page.evaluate(PAINTED, [300, 200, "image/webp"]))
        await page.get_by_test_id("image").click()
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name="File", exact=True).click()
        await (await chooser.value).set_files({"name": "a.webp", "mimeType": "image/webp", "buffer": webp})
        await expect(tray).to_be_visible()
        await page.get_by_role("button", name="Remove the image").click()
        await expect(tray).to_be_hidden()
        await page.get_by_test_id("image").click()
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name="File", exact=True).click()
        await (await chooser.value).set_files({"name": "a.webp", "mimeType": "image/webp", "buffer": webp})
        await expect(tray).to_be_visible()
        await page.get_by_role("textbox", name="Message").press("Enter")
        await expect(talk.response).to_contain_text("a JPEG of 300 by 200 pixels")

        # After a reload, all of it is there, and nothing of it in the browser's storage or on disk.
        await page.reload()
        await expect(page.locator("img.vp-image[src^=data]")).to_have_count(3)
        assert "image" not in await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        assert talk.complaints == []


async def test_the_camera_and_the_screen(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone", "camera"])
        talk = await open_talk(context, app.url)
        page, tray = talk.page, talk.page.get_by_test_id("image-tray")
        await page.get_by_test_id("image").click()
        await page.get_by_role("button", name="Camera").click()
        await page.wait_for_function("document.querySelector('.vp-tray video')?.videoWidth > 0")
        await page.evaluate("window.camera = document.querySelector('.vp-tray video').srcObject.getTracks()[0]")
        await page.get_by_role("button", name="Take picture").click()
        await expect(tray).to_be_visible()
        assert await page.evaluate("window.camera.readyState") == "ended"
        await page.get_by_role("button", name="Send image").click()
        await expect(talk.response).to_contain_text("a JPEG of")
        await talk.is_in("idle")

        # No longer wanted when it is open at last: it must not stay on.
        await page.evaluate(
            """() => {
                const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
                navigator.mediaDevices.getUserMedia = async (wish) => {
                    const stream = await ask(wish);
                    await new Promise((done) => (window.opens = done));
                    window.late = stream.getTracks()[0];
                    return stream;
                };
            }"""
        )
        await page.get_by_test_id("image").click()
        await page.get_by_role("button", name="Camera").click()
        await page.wait_for_function("!!window.opens")
        await page.get_by_test_id("image").click()
        await expect(page.get_by_role("button", name="Camera")).to_be_visible()
        await page.evaluate("window.opens()")
        await page.wait_for_function("window.late?.readyState === 'ended'")
        await page.get_by_test_id("image").click()
        await expect(page.get_by_role("button", name="Camera")).to_be_hidden()

        assert await page.evaluate("document.featurePolicy.allowsFeature('display-capture')")
        # No screen here: a picture takes its place, through the same call of the browser.
        await page.evaluate(
            """() => {
                navigator.mediaDevices.getDisplayMedia = async () => {
                    const canvas = Object.assign(document.createElement("canvas"), { width: 800, height: 600 });
                    canvas.getContext("2d").fillRect(0, 0, 800, 600);
                    return (window.screen_ = canvas.captureStream());
                };
            }"""
        )
        await page.get_by_test_id("image").click()
        await page.get_by_role("button", name="Screen").click()
        await expect(tray.get_by_role("img")).to_have_attribute("alt", "Image to send, 800 by 600 pixels")
        assert await page.evaluate("window.screen_.getTracks()[0].readyState") == "ended"

        await page.evaluate(
            """() => {
                navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError"); };
            }"""
        )
        await page.get_by_role("button", name="Remove the image").click()
        await page.get_by_test_id("image").click()
        await page.get_by_role("button", name="Camera").click()
        await talk.shows_error("camera-failed")


async def test_an_image_that_is_shown_while_listening_waits_for_the_spoken_question(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await talk.is_in("listening", "hearing")
        await give(talk.page, "green.png", "image/png", file("PNG", (200, 100), "green"))
        await talk.page.get_by_role("button", name="Send image").click()
        await expect(talk.heard).to_contain_text("seven", ignore_case=True)
        await expect(talk.page.locator("img.vp-image[src^=data]")).to_have_count(1)
        await expect(talk.response).to_contain_text("a PNG of 200 by 100 pixels, mostly green")
        await talk.stop()
        await asyncio.sleep(0)
        assert not talk.complaints


async def test_a_line_that_was_typed_on_a_dead_connection_arrives_once(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        cable = Cable(urlsplit(app.url).port or 0)
        async with cable.laid() as port:
            talk = await open_talk(browser, f"http://127.0.0.1:{port}")
            await talk.type("what is two plus two")
            await expect(talk.response).to_contain_text("4")
            cable.go_dead()
            await talk.type("what is two plus five")
            await talk.type("what is seven times eight")
            cable.bury()
            await expect(talk.response).to_contain_text("56")
            await expect(talk.history).to_contain_text("what is two plus five")
            # Also one whose answer was lost: the page does not know that it has arrived.
            cable.cut_at_the_next_answer()
            await talk.type("what is two plus one")
            await expect(talk.response).to_contain_text("3")
            await expect(talk.heard).to_have_text("what is two plus one")
            asked = talk.page.locator(".vp-transcript [data-speaker=You]")
            assert len([one for one in await asked.all_inner_texts() if one.strip()]) == 4


async def test_a_line_that_is_refused_is_back_where_it_was_typed(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path, VOICE_UI_MAX_SESSIONS="1") as app, open_browser() as browser:
        first, second = await open_talk(browser, app.url), await open_talk(browser, app.url)
        await first.start()
        await first.is_in("listening", "hearing", "thinking", "answering")
        await type_instead(second)
        await give(second.page, "red.png", "image/png", file("PNG", (600, 400), "red"))
        line = second.page.get_by_role("textbox", name="Message")
        await expect(second.page.get_by_test_id("image-tray")).to_be_visible()
        await line.fill("what is this?")
        await line.press("Enter")
        await second.shows_error("room-full")
        await expect(line).to_have_value("what is this?")
        await expect(second.page.get_by_test_id("image-tray")).to_be_visible()
        await first.page.close()
        await expect(second.heard).to_have_text("")
        async with asyncio.timeout(30 * SECOND):
            while not await second.response.inner_text():  # until the seat is free
                if await line.input_value():
                    await line.press("Enter")
                await second.page.wait_for_timeout(200)
        await expect(second.response).to_contain_text("600 by 400 pixels")
        await expect(line).to_have_value("")


async def test_a_draft_survives_a_reload_and_no_more(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await type_instead(talk)
        line = talk.page.get_by_role("textbox", name="Message")
        await line.fill("half a thought")
        await talk.page.reload()
        await expect(line).to_have_value("half a thought")
        assert "half" not in await talk.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        await line.press("Enter")
        await expect(talk.heard).to_have_text("half a thought")
        await talk.page.reload()
        await expect(talk.heard).to_have_text("half a thought")
        await expect(line).to_have_value("")


async def test_what_is_too_long_is_said_and_not_cut_and_a_text_is_pasted_as_text(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await type_instead(talk)
        line = talk.page.get_by_role("textbox", name="Message")
        await line.fill("x" * 8003)
        await expect(talk.page.get_by_text("Too long by 3 characters")).to_be_visible()
        await line.press("Enter")
        await expect(line).to_have_value("x" * 8003)
        await line.fill("x" * 8000)
        await expect(talk.page.get_by_text("Too long by")).to_have_count(0)
        # Office programs put a picture of the text beside it.
        taken = await talk.page.evaluate(
            """() => {
                const both = new DataTransfer();
                both.setData("text/plain", "some text");
                both.items.add(new File(["x"], "a.png", { type: "image/png" }));
                const paste = new ClipboardEvent("paste", { clipboardData: both, bubbles: true, cancelable: true });
                return !document.querySelector(".vp-line textarea").dispatchEvent(paste);
            }"""
        )
        assert not taken, "the browser pastes the text"
