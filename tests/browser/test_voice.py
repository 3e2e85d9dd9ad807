"""Replies aloud, in a real window whose sound is recorded: heard, understood, silenced, and free of cost when off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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
from tests.running import Program, program
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from voice_ui import audio
from voice_ui.offline.recognizer import Recognizer
from voice_ui.offline.recognizer.moonshine import folder
from voice_ui.offline.voice import is_installed

pytestmark = pytest.mark.skipif(
    not is_installed() or folder() is None, reason="no wheel of hibari-tts or moonshine-voice here"
)

WORDS = "A tone, for as long as somebody listens."
TRIALS = 5
LOOP = """async () => {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    window.loop = new AudioContext({ latencyHint: "interactive" });
    window.loop.createMediaStreamSource(stream).connect(window.loop.destination);
}"""
ROUND_TRIP = 0.05


class Person:
    """Somebody in front of the page: speaks when told to, and writes down what is heard, beside what was said."""

    def __init__(self, talk: Talk, sink: Sink, heard: Recording, said: Recording) -> None:
        self.talk, self._sink, self.heard, self.said = talk, sink, heard, said
        self.speaker = talk.page.get_by_test_id("speaker")

    async def says(self, recording: Path = QUESTION) -> None:
        """Say it, after a moment of quiet."""
        await self.hears(0.9)
        command = ("paplay", "--device=room", str(recording))
        process = await asyncio.create_subprocess_exec(*command, env=self._sink.environ)
        assert await within(20, process.wait()) == 0

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

    async def floor_ms(self) -> float:
        """Return how long it takes from the microphone to the speaker with nothing but the browser in between."""
        await self.talk.page.evaluate(LOOP)
        await self.says()
        await self.hears(0.5)
        await self.talk.page.evaluate("window.loop.close()")
        return 1000 * (joined(self.heard.stretches, 0.6)[-1][0] - self.spoke_at)

    async def played_ms(self) -> int:
        return int(await self.speaker.get_attribute("data-played-ms") or 0)

    @property
    def sound(self) -> str:
        """The sound server."""
        return self._sink.environ["PULSE_SERVER"]

    @property
    def spoke_at(self) -> float:
        """When somebody last began to speak, in seconds of the recording of the speaker."""
        shift = self.heard.seconds - self.said.seconds  # both end now
        return joined(self.said.stretches, 0.6)[-1][0] + shift

    @property
    def tones(self) -> list[tuple[float, float]]:
        """Begin and end of what was to be heard."""
        return joined(self.heard.stretches, 0.1)


def joined(stretches: list[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Return the stretches without the gaps that are shorter than this, in seconds."""
    found: list[tuple[float, float]] = []
    for begin, end in stretches:
        if found and begin - found[-1][1] < gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


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


async def hear_loud(wire: Wire) -> None:
    """Wait until the microphone hears something, after half a second of nothing."""
    quiet_ms = 0.0
    while True:
        event = await wire.next_event()
        if event["type"] == "input_audio_buffer.append":
            pcm = audio.decode(event["audio"])
            if np.abs(np.frombuffer(pcm, "<i2").astype(float)).max(initial=0) < 400:
                quiet_ms += audio.milliseconds(pcm)
            elif quiet_ms >= 500:
                return
            else:
                quiet_ms = 0.0


async def speak(wire: Wire, number: int, seconds: int = 10) -> None:
    """Answer with a tone."""
    place = {"response_id": f"r{number}", "item_id": f"reply{number}", "output_index": 0, "content_index": 0}
    tone = np.round(12_000 * np.sin(2 * np.pi * 440 * np.arange(audio.SAMPLE_RATE) / audio.SAMPLE_RATE)).astype("<i2")
    await wire.heard_speech(f"question{number}")
    await wire.say("response.created", response={"id": f"r{number}", "status": "in_progress"})
    await wire.say("response.output_audio_transcript.delta", **place, delta=WORDS)
    for _ in range(seconds):
        await wire.say("response.output_audio.delta", **place, delta=audio.encode(tone.tobytes()))
    await wire.say("response.output_audio.done", **place)
    await wire.end_reply(f"r{number}")


