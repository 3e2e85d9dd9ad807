"""Sound as it was spoken, and a start and a stop that do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.mic.program import Program, running
from tests.browser.mic.sweep import is_the_sweep
from tests.browser.mic.tab import new_tab
from tests.patience import until

EXAMPLE = Path(__file__).parents[3] / "examples" / "level_meter.py"


async def test_what_is_spoken_arrives_in_order_and_unchanged(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(2)
    await tab.press("Toggle")
    await tab.tells("starting", "started", "stopped asked")
    started = next(event for event in tab.told if event["name"] == "started")
    assert started["rate"] == 24_000
    assert "Fake" in started["device"]
    assert {(len(bytes.fromhex(chunk["pcm"])), chunk["rate"]) for chunk in tab.chunks[:-1]} == {(960, 24_000)}
    assert [chunk["seq"] for chunk in tab.chunks] == list(range(3, len(tab.chunks) + 3))
    assert is_the_sweep(tab.pcm, 24_000)
    await tab.has_let_go()


async def test_stop_sends_the_begun_chunk(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    last: list[int] = []
    while len(last) < 5 and not any(length < 960 for length in last):  # one in fifteen ends with a whole one
        await tab.press("Toggle")
        await until(lambda: len(tab.story) == 3 * len(last) + 2)
        await tab.press("Toggle")
        await until(lambda: len(tab.story) == 3 * len(last) + 3)
        last.append(len(bytes.fromhex(tab.chunks[-1]["pcm"])))
    assert 0 < last[-1] < 960


async def test_a_browser_that_joins_only_equal_rates_captures_at_its_own(browser: Browser, program: Program) -> None:
    tab = await new_tab(
        browser,
        program,
        """
        const join = AudioContext.prototype.createMediaStreamSource;
        AudioContext.prototype.createMediaStreamSource = function (stream) {
            if (this.sampleRate === 24000) throw new DOMException("different sample-rate", "NotSupportedError");
            return join.call(this, stream);
        };
        """,
    )
    await tab.open()
    await tab.press("Toggle")
    await tab.hears(1.5)
    await tab.press("Toggle")
    await tab.tells("starting", "started", "stopped asked")
    rate = tab.chunks[0]["rate"]
    assert rate == await tab.page.evaluate("contexts[1].sampleRate") != 24_000
    assert len(bytes.fromhex(tab.chunks[0]["pcm"])) == 2 * round(rate / 50)
    assert is_the_sweep(tab.pcm, rate)
    await tab.has_let_go()


async def test_stop_while_the_question_is_open_lets_go_as_soon_as_it_is_answered(
    browser: Browser, program: Program
) -> None:
    tab = await new_tab(
        browser,
        program,
        """
        const asked = navigator.mediaDevices.getUserMedia;
        navigator.mediaDevices.getUserMedia = async (wish) => {
            const stream = await asked(wish);
            await new Promise((answer) => (window.answer = answer));
            return stream;
        };
        """,
    )
    await tab.open()
    await tab.press("Toggle")
    await tab.page.wait_for_function("tracks.length === 1")
    await tab.press("Toggle")
    await tab.tells("starting", "stopped asked")
    await tab.page.evaluate("answer()")
    await tab.has_let_go()
    assert tab.story == ["starting", "stopped asked"]


CHOOSE = """
    const asked = navigator.mediaDevices.getUserMedia;
    const later = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
    window.answers = [];
    window.choose = (device) => (mounted_app.elements[MIC].props.device = device);
    navigator.mediaDevices.getUserMedia = async (wish) => {
        const name = wish.audio.deviceId?.exact ?? "";
        delete wish.audio.deviceId;
        const stream = await asked(wish);
        if (name === "slow") await later(1);
        answers.push(name);
        if (name === "broken") stream.getTracks().forEach((track) => track.stop());
        if (name === "broken") throw new DOMException("", "NotReadableError");
        stream.chosen = name;
        return stream;
    };
    null
