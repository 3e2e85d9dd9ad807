"""Push to talk: a hold counts from the first frame, and ends wherever its end can be seen."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.browser.mic.program import Program
from tests.browser.mic.tab import Tab, new_tab
from tests.patience import until

LATE = """
    // A headset that takes its time: no frame arrives before go().
    const join = AudioContext.prototype.createMediaStreamSource;
    AudioContext.prototype.createMediaStreamSource = function (stream) {
        const source = join.call(this, stream);
        const connect = source.connect.bind(source);
        source.connect = (node) => { window.go = () => connect(node); };
        return source;
    };
"""


async def by_hand(browser: Browser, program: Program, *scripts: str) -> Tab:
    tab = await (await new_tab(browser, program, *scripts)).open()
    await tab.press("By hand")
    await until(lambda: "by hand" in tab.story)
    await tab.press("Toggle")
    return tab


async def live(browser: Browser, program: Program) -> Tab:
    tab = await by_hand(browser, program)
    await until(lambda: "started" in tab.story)
    return tab


def since_started(tab: Tab) -> list[str]:
    return tab.story[tab.story.index("started") + 1 :]


async def test_a_hold_before_the_first_frame_counts_from_there(browser: Browser, program: Program) -> None:
    tab = await by_hand(browser, program, LATE)
    await tab.page.wait_for_function("!!window.go")
    await tab.page.get_by_role("button", name="Hold").hover()
    await tab.page.mouse.down()
    await tab.page.evaluate("go()")
    await tab.hears(0.3)
    assert tab.story == ["by hand", "starting", "started", "held"]
    await tab.page.mouse.up()
    await until(lambda: since_started(tab) == ["held", "released"])


async def test_a_hold_that_ended_before_the_first_frame_is_none(browser: Browser, program: Program) -> None:
    tab = await by_hand(browser, program, LATE)
    await tab.page.wait_for_function("!!window.go")
    await tab.page.get_by_role("button", name="Hold").hover()
    await tab.page.mouse.down()
    await tab.page.mouse.up()
    await tab.page.evaluate("go()")
    await until(lambda: "started" in tab.story)
    await tab.press("Toggle")
    await until(lambda: tab.story[-1] == "stopped asked")
    assert since_started(tab) == ["stopped asked"]


UP = "window.dispatchEvent(new PointerEvent('pointerup', { pointerId: 1 }))"

ENDS = {
    "the pointer goes up elsewhere": UP,
    "the system takes the touch": "window.dispatchEvent(new PointerEvent('pointercancel', { pointerId: 1 }))",
    "the window loses the focus": "window.dispatchEvent(new Event('blur'))",
    "the page is left": "window.dispatchEvent(new Event('pagehide'))",
    "a text field gets the focus": "document.querySelector('input').focus()",
    "the tab is hidden": """
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    """,
    "the device stands still": f"contexts[0].suspend(); {UP}",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
async def test_a_hold_ends_wherever_its_end_can_be_seen(browser: Browser, program: Program, end: str) -> None:
    tab = await live(browser, program)
    hold = tab.page.get_by_role("button", name="Hold")
    await hold.dispatch_event("pointerdown", {"pointerId": 1})
    await until(lambda: since_started(tab) == ["held"])
    other = "window.dispatchEvent(new PointerEvent('pointerup', {pointerId: 2}))"
    await tab.page.evaluate(other)  # another finger
    await tab.hears(0.5)
    assert since_started(tab) == ["held"]
    await tab.page.evaluate(end)
    await until(lambda: since_started(tab)[:2] == ["held", "released"])
    before = len(tab.chunks)
    await tab.press("Toggle")
    await until(lambda: tab.story[-1] == "stopped asked")
    assert len(tab.chunks) == before


async def test_a_key_let_go_in_a_text_field_releases(browser: Browser, program: Program) -> None:
    tab = await live(browser, program)
    await tab.page.get_by_role("button", name="Hold").focus()
    await tab.page.keyboard.down("Space")
    await until(lambda: since_started(tab) == ["held"])
    await tab.page.locator("input").evaluate(
        "input => input.addEventListener('focusin', e => e.stopPropagation(), true)"
    )
    await tab.page.keyboard.down("a")
    await tab.page.keyboard.up("a")
    await tab.hears(0.3)
    assert since_started(tab) == ["held"]  # another key
    await tab.page.keyboard.up("Space")
    await until(lambda: since_started(tab) == ["held", "released"])


async def test_a_microphone_that_is_muted_releases(browser: Browser, program: Program) -> None:
    tab = await live(browser, program)
    await tab.page.get_by_role("button", name="Hold").dispatch_event("pointerdown", {"pointerId": 1})
    await until(lambda: since_started(tab) == ["held"])
    await tab.press("Mute")
    await until(lambda: since_started(tab) == ["held", "released", "muted True"])


async def test_hold_and_release_are_safe_at_any_time(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    mic = "getElement(MIC)"
    for call in ("release()", "hold()", "hold()", "release()", "release()"):
        await tab.evaluate(f"{mic}.{call}")  # neither by hand nor started
    await tab.press("By hand")
    await until(lambda: tab.story == ["by hand"])
    await tab.evaluate(f"{mic}.hold()")  # not started
    await tab.press("Toggle")
    await until(lambda: "started" in tab.story)
    for call in ("hold()", "hold()", "release()", "release()"):
        await tab.evaluate(f"{mic}.{call}")
    await until(lambda: since_started(tab) == ["held", "released"])
