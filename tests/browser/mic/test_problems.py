"""Each thing that goes wrong between a person and a microphone has its name, and leaves nothing open."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, Route

from tests.browser.conftest import OpenBrowser
from tests.browser.mic.program import Program
from tests.browser.mic.sweep import recording
from tests.browser.mic.tab import HURRIED, hurry, new_tab
from tests.patience import until


async def test_each_refusal_has_its_name_and_leaves_nothing_open(browser: Browser, program: Program) -> None:
    refusal = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException(...window.refusal) }"
    tab = await (await new_tab(browser, program, refusal)).open()
    story: list[str] = []
    for message, name, code in [
        ("Permission denied", "NotAllowedError", "mic-refused"),
        ("Permission dismissed", "NotAllowedError", "mic-dismissed"),
        ("Requested device not found", "NotFoundError", "mic-none"),
        ("Could not start audio source", "NotReadableError", "mic-busy"),
        ("What is this?", "SomethingNew", "mic-failed"),
    ]:
        await tab.page.evaluate("refusal => { window.refusal = refusal }", [message, name])
        await tab.press("Toggle")
        story += ["starting", f"problem {code}", "stopped failed"]
        await tab.tells(*story)
        assert tab.told[-2]["detail"] == f"{name}: {message}"
        await tab.has_let_go()


async def test_a_real_refusal_and_a_later_yes(open_browser: OpenBrowser, tmp_path: Path, program: Program) -> None:
    microphone = recording(tmp_path / "sweep.wav")
    async with open_browser(microphone, flags=["--use-fake-ui-for-media-stream=deny"]) as browser:
        tab = await (await new_tab(browser, program)).open()
        await tab.press("Toggle")
        await tab.tells("starting", "problem mic-refused", "stopped failed")
        await tab.page.evaluate(
            "navigator.mediaDevices.getUserMedia = async () => new AudioContext().createMediaStreamDestination().stream"
        )
        await tab.press("Toggle")
        await until(lambda: tab.story[4:] == ["cured mic-refused", "started"])


async def test_an_address_that_is_not_secure_is_named_as_the_cause(
    open_browser: OpenBrowser, tmp_path: Path, program: Program
) -> None:
    microphone = recording(tmp_path / "sweep.wav")
    async with open_browser(microphone, flags=["--host-resolver-rules=MAP voice.test 127.0.0.1"]) as browser:
        tab = await (await new_tab(browser, program)).open(host="voice.test")
        await tab.press("Toggle")
        await tab.tells("starting", "problem mic-insecure-origin", "stopped failed")
        await tab.has_let_go()


async def test_a_page_that_may_not_ask_is_told_from_a_person_who_refuses(browser: Browser, program: Program) -> None:
    tab = await new_tab(browser, program)

    async def forbid(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, headers=response.headers | {"permissions-policy": "microphone=()"})

    await tab.page.route("**/?tab=*", forbid)
    await tab.open()
    await tab.press("Toggle")
    await tab.tells("starting", "problem mic-blocked-by-policy", "stopped failed")


async def test_a_device_without_sound_is_named_within_a_second_and_cured_by_the_first_sound(
    browser: Browser, program: Program
) -> None:
    tab = await new_tab(
        browser,
        program,
        """
        const join = AudioContext.prototype.createMediaStreamSource;
        AudioContext.prototype.createMediaStreamSource = function (stream) {
            window.source = join.call(this, stream);
            window.source.connect = (node) => (window.later = node);
            return window.source;
        };
        """,
    )
    await tab.open()
    await tab.press("Toggle")
    await tab.tells("starting", "problem mic-no-frames", seconds=2)
    await tab.page.evaluate("AudioNode.prototype.connect.call(source, later)")
    await tab.tells("starting", "problem mic-no-frames", "cured mic-no-frames", "started")


async def test_a_context_that_stays_suspended_lets_go_of_the_microphone(browser: Browser, program: Program) -> None:
    tab = await new_tab(
        browser,
        program,
        """
        AudioContext.prototype.resume = async function () {
            await this.suspend();
            await new Promise(() => {});
        };
        """,
    )
    await tab.open()
    await tab.press("Toggle")
    await tab.tells("starting", "problem mic-suspended", "stopped failed")
    await tab.has_let_go()


async def test_a_context_that_is_interrupted_is_brought_back(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.page.evaluate("contexts[0].suspend()")  # as a phone call does
    await tab.tells("starting", "started", "problem mic-suspended", "cured mic-suspended")


async def test_silence_is_a_hint_and_sound_takes_it_back(
    open_browser: OpenBrowser, tmp_path: Path, program: Program
) -> None:
    async with open_browser(recording(tmp_path / "late.wav", silent_s=2.5)) as browser:
        tab = await new_tab(browser, program)
        await tab.page.route(HURRIED, hurry)
        await tab.open()
        await tab.press("Toggle")
        await tab.tells("starting", "started", "problem mic-silent")
        before = len(tab.chunks)
        await tab.tells("starting", "started", "problem mic-silent", "cured mic-silent")
        assert len(tab.chunks) > before  # it went on


async def test_a_question_nobody_answers_is_a_hint_until_it_is_answered(browser: Browser, program: Program) -> None:
    tab = await new_tab(
        browser,
        program,
        """
        const asked = navigator.mediaDevices.getUserMedia;
        navigator.mediaDevices.getUserMedia = async (wish) => {
            await new Promise((answer) => (window.answer = answer));
            return asked(wish);
        };
        """,
    )
    await tab.page.route(HURRIED, hurry)
    await tab.open()
    await tab.press("Toggle")
    await tab.tells("starting", "problem mic-prompt-pending")
    await tab.page.evaluate("answer()")
    await tab.tells("starting", "problem mic-prompt-pending", "cured mic-prompt-pending", "started")


async def test_a_microphone_that_goes_away_is_told(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.page.evaluate("tracks[0].dispatchEvent(new Event('ended'))")
    await tab.tells("starting", "started", "problem mic-lost", "stopped device-lost")
    await tab.has_let_go()


async def test_a_permission_that_is_withdrawn_is_not_a_device_that_went_away(
    browser: Browser, program: Program
) -> None:
    states = """
        let state = "granted";
        navigator.permissions.query = async () => ({ get state() { return state; } });
        window.withdraw = () => {
            tracks[0].dispatchEvent(new Event("ended")); // before the permission is seen to have changed
            setTimeout(() => (state = "denied"), 50);
        };
    """
    tab = await (await new_tab(browser, program, states)).open()
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.page.evaluate("withdraw()")
    await tab.tells("starting", "started", "problem mic-permission-withdrawn", "stopped device-lost")
    await until(lambda: tab.lives == [True, False])
    await tab.has_let_go()


async def test_a_real_withdrawal_is_named(open_browser: OpenBrowser, tmp_path: Path, program: Program) -> None:
    microphone = recording(tmp_path / "sweep.wav")
    async with open_browser(microphone, ask=True) as browser:
        tab = await new_tab(browser, program)
        origin = f"http://127.0.0.1:{program.port}"
        await tab.page.context.grant_permissions(["microphone"], origin=origin)
        await tab.open()
        await tab.press("Toggle")
        await tab.hears(0.2)
        devtools = await browser.new_browser_cdp_session()
        permission = {"permission": {"name": "microphone"}, "setting": "denied", "origin": origin}
        contexts = await devtools.send("Target.getBrowserContexts")
        for context in contexts["browserContextIds"]:
            await devtools.send("Browser.setPermission", {**permission, "browserContextId": context})
        await tab.tells("starting", "started", "problem mic-permission-withdrawn", "stopped device-lost")


async def test_a_track_the_browser_mutes_is_not_live_until_it_is_unmuted(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.page.evaluate("tracks[0].dispatchEvent(new Event('mute'))")
    await tab.tells("starting", "started", "problem mic-muted")
    await until(lambda: tab.lives == [True, False])
    await tab.page.evaluate("tracks[0].dispatchEvent(new Event('unmute'))")
    await tab.tells("starting", "started", "problem mic-muted", "cured mic-muted")
    await until(lambda: tab.lives == [True, False, True])


async def test_a_question_closed_without_an_answer_in_firefox_is_no_refusal(browser: Browser, program: Program) -> None:
    dismissed = """
        navigator.permissions.query = async () => ({ state: "prompt" });
        navigator.mediaDevices.getUserMedia = async () => {
            const words = "The request is not allowed by the user agent or the platform in the current context.";
            throw new DOMException(words, "NotAllowedError");
        };
    """
    tab = await (await new_tab(browser, program, dismissed)).open()
    await tab.press("Toggle")
    await tab.tells("starting", "problem mic-dismissed", "stopped failed")
