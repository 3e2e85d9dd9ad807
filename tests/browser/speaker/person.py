"""Somebody in front of a page: what they say and what they hear are two channels of one sink, so of one recording."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, expect

from tests.browser.conftest import FLAGS, QUESTION
from tests.browser.firefox import Speaker as Sink
from tests.browser.page import Talk, open_talk
from tests.browser.speaker.conftest import window
from tests.browser.speaker.priority import audio_threads_first
from tests.browser.speaker.recording import RATE, Recording, joined, recorded
from tests.patience import until, within

CHANNELS = ("front-left", "front-right")
"""What the page plays, and what is said."""

SENTENCE_SECONDS = 2.5
"""An echo canceller may take the first second away."""

LOOP = """async ({ constraints, latencyHint }) => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints });
    const ctx = new AudioContext({ sampleRate: 24_000, latencyHint });
    ctx.createMediaStreamSource(stream).connect(ctx.destination);
    window.endLoop = () => {
        ctx.close();
        stream.getTracks().forEach((track) => track.stop());
    };
}"""
PROCESSING = ("echoCancellation", "noiseSuppression", "autoGainControl")


class Person:
    """Speaks when told to; `heard` and `said` are recorded."""

    def __init__(self, talk: Talk, environ: dict[str, str], heard: Recording) -> None:
        self.talk, self.environ, self.heard, self.said = talk, environ, heard, heard.channel(1)
        self.speaker = talk.page.get_by_test_id("speaker")

    async def says(self, name: str = "question") -> None:
        """Say it, after a moment of quiet, and to its end."""
        await self.hears(0.9)
        self._since = self.heard.seconds - 0.5
        await control(self.environ, "play-sample", name, "room")
        await until(lambda: self.said.since(self._since).stretches, 10, what="the voice")
        await until(lambda: not self.said.since(self.said.seconds - 0.5).stretches, 30, what="the end of the voice")

    async def switch_voice_on(self) -> None:
        switch = self.talk.page.get_by_test_id("voice")
        await expect(switch).to_have_attribute("aria-checked", "false")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        await expect(self.speaker).to_have_attribute("data-state", "idle")
        self.prioritize()

    def prioritize(self) -> None:
        """Give the audio threads that there are now priority."""
        audio_threads_first(self.environ["PULSE_SERVER"])

    async def is_spoken_to(self, seconds: float = 30) -> None:
        await expect(self.speaker).to_have_attribute("data-state", "playing", timeout=seconds * 1000)
        self.prioritize()

    async def hears(self, seconds: float) -> None:
        """Wait until the recording is that much longer."""
        end = self.heard.seconds + seconds
        await until(lambda: self.heard.seconds >= end, 10 + 3 * seconds)

    async def hears_a_tone(self, since: float) -> None:
        await until(lambda: self.tones(since), 10, what="a tone")

    def tones(self, since: float = 0.0) -> list[tuple[float, float]]:
        """Begin and end of what was to be heard."""
        return joined(self.heard.since(since).stretches, 0.1)

    @property
    def spoke_at(self) -> float:
        """When they last began to speak, in seconds of the recording."""
        return self.said.since(self._since).stretches[0][0]

    async def opens_the_microphone_anew(self) -> None:
        """Mute and unmute: how late a browser's buffers make the sound is decided when they are made."""
        mute = self.talk.page.get_by_test_id("mute")
        for pressed in ("true", "false"):
            await mute.click()
            await expect(mute).to_have_attribute("aria-pressed", pressed)
        self.prioritize()

    async def floor_ms(self, latency_hint: str | float, trials: int = 5) -> list[int]:
        """Return how long the browser alone takes from the microphone to the speaker, each time with new buffers."""
        page = self.talk.page
        constraints = {"channelCount": 1, **dict.fromkeys(PROCESSING, True)}
        found = []
        for _ in range(trials):
            await page.evaluate(LOOP, {"constraints": constraints, "latencyHint": latency_hint})
            self.prioritize()
            begin = self.heard.seconds
            await self.says("word")
            await self.hears_a_tone(begin)
            found.append(round(1000 * (self.tones(begin)[0][0] - self.spoke_at)))
            await page.evaluate("window.endLoop()")
        return sorted(found)

    async def played_ms(self) -> int:
        return int(await self.speaker.get_attribute("data-played-ms") or 0)


async def control(environ: Mapping[str, str], *command: str) -> None:
    """Tell the sound server something."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec("pactl", *command, env=dict(environ), stdout=quiet)
    assert await within(10, process.wait()) == 0, command


async def two_channels(sink: Sink) -> None:
    """Make the page's sink and the microphone two channels of one sink."""
    named = f"channels=2 channel_map={','.join(CHANNELS)}".split()
    await control(sink.environ, "load-module", "module-null-sink", "sink_name=both", f"rate={RATE}", *named)
    for name, channel in zip(("page", "room"), CHANNELS, strict=True):
        mono = ("channels=1", "channel_map=mono", f"master_channel_map={channel}", "remix=no")
        await control(sink.environ, "load-module", "module-remap-sink", "master=both", f"sink_name={name}", *mono)
    master = ("master=both.monitor", "source_name=person")
    await control(sink.environ, "load-module", "module-remap-source", *master, *mono)
    await control(sink.environ, "set-default-sink", "page")
    await control(sink.environ, "set-default-source", "person")


@asynccontextmanager
async def apart(chrome: str, place: Path) -> AsyncIterator[tuple[Browser, Sink, Recording]]:
    """Open a browser whose microphone hears what is said, and not the page; both are recorded."""
    flags = [flag for flag in FLAGS if flag != "--use-fake-device-for-media-stream"]
    async with window(chrome, place, flags, two_channels) as (browser, sink):
        await control(sink.environ, "upload-sample", str(QUESTION), "question")
        await control(sink.environ, "upload-sample", str(begin_of_question(place, 0.8)), "word")
        await control(sink.environ, "upload-sample", str(begin_of_question(place, SENTENCE_SECONDS)), "sentence")
        async with recorded(sink.environ, "both.monitor", CHANNELS) as heard:
            yield browser, sink, heard


@asynccontextmanager
async def person(chrome: str, place: Path, url: str, script: str = "") -> AsyncIterator[Person]:
    """Open the page with somebody in front of it; `script` runs before it."""
    async with apart(chrome, place) as (browser, sink, heard):
        context = await browser.new_context(permissions=["microphone"])
        await context.add_init_script(script)
        yield Person(await open_talk(context, url), sink.environ, heard)


def begin_of_question(place: Path, seconds: float) -> Path:
    """Write the begin of the question, from its first sound on, and return where."""
    with wave.open(str(QUESTION)) as source:
        samples = np.frombuffer(source.readframes(source.getnframes()), "<i2")
        begin = int(np.flatnonzero(np.abs(samples) > 600)[0])
        path = place / "word.wav"
        with wave.open(str(path), "wb") as word:
            word.setparams(source.getparams())
            word.writeframes(samples[begin : begin + round(seconds * source.getframerate())].tobytes())
    return path
