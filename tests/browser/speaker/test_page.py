"""What a page without a click, and a page without a speaker, makes of it."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.mic.program import running
from tests.browser.speaker.conftest import Room
from tests.browser.speaker.test_playback import played
from tests.patience import until

EXAMPLE = Path(__file__).parents[3] / "examples" / "speaker.py"


async def test_a_page_that_may_not_play_says_so_until_somebody_clicks(room: Room) -> None:
    await room.page.goto(room.page.url + "?play_at_once=true")
    await until(lambda: "problem" in [report[0] for report in room.reports])
    assert room.reports == [("problem", "SpeakerProblem(code='speaker-blocked', detail='suspended')")]
    assert played(room, "item-0") == 0
    await room.page.mouse.click(5, 300)  # anywhere
    await until(lambda: ("cured", "speaker-blocked") in room.reports)
    await until(lambda: room.reports[-1] == ("state", "idle"), 20)
    assert (played(room, "item-0"), played(room, "item-1")) == (1500, 1500)


async def test_nothing_of_it_is_loaded_on_a_page_without_a_speaker(room: Room) -> None:
    loaded: list[str] = []
    page = room.page
    page.on("request", lambda request: loaded.append(request.url))
    await page.goto(page.url + "without")
    await page.wait_for_function("window.socket?.connected")
    assert loaded and [url for url in loaded if "speaker" in url] == []
    assert await page.evaluate("window.socket.hasListeners('voice_ui_audio')") is False


async def test_the_example_plays_what_the_microphone_heard(open_browser: OpenBrowser) -> None:
    # Started as a user does, but for the port.
    start = f"""
import functools, runpy, sys
from nicegui import ui
ui.run = functools.partial(ui.run, port=int(sys.argv[1]), show=False)
runpy.run_path({str(EXAMPLE)!r}, run_name="__main__")
"""
    with running(start) as example:
        async with open_browser() as browser:
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{example.port}/")
            await page.get_by_role("button").click()
            await expect(page.get_by_text("playing")).to_be_visible(timeout=20_000)
            await expect(page.get_by_text("1.", exact=False)).to_be_visible(timeout=20_000)
