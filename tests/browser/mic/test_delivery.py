"""The microphone and a bad connection between browser and server."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.browser.mic.program import Program
from tests.browser.mic.sweep import is_the_sweep
from tests.browser.mic.tab import HURRIED, hurry, new_tab
from tests.cable import Cable
from tests.patience import until


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
    await tab.page.route(HURRIED, hurry)
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
