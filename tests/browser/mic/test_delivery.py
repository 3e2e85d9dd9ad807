"""The microphone and a bad connection between browser and server."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Browser

from tests.browser.mic.program import Program
from tests.browser.mic.proxy import slow_proxy
from tests.browser.mic.sweep import is_the_sweep
from tests.browser.mic.tab import HURRIED, hurry, new_tab
from tests.cable import Cable
from tests.patience import SECOND, until


@pytest.mark.parametrize("fault", ["pulled", "dead, then pulled"])
async def test_a_lost_connection_loses_no_sound(browser: Browser, program: Program, fault: str) -> None:
    cable = Cable(program.port)
    tab = await new_tab(browser, program)
    async with cable.laid() as port:
        await tab.open(port=port)
        await tab.press("Toggle")
        await tab.hears(0.5)
        if fault == "pulled":
            cable.pull()
        else:
            cable.dead = True
        before = await tab.page.evaluate("contexts[0].currentTime")
        await tab.page.wait_for_function(f"contexts[0].currentTime > {before + 1}")
        cable.pull()
        cable.plug()
        await tab.hears(2.5)
        await tab.press("Toggle")
        await tab.tells("starting", "started", "stopped asked")
        assert [chunk["seq"] for chunk in tab.chunks] == list(range(3, len(tab.chunks) + 3))
        assert is_the_sweep(tab.pcm[: int(2.5 * 48_000)], 24_000)


async def test_sound_that_could_not_be_kept_is_told_in_seconds(browser: Browser, program: Program) -> None:
    cable = Cable(program.port)
    tab = await new_tab(browser, program)
    # How long it takes to connect again is up to the machine.
    await tab.page.route(HURRIED, lambda route: hurry(route, apart="60_000"))
    async with cable.laid() as port:
        await tab.open(port=port)
        await tab.press("Toggle")
        await tab.hears(0.5)
        cable.pull()
        before = await tab.page.evaluate("contexts[0].currentTime")
        await tab.page.wait_for_function(f"contexts[0].currentTime > {before + 2}")
        cable.plug()
        await tab.tells("starting", "started", "problem mic-gap")
        gap = next(event for event in tab.told if event.get("code") == "mic-gap")
        seqs = [chunk["seq"] for chunk in tab.chunks]
        missing = max(after - before - 1 for before, after in zip(seqs, seqs[1:], strict=False))
        assert float(gap["facts"]["seconds"]) == pytest.approx(missing / 50, abs=0.06)
        assert missing / 50 > 0.5


async def test_a_page_without_its_server_does_not_keep_the_microphone(browser: Browser, program: Program) -> None:
    cable = Cable(program.port)
    tab = await new_tab(browser, program)
    await tab.page.route(HURRIED, hurry)
    async with cable.laid() as port:
        await tab.open(port=port)
        await tab.press("Toggle")
        await tab.hears(0.1)
        cable.pull()
        await tab.has_let_go()
        cable.plug()
        await until(lambda: tab.story[-1] == "stopped server-lost")


async def test_without_websockets_and_far_away_all_sound_arrives_in_order_and_in_time(
    browser: Browser, program: Program
) -> None:
    tab = await new_tab(browser, program)
    async with slow_proxy(program.port, 0.5) as port:
        await tab.open(port=port)
        await tab.page.wait_for_function("window.socket?.connected", timeout=30_000 * SECOND)
        await tab.press("Toggle")
        await until(lambda: "problem page-polling" in tab.story)
        await tab.hears(1)
        began = time.monotonic()
        await tab.hears(4)
        assert time.monotonic() - began < 3 * SECOND + 1  # none waits for long
        await tab.press("Toggle")
        await until(lambda: tab.story[-1] == "stopped asked")
    numbers = sorted(event["seq"] for event in tab.told if event["name"] == "chunk")
    assert [event["seq"] for event in tab.chunks] == numbers
    assert len(numbers) >= numbers[-1] - numbers[0] - 2  # the hint and its end have numbers, too
    assert [event for event in tab.story if event.startswith("problem")] == ["problem page-polling"]
    assert is_the_sweep(tab.pcm[: int(2.5 * 48_000)], 24_000)


async def test_sound_put_aside_by_a_dying_connection_does_not_overtake_what_is_sent_again(
    browser: Browser, program: Program
) -> None:
    cable = Cable(program.port)
    tab = await new_tab(browser, program)
    async with cable.laid() as port:
        await tab.open(port=port)
        await tab.press("Toggle")
        await tab.hears(0.5)
        cable.dead = True
        before = await tab.page.evaluate("contexts[0].currentTime")
        await tab.page.wait_for_function(f"contexts[0].currentTime > {before + 0.5}")
        # As after sleep: socket.io sees that a ping is overdue, and puts aside what is emitted until it has closed.
        script = """async () => {
            const emit = Object.getPrototypeOf(socket).emit;
            await new Promise((done) => {
                socket.emit = function (...args) {
                    this.connected = false; // emit() then puts it into the send buffer
                    emit.apply(this, args);
                    this.connected = true;
                    delete this.emit;
                    done();
                };
            });
            const aside = socket.sendBuffer.length;
            socket.io.engine.close();
            return aside;
        }"""
        assert await tab.page.evaluate(script) == 1
        cable.pull()
        cable.plug()
        await tab.hears(2.5)
        await tab.press("Toggle")
        await tab.tells("starting", "started", "stopped asked")
    assert [chunk["seq"] for chunk in tab.chunks] == list(range(3, len(tab.chunks) + 3))