@asynccontextmanager
async def scripted(
    script: Callable[[Wire], Awaitable[None]], place: Path, dialect: str = "ga"
) -> AsyncIterator[Program]:
    """Run the program with a server that does what the script says, replies aloud."""
    async with ScriptedServer(script, beta=dialect == "beta").running() as server:
        settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{server.port}/v1", "OPENAI_API_KEY": "sk-test-0123456789"}
        async with program(folder=place, VOICE_UI_OUTPUT="audio", VOICE_UI_DIALECT=dialect, **settings) as app:
            yield app
        assert server.failures == []


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
        assert 300 < first_sound < 20_000
        assert await somebody.played_ms() > 300
        understood = await transcript(somebody.heard)
        assert "twelve" in understood or "12" in understood
        assert await talk.page.locator("[data-heard]").count() == 0
        assert not talk.complaints


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_speech_over_a_reply_silences_it_and_the_server_learns_what_was_heard(
    dialect: str, chrome: str, tmp_path: Path, report: Callable[[str], None]
) -> None:
    heard_ms: list[int] = []

    async def script(wire: Wire) -> None:
        await wire.configure()
        for number in range(TRIALS):
            await hear_loud(wire)
            await speak(wire, number)
            await hear_loud(wire)
            await asyncio.sleep(ROUND_TRIP)
            await wire.say("input_audio_buffer.speech_started", item_id=f"over{number}", audio_start_ms=0)
            name = "conversation.item.input_audio_transcription.delta"
            await wire.say(name, item_id=f"over{number}", content_index=0, delta="What")
            while (event := await wire.next_event())["type"] != "conversation.item.truncate":
                pass
            assert (event["item_id"], event["content_index"]) == (f"reply{number}", 0)
            heard_ms.append(event["audio_end_ms"])
            await wire.say("input_audio_buffer.speech_stopped", item_id=f"over{number}", audio_end_ms=0)
        await wire.until_closed()

    async with scripted(script, tmp_path, dialect) as app, person(chrome, tmp_path, app.url) as somebody:
        talk = somebody.talk
        floor_ms = await somebody.floor_ms()
        await talk.start()
        await talk.is_in("listening")
        delays, wrong = [], []
        for number in range(TRIALS):
            trial = somebody.heard.seconds
            await somebody.says()
            await somebody.is_spoken_to()
            audio_threads_first(somebody.sound)
            await until(lambda since=trial: any(begin > since for begin, _ in somebody.tones), 10, what="a tone")
            await somebody.hears(1)
            await somebody.says()
            await until(lambda count=number + 1: len(heard_ms) == count, 10)
            await somebody.hears(0.5)
            tones = [tone for tone in somebody.tones if tone[0] > trial]
            delays.append(round(1000 * (tones[-1][1] - somebody.spoke_at)))
            wrong.append(round(heard_ms[-1] - 1000 * sum(end - begin for begin, end in tones)))
        off = f"audio_end_ms off by {sorted(wrong)}"
        report(f"{dialect}: speech to silence {sorted(delays)} ms, the browser alone {floor_ms:.0f} ms; {off}")
        assert max(delays) < 5_000, "half of the reply"
        assert np.median(np.abs(wrong)) < 60
        await expect(talk.history.get_by_text("cut short")).to_have_count(TRIALS)
        for heard in await talk.history.locator("[data-heard]").evaluate_all("all => all.map(e => +e.dataset.heard)"):
            assert 0 < heard < len(WORDS)


@pytest.mark.parametrize("taken_for_speech", [False, True])
async def test_a_cough_lets_the_reply_go_on_where_it_was(
    taken_for_speech: bool, chrome: str, tmp_path: Path, report: Callable[[str], None]
) -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await hear_loud(wire)
        await speak(wire, 0, seconds=12)
        if taken_for_speech:
            await hear_loud(wire)
            await wire.say("input_audio_buffer.speech_started", item_id="cough", audio_start_ms=0)
            await asyncio.sleep(0.3)
            await wire.say("input_audio_buffer.speech_stopped", item_id="cough", audio_end_ms=0)
            await wire.say("input_audio_buffer.committed", item_id="cough", previous_item_id=None)
            await wire.transcribe("cough", "")
        await wire.until_closed()

    async with scripted(script, tmp_path) as app, person(chrome, tmp_path, app.url) as somebody:
        await somebody.talk.start()
        await somebody.talk.is_in("listening")
        await somebody.says()
        await somebody.is_spoken_to()
        await somebody.hears(1)
        await somebody.says()  # a voice: noise suppression takes away what is none, and needs a second for what is
        await somebody.talk.is_in("listening")
        assert await somebody.played_ms() == 12_000
        ducked = next(end for _, end in somebody.tones if end > somebody.spoke_at)
        report(f"a cough to silence {1000 * (ducked - somebody.spoke_at):.0f} ms")
        assert ducked - somebody.spoke_at < 3, "long before the end of the reply"
        assert len(somebody.tones) >= 2
        assert sum(end - begin for begin, end in somebody.tones) == pytest.approx(12, abs=0.3)
        assert await somebody.talk.page.locator("[data-heard]").count() == 0


async def test_escape_and_stop_silence_at_once(chrome: str, tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await hear_loud(wire)
        await speak(wire, 0)
        await wire.hear("conversation.item.truncate")
        await wire.until_closed()

    for how in ("Escape", "Stop"):
        async with scripted(script, tmp_path) as app, person(chrome, tmp_path, app.url) as somebody:
            await somebody.talk.start()
            await somebody.talk.is_in("listening")
            await somebody.says()
            await somebody.is_spoken_to()
            await somebody.hears(1)
            pressed = somebody.heard.seconds
            await (somebody.talk.page.keyboard.press("Escape") if how == "Escape" else somebody.talk.stop())
            await somebody.talk.is_in("listening" if how == "Escape" else "idle")
            await somebody.hears(0.5)
            assert somebody.tones[-1][1] - pressed < 2, how


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
