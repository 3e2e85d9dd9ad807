"""The microphone element alone, in a real browser, in a NiceGUI program that has nothing else of ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.conftest import OpenBrowser
from tests.cable import Cable
from tests.patience import SECOND, until
from tests.running import clean_environment, free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "level_meter.py"

PROGRAM = '''
"""Writes what the microphone of each tab tells as lines of JSON; `?tab=` names the tab."""

import dataclasses
import json
import sys

from nicegui import ui
from voice_ui.mic import Mic


@ui.page("/")
def index(tab: str = ""):
    def told(name):
        def write(body=None):
            body = dataclasses.asdict(body) if dataclasses.is_dataclass(body) else {"code": body}
            sys.stdout.write(json.dumps({"tab": tab, "name": name, **body}, default=bytes.hex) + "\\n")
            sys.stdout.flush()

        return write

    names = ["chunk", "starting", "started", "stopped", "problem", "cured"]
    with Mic(
        **{f"on_{name}": told(name) for name in names},
        echo_cancellation=False,
        noise_suppression=False,
        auto_gain_control=False,
    ) as mic:
        ui.element("meter").props("id=level")
    ui.button("Toggle").on("click", js_handler=mic.js_toggle)
    ui.button("Toggle twice").on("click", js_handler=f"() => {{ for (const _ of [1, 2]) ({mic.js_toggle})() }}")
    ui.button("Start from Python", on_click=mic.start)
    ui.button("Stop from Python", on_click=mic.stop)
    ui.button("Delete", on_click=mic.delete)


ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False, reconnect_timeout=15)
'''

WATCH = """
    // What was opened, to see whether it is let go.
    window.contexts = [];
    window.tracks = [];
    window.AudioContext = class extends AudioContext {
        constructor(...options) { super(...options); contexts.push(this); }
    };
    const devices = navigator.mediaDevices;
    const ask = devices?.getUserMedia.bind(devices);
    if (devices) devices.getUserMedia = async (wish) => {
        const stream = await ask(wish);
        tracks.push(...stream.getTracks());
        return stream;
    };
"""


def sweep(rate: int, seconds: float = 3) -> np.ndarray:
    """Return a tone that rises from 200 to 1000 Hz: it equals no other part of itself."""
    time = np.arange(int(rate * seconds)) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * (200 * time + 800 / seconds * time**2 / 2)))


def is_the_sweep(pcm: bytes, rate: int) -> bool:
    """Whether PCM is the sweep, in order: tenths of a second, each found in it, one after the other.

    Chromium's file microphone itself slips by 10 ms every two seconds or so, so nine tenths must do.
    """
    heard = np.trim_zeros(np.frombuffer(pcm, "<i2") / 32768, "f")  # the device takes a moment to play
    size = rate // 10
    pieces = heard[: len(heard) // size * size].reshape(-1, size)
    played = np.append(sweep(rate), np.zeros(size))
    spectrum = np.fft.rfft(played)
    places = []
    for piece in pieces:
        matches = np.fft.irfft(spectrum * np.fft.rfft(piece, len(played)).conj(), len(played))
        place = int(np.argmax(matches[:-size]))
        part = played[place : place + size]
        if matches[place] > 0.98 * max(np.dot(piece, piece), np.dot(part, part)):
            places.append(place)
    return places == sorted(places) and len(places) >= 0.9 * len(pieces)


def recording(path: Path, *, silent_s: float = 0) -> Path:
    """Write the sweep as a WAV, after some silence."""
    samples = np.concatenate([np.zeros(int(48_000 * silent_s)), sweep(48_000)])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return path


class Program:
    """The NiceGUI program, and all it has told."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.told: list[dict[str, Any]] = []
        self.ready = threading.Event()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.told.append(json.loads(line))
            self.ready.set()


@contextmanager
def running(source: str) -> Iterator[Program]:
    """Run a program that takes its port as its argument; it is ready with its first line."""
    port = free_port()
    command = [sys.executable, "-c", source, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment(), text=True) as process:
        program = Program(process, port)
        reading = threading.Thread(target=program.read)
        reading.start()
        try:
            assert program.ready.wait(30 * SECOND)
            yield program
        finally:
            process.terminate()
            reading.join()


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with running(PROGRAM) as program:
        yield program


class Tab:
    """A page of the program in a browser."""

    tabs = 0

    def __init__(self, page: Page, program: Program) -> None:
        Tab.tabs += 1
        self.name = f"tab-{Tab.tabs}"
        self.page = page
        self._program = program

    async def open(self, *, port: int | None = None, host: str = "127.0.0.1") -> Tab:
        await self.page.goto(f"http://{host}:{port or self._program.port}/?tab={self.name}")
        return self

    async def press(self, button: str) -> None:
        await self.page.get_by_role("button", name=button, exact=True).click()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [event for event in list(self._program.told) if event["tab"] == self.name]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [event for event in self.told if event["name"] == "chunk"]

    @property
    def story(self) -> list[str]:
        """What was told but for the sound, each event in two words."""
        return [
            " ".join([event["name"], str(event.get("code") or event.get("reason") or "")]).strip()
            for event in self.told
            if event["name"] != "chunk"
        ]

    @property
    def pcm(self) -> bytes:
        return b"".join(bytes.fromhex(chunk["pcm"]) for chunk in self.chunks)

    async def tells(self, *story: str, seconds: float = 10) -> None:
        """Wait until the story is this, word for word."""
        try:
            await until(lambda: self.story == list(story), seconds)
        except AssertionError:
            assert self.story == list(story)
            raise

    async def hears(self, seconds: float) -> None:
        """Wait until that much sound has arrived."""
        await until(lambda: len(self.chunks) >= seconds * 50, 10 + 3 * seconds)

    async def has_let_go(self) -> None:
        """Wait until no context is open and no microphone is lit."""
        await self.page.wait_for_function(
            "contexts.every((context) => context.state === 'closed')"
            " && tracks.every((track) => track.readyState === 'ended')",
            timeout=5_000 * SECOND,
        )


@pytest.fixture
async def browser(open_browser: OpenBrowser, tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(recording(tmp_path / "sweep.wav")) as browser:
        yield browser


async def new_tab(browser: Browser, program: Program, *scripts: str) -> Tab:
    """Open a tab in which these scripts run before the page's own."""
    page = await browser.new_page()
    for script in (WATCH, *scripts):
        await page.add_init_script(script)
    return Tab(page, program)


HURRIED = re.compile(r"/mic(_delivery)?\.js")


async def hurry(route: Route) -> None:
    """Give the page our microphone with ten seconds and half a minute made one second, and a minute three."""
    response = await route.fetch()
    body = (await response.text()).replace("10_000", "1_000").replace("30_000", "1_000").replace("60_000", "3_000")
    await route.fulfill(response=response, body=body)


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


async def test_a_microphone_that_goes_away_is_told(browser: Browser, program: Program) -> None:
    tab = await (await new_tab(browser, program)).open()
    await tab.press("Toggle")
    await tab.hears(0.2)
    await tab.page.evaluate("tracks[0].dispatchEvent(new Event('ended'))")
    await tab.tells("starting", "started", "problem mic-lost", "stopped device-lost")
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
