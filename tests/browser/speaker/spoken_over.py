"""Speech over a reply, again and again: how soon it is silent, and whether the server learns how much was heard."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.browser.conftest import QUESTION
from tests.browser.speaker.person import Person, person
from tests.patience import within
from tests.running import Program, program
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from voice_ui import audio

WORDS = "A tone, for as long as somebody listens."
ROUND_TRIP = 0.05
LATENCY_HINT = 0
"""NOTE: of the context in speaker.js."""


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


def tone(seconds: float = 1) -> bytes:
    """Return a tone that repeats without a step."""
    time = np.arange(round(seconds * audio.SAMPLE_RATE)) / audio.SAMPLE_RATE
    return np.round(12_000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()


def voice() -> bytes:
    """Return a voice that makes no pause, higher than the one that speaks over it."""
    with wave.open(str(QUESTION)) as question:
        samples = np.frombuffer(question.readframes(question.getnframes()), "<i2")
    pieces = samples[: len(samples) // 240 * 240].reshape(-1, 240)
    dense = pieces[np.abs(pieces.astype(int)).max(axis=1) > 2_500].reshape(-1)
    higher = np.interp(np.arange(0, len(dense), 1.25), np.arange(len(dense)), dense)
    pcm: bytes = (higher * 20_000 / np.abs(higher).max()).astype("<i2").tobytes()
    return pcm


async def speak(wire: Wire, number: int, pcm: bytes, times: int = 10) -> None:
    """Answer with this sound."""
    place = {"response_id": f"r{number}", "item_id": f"reply{number}", "output_index": 0, "content_index": 0}
    await wire.heard_speech(f"question{number}")
    await wire.say("response.created", response={"id": f"r{number}", "status": "in_progress"})
    await wire.say("response.output_audio_transcript.delta", **place, delta=WORDS)
    for _ in range(times):
        await wire.say("response.output_audio.delta", **place, delta=audio.encode(pcm))
    await wire.say("response.output_audio.done", **place)
    await wire.end_reply(f"r{number}")


@asynccontextmanager
async def scripted(
    script: Callable[[Wire], Awaitable[None]], place: Path, dialect: str = "ga"
) -> AsyncIterator[Program]:
    """Run the program with a server that does what the script says, replies aloud."""
    async with ScriptedServer(script, beta=dialect == "beta").running() as server:
        async with program(
            folder=place,
            VOICE_UI_OUTPUT="audio",
            VOICE_UI_DIALECT=dialect,
            OPENAI_BASE_URL=f"http://127.0.0.1:{server.port}/v1",
            OPENAI_API_KEY="sk-test-0123456789",
        ) as app:
            yield app
        assert server.failures == []


@dataclass(frozen=True)
class Trial:
    """One reply that was spoken over."""

    silent_ms: int
    """From the first loud sample at the microphone to the last one at the speaker."""
    truncated_ms: int
    """From the same until the server knows, which is 50 ms away."""
    off_ms: int
    """By how much `audio_end_ms` differs from what the speaker's sink recorded."""


class Server:
    """Speaks when it is asked to, and is spoken over."""

    def __init__(self, trials: int) -> None:
        self._trials = trials
        self.reply = tone()
        self._next = asyncio.Event()
        self._spoken = asyncio.Event()  # if the browser's processing has left nothing of it, this tells the server
        self._heard = asyncio.Queue[tuple[int, float]]()

    async def script(self, wire: Wire) -> None:
        await wire.configure()
        for number in range(self._trials):
            listening = asyncio.create_task(self._next.wait())
            while not listening.done():
                await wire.next_event()
            self._next.clear()
            await speak(wire, number, self.reply)
            hearing = asyncio.create_task(hear_loud(wire))
            spoken = asyncio.create_task(self._spoken.wait())
            await asyncio.wait({hearing, spoken}, return_when=asyncio.FIRST_COMPLETED)
            for task in (hearing, spoken):
                task.cancel()
            await asyncio.gather(hearing, spoken, return_exceptions=True)
            await asyncio.sleep(ROUND_TRIP)
            await wire.say("input_audio_buffer.speech_started", item_id=f"over{number}", audio_start_ms=0)
            name = "conversation.item.input_audio_transcription.delta"
            await wire.say(name, item_id=f"over{number}", content_index=0, delta="What")
            while (event := await wire.next_event())["type"] != "conversation.item.truncate":
                pass
            assert (event["item_id"], event["content_index"]) == (f"reply{number}", 0)
            self._heard.put_nowait((event["audio_end_ms"], asyncio.get_running_loop().time()))
            await wire.say("input_audio_buffer.speech_stopped", item_id=f"over{number}", audio_end_ms=0)
        await wire.until_closed()

    async def run(self, somebody: Person) -> list[Trial]:
        """Start, and speak over every reply."""
        await somebody.talk.start()
        await somebody.talk.is_in("listening")
        return [await self._run(somebody) for _ in range(self._trials)]

    async def _run(self, somebody: Person) -> Trial:
        await somebody.opens_the_microphone_anew()
        begin = somebody.heard.seconds
        self._spoken.clear()
        self._next.set()
        await somebody.is_spoken_to()
        await somebody.hears_a_tone(begin)
        await somebody.says("sentence")
        self._spoken.set()
        heard_ms, truncated_at = await within(20, self._heard.get())
        truncated = somebody.heard.seconds - asyncio.get_running_loop().time() + truncated_at
        tones = somebody.tones(begin)
        played_ms = 1000 * sum(end - begin for begin, end in tones)
        since_ms = [1000 * (moment - somebody.spoke_at) for moment in (tones[-1][1], truncated)]
        return Trial(round(since_ms[0]), round(since_ms[1]), round(heard_ms - played_ms))


@asynccontextmanager
async def spoken_over(
    chrome: str, place: Path, trials: int, dialect: str = "ga", script: str = ""
) -> AsyncIterator[tuple[Person, Server]]:
    """Open the page, replies aloud, with a server for so many trials."""
    server = Server(trials)
    async with (
        scripted(server.script, place, dialect) as app,
        person(chrome, place, app.url, script) as somebody,
    ):
        yield somebody, server
