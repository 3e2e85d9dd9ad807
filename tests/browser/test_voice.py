"""Replies aloud, in a real window whose sound is recorded: heard, understood, silenced, and free of cost when off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import expect

from tests.browser.conftest import FLAGS, QUESTION, OpenBrowser
from tests.browser.firefox import Speaker as Sink
from tests.browser.page import Talk, open_talk
from tests.browser.speaker.conftest import window
from tests.browser.speaker.priority import audio_threads_first
from tests.browser.speaker.recording import RATE, Recording, recorded
from tests.patience import until, within
from tests.running import program
from voice_ui import audio
from voice_ui.offline.recognizer import Recognizer
from voice_ui.offline.recognizer.moonshine import folder
from voice_ui.offline.voice import is_installed

pytestmark = pytest.mark.skipif(
    not is_installed() or folder() is None, reason="no wheel of hibari-tts or moonshine-voice here"
)

STORY = "Tell me a long story"
OUTPUT = 20  # ms, the latency that parec asks for


class Person:
    """Somebody in front of the page: speaks when told to, and writes down what is heard, beside what was said."""

    def __init__(self, talk: Talk, sink: Sink, heard: Recording, said: Recording) -> None:
        self.talk, self._sink, self.heard, self.said = talk, sink, heard, said
        self.speaker = talk.page.get_by_test_id("speaker")

    async def says(self, recording: Path = QUESTION) -> None:
        command = ("paplay", "--device=room", str(recording))
        process = await asyncio.create_subprocess_exec(*command, env=self._sink.environ)
        await within(20, process.wait())

    async def switch_voice_on(self) -> None:
        switch = self.talk.page.get_by_test_id("voice")
        await expect(switch).to_have_attribute("aria-checked", "false")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        await expect(self.speaker).to_have_attribute("data-state", "idle")
        audio_threads_first(self._sink.environ["PULSE_SERVER"])

    async def is_spoken_to(self, seconds: float = 30) -> None:
        await expect(self.speaker).to_have_attribute("data-state", "playing", timeout=seconds * 1000)

    async def hears(self, seconds: float) -> None:
        """Wait until the recording is that much longer."""
        end = self.heard.seconds + seconds
        await until(lambda: self.heard.seconds >= end, 10 + 3 * seconds)

    async def played_ms(self) -> int:
        return int(await self.speaker.get_attribute("data-played-ms") or 0)

    @property
    def begins(self) -> tuple[float, float]:
        """When somebody first spoke and when the speaker was last heard, in seconds of the recording of the speaker."""
        shift = self.heard.seconds - self.said.seconds  # both end now
        return float(np.flatnonzero(self.said.loud)[0]) / 500 + shift, self.heard.stretches[-1][1]


@asynccontextmanager
async def person(chrome: str, place: Path, url: str) -> AsyncIterator[Person]:
    """Open the page; the microphone hears the sink `room`, not the page's own sound."""
    flags = [flag for flag in FLAGS if flag != "--use-fake-device-for-media-stream"]
    async with AsyncExitStack() as stack:
        browser, sink = await stack.enter_async_context(window(chrome, place, flags))
        for command in (
            ("load-module", "module-null-sink", "sink_name=room", "rate=48000", "channels=1"),
            ("load-module", "module-remap-source", "master=room.monitor", "source_name=person"),
            ("set-default-source", "person"),
            ("set-default-sink", "speaker"),
        ):
            pactl = asyncio.subprocess.DEVNULL
            process = await asyncio.create_subprocess_exec("pactl", *command, env=sink.environ, stdout=pactl)
            assert await within(10, process.wait()) == 0, command
        heard = await stack.enter_async_context(recorded(sink.environ))
        said = await stack.enter_async_context(recorded(sink.environ, "room.monitor"))
        yield Person(await open_talk(browser, url), sink, heard, said)


async def transcript(recording: Recording) -> str:
    """Return what a listener understands of a recording."""
    recognizer = Recognizer()
    samples = (recording.samples * 32767).astype("<i2").tobytes()
    utterance = recognizer.listen()
    utterance.feed(audio.Resampler(RATE).process(samples, last=True))
    text = await within(60, utterance.finish())
    await recognizer.close()
    return text.lower()


async def test_a_reply_is_spoken_and_understood_and_timed(chrome: str, tmp_path: Path) -> None:
    async with program(folder=tmp_path) as app, person(chrome, tmp_path, app.url) as somebody:
        talk = somebody.talk
        await somebody.switch_voice_on()
        await talk.start()
        await talk.is_in("listening")
        await somebody.says()
        await somebody.is_spoken_to(60)
        await expect(talk.response).to_contain_text("12")
        await expect(somebody.speaker).to_have_attribute("data-state", "idle")
        await talk.is_in("listening")
        first_sound = float(await talk.latency.get_attribute("data-first-sound-ms") or 0)
        assert float(await talk.latency.get_attribute("data-ms") or 0) < first_sound < 20_000
        assert await somebody.played_ms() > 300
        understood = await transcript(somebody.heard)
        assert "twelve" in understood or "12" in understood
        assert not await talk.page.locator("[data-heard]").count() or await talk.response.inner_text()
        assert not talk.complaints


async def test_speech_over_a_reply_silences_it_and_what_was_not_heard_is_grey(chrome: str, tmp_path: Path) -> None:
    async with program(folder=tmp_path) as app, person(chrome, tmp_path, app.url) as somebody:
        talk = somebody.talk
        await somebody.switch_voice_on()
        await talk.start()
        await talk.is_in("listening")
        await talk.type(STORY)
        await somebody.is_spoken_to(60)
        await somebody.hears(2)
        await somebody.says()
        await expect(talk.history).to_contain_text("cut short", timeout=30_000)
        began, ended = somebody.begins
        print("speech to silence, ms:", round(1000 * (ended - began)))  # noqa: T201
        assert ended - began < 2.5
        assert await talk.history.locator(".vp-unheard").count() == 1


async def test_text_only_loads_nothing_of_the_speaker(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path) as app, open_browser() as browser:
        page = await browser.new_page()
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        talk = await Talk(page).open(app.url)
        await talk.start()
        await expect(talk.response).to_contain_text("12")
        await talk.stop()
        await talk.is_in("idle")
        assert loaded and [url for url in loaded if "speaker" in url or "barge_in" in url] == []
        assert await page.evaluate("window.socket.hasListeners('voice_ui_audio')") is False
        await expect(page.get_by_test_id("speaker")).to_have_attribute("data-state", "off")
