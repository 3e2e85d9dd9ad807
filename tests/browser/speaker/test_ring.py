"""The audio thread's part, rendered offline: every sample is known. No gap, no click, silence within a quantum."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser.conftest import OpenBrowser
from tests.browser.mic.program import Program

RATE = 24_000
QUANTUM = 128

RENDER = """async ({ events, seconds, rate, mics }) => {
    const ctx = new OfflineAudioContext(1, seconds * rate, rate);
    const { imports } = JSON.parse(document.querySelector('script[type=importmap]').textContent);
    await ctx.audioWorklet.addModule(imports.speaker_ring);
    const node = new AudioWorkletNode(ctx, "speaker-ring", { numberOfInputs: 2, outputChannelCount: [1] });
    mics.forEach((samples, input) => {
        const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
        buffer.copyToChannel(Float32Array.from(samples), 0);
        const source = new AudioBufferSourceNode(ctx, { buffer });
        source.connect(node, 0, input);
        source.start();
    });
    const reports = [];
    node.port.onmessage = ({ data }) => reports.push(data);
    node.connect(ctx.destination);
    for (const [at, ...calls] of events) {
        const send = async () => {
            for (const [name, ...args] of calls) {
                if (name === "add") args[1] = Uint8Array.from(atob(args[1]), (c) => c.charCodeAt(0)).buffer;
                node.port.postMessage([name, ...args]);
            }
            await new Promise((done) => setTimeout(done, 50)); // for the audio thread to take them
            await ctx.resume();
        };
        if (at) ctx.suspend(at).then(send);
        else {
            for (const [name, ...args] of calls) {
                if (name === "add") args[1] = Uint8Array.from(atob(args[1]), (c) => c.charCodeAt(0)).buffer;
                node.port.postMessage([name, ...args]);
            }
            await new Promise((done) => setTimeout(done, 50));
        }
    }
    const rendered = (await ctx.startRendering()).getChannelData(0);
    await new Promise((done) => setTimeout(done, 50)); // for the last report
    let text = "";
    for (const sample of rendered) text += sample + " ";
    return { text, reports };
}"""


def tone(seconds: float, begin: float = 0, hertz: float = 440) -> np.ndarray:
    time = np.arange(round(RATE * begin), round(RATE * (begin + seconds))) / RATE
    return 0.5 * np.sin(2 * np.pi * hertz * time)


def add(samples: np.ndarray, item: int = 1) -> list[Any]:
    return ["add", item, base64.b64encode(np.round(samples * 32768).astype("<i2").tobytes()).decode()]


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_browser: OpenBrowser, program: Program) -> AsyncIterator[Page]:
    async with open_browser() as browser:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{program.port}/")
        await page.wait_for_function("window.socket?.connected")
        yield page


async def render(
    page: Page, *events: list[Any], seconds: float, rate: int = RATE, mics: tuple[np.ndarray, ...] = ()
) -> tuple[np.ndarray, list[Any]]:
    heard = [mic.tolist() for mic in mics]
    rendered = await page.evaluate(RENDER, {"events": events, "seconds": seconds, "rate": rate, "mics": heard})
    return np.array(rendered["text"].split(), float), rendered["reports"]


def steepest(samples: np.ndarray) -> float:
    return float(np.abs(np.diff(samples)).max())


STEP = steepest(tone(1)) * 1.05


async def test_what_arrives_in_pieces_is_played_as_one(page: Page) -> None:
    pieces = [add(tone(0.1, 0.1 * number)) for number in range(10)]
    samples, reports = await render(page, [0, *pieces], seconds=1.5)
    assert np.abs(samples[200 : RATE - 200] - tone(1)[200:-200]).max() < 1e-3  # every sample, but for the fades
    assert not samples[RATE:].any()
    assert steepest(samples) < STEP
    assert reports[-1][:2] == ["empty", RATE]


async def test_it_begins_with_60_ms_or_with_less_if_nothing_more_comes(page: Page) -> None:
    samples, _ = await render(page, [0, add(tone(0.04))], [0.04, add(tone(0.04, 0.04))], seconds=0.5)
    assert 0.035 * RATE <= np.flatnonzero(samples)[0] <= 0.055 * RATE
    samples, _ = await render(page, [0, add(tone(0.04))], seconds=0.5)
    assert 0.055 * RATE <= np.flatnonzero(samples)[0] <= 0.075 * RATE
    assert np.count_nonzero(samples) == pytest.approx(0.04 * RATE, abs=10)


async def test_an_underrun_fades_and_the_buffer_grows(page: Page) -> None:
    events = [[number * 0.3, add(tone(0.1))] for number in range(5)]
    samples, reports = await render(page, *events, seconds=2)
    assert steepest(samples) < STEP
    underruns, target_ms = reports[-1][2:4]
    assert (underruns, target_ms) == (4, pytest.approx(60 * 1.5**4))
    calm = [[0.8, *[add(tone(1))] * 7], [5, *[add(tone(1))] * 5]]
    samples, reports = await render(page, *events[:2], *calm, seconds=14)
    assert reports[-1][2:4] == [2, pytest.approx(60 * 1.5**2 / 1.25)]  # after ten seconds without another, less again


@pytest.mark.parametrize("at", [0.5, 0.5053, 0.51])
async def test_stop_is_silence_within_a_quantum_and_no_click(page: Page, at: float) -> None:
    samples, reports = await render(page, [0, add(tone(1))], [at, ["stop", 77]], seconds=1)
    stopped = next(report for report in reports if report[0] == "stopped")
    silent = np.flatnonzero(samples)[-1] + 1
    assert silent - at * RATE <= 2 * QUANTUM  # asked for within a quantum, and silent by the end of the next
    assert 0 <= silent - stopped[1] <= QUANTUM
    assert steepest(samples) < STEP
    assert reports[-1][:2] == ["empty", 77]


async def test_what_comes_after_a_stop_is_played_from_its_begin(page: Page) -> None:
    samples, _ = await render(page, [0, add(tone(1))], [0.5, ["stop", 0], add(tone(0.2, hertz=660), 2)], seconds=1)
    begin = np.flatnonzero(samples[round(0.52 * RATE) :])[0]
    assert begin < 0.01 * RATE
    assert steepest(samples) < STEP * 1.5
    assert np.flatnonzero(samples)[-1] == pytest.approx(0.7 * RATE, abs=3 * QUANTUM)


async def test_a_hold_falls_silent_and_goes_on_where_it_was(page: Page) -> None:
    events = [[0, add(tone(1))], [0.3, ["hold", True]], [0.6, ["hold", False]]]
    samples, reports = await render(page, *events, seconds=1.5)
    assert not samples[round(0.3 * RATE) + 2 * QUANTUM : round(0.6 * RATE) - QUANTUM].any()
    assert steepest(samples) < STEP
    assert np.flatnonzero(samples)[-1] == pytest.approx(1.3 * RATE, abs=3 * QUANTUM)
    assert [report[0] for report in reports if report[0] != "playing"] == ["held", "empty"]
    assert reports[-1][1] == RATE


async def test_a_context_at_another_rate_plays_the_same(page: Page) -> None:
    samples, reports = await render(page, [0, add(tone(1))], seconds=1.5, rate=48_000)
    loud = np.flatnonzero(np.abs(samples) > 1e-4)
    assert loud[-1] - loud[0] == pytest.approx(48_000, abs=300)
    whole = samples[loud[0] : loud[0] + 48_000]
    spectrum = np.abs(np.fft.rfft(whole))
    assert int(spectrum.argmax()) == 440
    assert steepest(samples) < STEP
    assert reports[-1][:2] == ["empty", RATE]


async def test_more_than_fits_is_dropped_and_nothing_else_happens(page: Page) -> None:
    samples, reports = await render(page, [0, *[add(tone(1))] * 12], seconds=10)
    assert np.flatnonzero(samples)[-1] == pytest.approx(8 * RATE, abs=QUANTUM)
    assert reports[-1][:2] == ["empty", 8 * RATE]


NEVER, LOUD = 1.0, 1e-5
"""Powers above which it is to duck."""


def at(second: float, sound: np.ndarray, seconds: float = 2) -> np.ndarray:
    """Return silence with a sound in it."""
    whole = np.zeros(round(RATE * seconds))
    begin = round(RATE * second)
    whole[begin : begin + len(sound)] = sound
    return whole


@pytest.mark.parametrize("raw", [False, True])
async def test_it_falls_silent_by_itself_over_a_voice(page: Page, raw: bool) -> None:
    voice = at(1.2, 0.2 * tone(0.5, hertz=150))
    mics = (np.zeros(1), voice) if raw else (voice,)
    events = [0, ["duckAbove", NEVER if raw else LOUD], add(tone(1)), add(tone(1, 1))]
    samples, reports = await render(page, events, seconds=2, mics=mics)
    silent = np.flatnonzero(samples)[-1] / RATE
    assert 1.2 < silent < 1.217
    assert steepest(samples) < STEP
    ducked = next(report for report in reports if report[0] == "ducked")
    assert ducked[1] / RATE == pytest.approx(silent, abs=0.02)


async def test_it_does_not_take_its_echo_for_a_voice_but_hears_one_over_it(page: Page) -> None:
    echo = at(0.05, 0.3 * tone(2), 2.1)[: 2 * RATE]
    events = [0, ["duckAbove", NEVER], add(tone(1)), add(tone(1, 1))]
    samples, reports = await render(page, events, seconds=2.5, mics=(np.zeros(1), echo))
    assert np.flatnonzero(samples)[-1] == pytest.approx(2 * RATE, abs=2 * QUANTUM)
    assert "ducked" not in [report[0] for report in reports]
    both = echo + at(1.5, tone(0.4, hertz=150))
    samples, reports = await render(page, events, seconds=2.5, mics=(np.zeros(1), both))
    assert 1.5 < np.flatnonzero(samples)[-1] / RATE < 1.52


async def test_a_click_does_not_hold_it(page: Page) -> None:
    click = at(1.2, 0.2 * tone(0.004, hertz=1000))
    events = [0, ["duckAbove", LOUD], add(tone(1)), add(tone(1, 1))]
    samples, reports = await render(page, events, seconds=2.5, mics=(click, click))
    assert np.flatnonzero(samples)[-1] == pytest.approx(2 * RATE, abs=2 * QUANTUM)
    assert steepest(samples) < STEP
    assert {"ducked", "held"}.isdisjoint(report[0] for report in reports)


async def test_what_stopped_a_reply_is_not_taken_for_the_echo_of_the_next(page: Page) -> None:
    voice = at(0.7, 0.4 * tone(0.3, hertz=150), 3) + at(2.0, 0.4 * tone(0.4, hertz=150), 3)
    begin = [0, ["duckAbove", NEVER], add(tone(1)), add(tone(1, 1))]
    events = [begin, [0.85, ["hold", False]], [0.95, ["stop", 0]], [1.1, add(tone(1), 2), add(tone(1, 1), 2)]]
    samples, reports = await render(page, *events, seconds=3, mics=(np.zeros(1), voice))
    ducked = [report[1] / RATE for report in reports if report[0] == "ducked"]
    assert 0.6 < ducked[0] < 0.75 and samples[round(1.5 * RATE) : round(1.9 * RATE)].any()
    assert 2.0 < np.flatnonzero(samples)[-1] / RATE < 2.02