"""


@pytest.mark.parametrize("first", ["slow", "broken"])
async def test_of_two_microphones_chosen_quickly_the_last_is_used(
    browser: Browser, program: Program, first: str
) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.evaluate(CHOOSE)
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.evaluate(f"choose('{first}'); setTimeout(() => choose('fast'))")
    await tab.page.wait_for_function(f"['{first}', 'fast'].every((name) => answers.includes(name))")
    await tab.has_one_microphone()
    assert await tab.evaluate("getElement(MIC).run?.stream.chosen") == "fast"
    await tab.tells("starting", "started")


async def test_a_chosen_microphone_that_cannot_be_opened_leaves_the_one_in_use(
    browser: Browser, program: Program
) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.evaluate(CHOOSE)
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.evaluate("choose('broken')")
    await tab.tells("starting", "started", "problem mic-kept")
    await tab.hears_on()
    await tab.evaluate("choose('fast')")
    await tab.tells("starting", "started", "problem mic-kept", "cured mic-kept")
    await tab.hears_on()
    await tab.press("Toggle")
    await tab.has_let_go()


async def test_a_microphone_chosen_while_another_is_being_opened_is_used(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.evaluate(CHOOSE)
    await tab.evaluate("choose('slow')")
    await tab.press("Toggle")
    await tab.tells("starting")
    await tab.evaluate("choose('fast')")
    await tab.page.wait_for_function("answers.includes('slow') && answers.includes('fast')")
    await tab.has_one_microphone()
    assert await tab.evaluate("getElement(MIC).run?.stream.chosen") == "fast"
    await tab.hears(0.2)
    await until(lambda: tab.story == ["starting", "started"])
    await tab.press("Toggle")
    await tab.has_let_go()


async def test_start_and_stop_in_any_order_are_safe(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Stop from Python")  # before anything was started
    await tab.press("Toggle twice")  # taken back before it was announced
    await tab.has_let_go()
    await tab.press("Start from Python")
    await tab.press("Start from Python")
    await tab.tells("starting", "started")
    await tab.press("Toggle twice")  # stop, and start again at once
    await until(lambda: tab.story[2:] == ["stopped asked", "starting", "started"])
    await tab.press("Stop from Python")
    await until(lambda: tab.story[5:] == ["stopped asked"])
    await tab.has_let_go()
    seqs = [event["seq"] for event in tab.chunks]
    assert seqs == sorted(set(seqs))


async def test_a_deleted_microphone_lets_go(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.press("Delete")
    await tab.has_let_go()


async def test_the_level_moves_without_python_and_falls_to_zero(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    level = "+getComputedStyle(document.getElementById('level')).getPropertyValue('--mic-level')"
    await tab.press("Toggle")
    await tab.page.wait_for_function(f"{level} > 0.9")
    assert await tab.page.evaluate(level) <= 1
    await tab.press("Toggle")
    await tab.page.wait_for_function(f"{level} === 0")


async def test_the_example_counts_chunks_and_moves_its_bar(browser: Browser) -> None:
    # Started as a user does, but for the port.
    start = f"""
import functools, runpy, sys
from nicegui import ui
ui.run = functools.partial(ui.run, port=int(sys.argv[1]), show=False)
runpy.run_path({str(EXAMPLE)!r}, run_name="__main__")
"""
    with running(start) as example:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{example.port}/")
        bar = page.locator(".bg-primary.origin-left")
        await expect(bar).to_have_css("transform", "matrix(0, 0, 0, 1, 0, 0)")
        await page.get_by_role("button").click()
        await expect(page.get_by_text("960 bytes at 24000 Hz")).to_be_visible()
        await expect(bar).not_to_have_css("transform", "matrix(0, 0, 0, 1, 0, 0)")


async def test_chunks_grow_and_shrink_while_they_come_and_no_sound_is_lost(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(0.4)
    await tab.press("Longer")
    await until(lambda: len(tab.chunks[-1]["pcm"]) == 2 * 4800)
    await tab.press("Shorter")
    at = len(tab.chunks)
    await until(lambda: len(tab.chunks) > at + 20 and len(tab.chunks[-1]["pcm"]) == 2 * 960)
    await tab.press("Toggle")
    await tab.tells("starting", "started", "stopped asked")
    assert {len(chunk["pcm"]) // 2 for chunk in tab.chunks[:-1]} >= {960, 4800}
    seq = 2
    for chunk in tab.chunks:
        seq += max(1, len(chunk["pcm"]) // 2 // 960)
        assert chunk["seq"] == seq
    assert is_the_sweep(tab.pcm, 24_000)


async def test_two_microphones_on_one_page_do_not_meet(browser: Browser) -> None:
    two = """
import sys
from nicegui import ui
from voice_ui.mic import Mic

@ui.page("/")
def index(tab: str = ""):
    for name in ("one", "two"):
        meter = ui.element("div").classes(f"level-{name}")
        count = ui.label().classes(f"count-{name}")
        mic = Mic(level_on=meter).on_chunk(lambda chunk, count=count: count.set_text(str(chunk.seq)))
        ui.button(name).on("click", js_handler=mic.js_toggle)

ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False)
"""
    with running(two) as program:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{program.port}/")
        count = "+document.querySelector('.count-{}').innerText"
        level = "document.querySelector('.level-{}').style.getPropertyValue('--mic-level')"
        await page.get_by_role("button", name="one").click()
        await page.wait_for_function(f"{count.format('one')} > 20 && {level.format('one')} > 0")
        assert await page.evaluate(level.format("two")) == ""
        assert await page.evaluate(count.format("two")) == 0
        await page.get_by_role("button", name="two").click()
        await page.wait_for_function(f"{count.format('two')} > 20")
        await page.get_by_role("button", name="one").click()
        await page.wait_for_function(f"{level.format('one')} === '0.00'")
        before = await page.evaluate(count.format("two"))
        await page.wait_for_function(f"{count.format('two')} > {before + 10}")
