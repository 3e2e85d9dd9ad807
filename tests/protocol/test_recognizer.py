"""Words come out of a real worker process, the right ones, whatever happens to the process or to other speakers."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.clips import clip, cut, real_voice
from tests.patience import until, within
from voice_ui import audio
from voice_ui.offline.recognizer import Recognizer, RecognizerUnavailable, Utterance
from voice_ui.offline.recognizer.moonshine import folder
from voice_ui.offline.recognizer.recognizer import MOONSHINE
from voice_ui.offline.recognizer.utterance import LONGEST

if folder() is None:
    pytest.skip("no wheel of moonshine-voice here", allow_module_level=True)

SUM = clip("question.wav")[len(audio.silence(700)) : -len(audio.silence(1500))]
TIME = clip("two_turns.wav")[len(audio.silence(6200)) :]
SUM_WORDS, TIME_WORDS = "What is seven plus five?", "What time is it?"


@asynccontextmanager
async def recognizer(module: str | None = None) -> AsyncIterator[Recognizer]:
    opened = Recognizer(module) if module else Recognizer()
    try:
        yield opened
    finally:
        await within(10, opened.close())
        assert not opened.pids


async def words(recognizer: Recognizer, pcm: bytes, chunk_ms: int = 20) -> str:
    utterance = recognizer.listen()
    for chunk in cut(pcm, chunk_ms):
        utterance.feed(chunk)
        await asyncio.sleep(0)
    return await within(20, utterance.finish())


async def all_shown(utterance: Utterance) -> None:
    await until(lambda: utterance.job() is None and not utterance.busy, 20, what="all partial transcripts are made")


def hiss(seconds: float, peak: int) -> bytes:
    noise = random.Random(1)
    count = round(seconds * audio.SAMPLE_RATE)
    return struct.pack(f"<{count}h", *(noise.randint(-peak, peak) for _ in range(count)))


@pytest.mark.parametrize("chunk_ms", [20, 60_000])
async def test_it_understands_a_question_word_for_word(chunk_ms: int) -> None:
    async with recognizer() as listening:
        assert await words(listening, SUM, chunk_ms) == SUM_WORDS
        assert await words(listening, TIME, chunk_ms) == TIME_WORDS
        assert len(listening.pids) == 1
        assert listening.name == MOONSHINE


@pytest.mark.parametrize(
    ("name", "said"),
    {
        "jfk.wav": "and so my fellow americans ask not what your country can do for you",
        "ps_librivox_0930.wav": "he might even have been made amiable himself",
        "lj001_0008.wav": "has never been surpassed",
    }.items(),
)
async def test_a_real_voice_is_understood(name: str, said: str) -> None:
    async with recognizer() as listening:
        heard = (await words(listening, real_voice(name))).lower().replace(".", "").split()
        assert sum(word in heard for word in said.split()) >= 0.85 * len(said.split())


async def test_words_are_shown_while_the_person_speaks() -> None:
    async with recognizer() as listening:
        await listening.warm()
        shown: list[str] = []
        utterance = listening.listen(shown.append)
        for chunk in cut(SUM, 100):
            utterance.feed(chunk)
            await all_shown(utterance)
        assert len(shown) > 1
        assert "".join(shown) == SUM_WORDS.removesuffix("?")


async def test_after_a_pause_the_words_are_there_at_once() -> None:
    async with recognizer() as listening:
        await listening.warm()
        shown: list[str] = []
        utterance = listening.listen(shown.append)
        for chunk in cut(SUM + audio.silence(300), 100):
            utterance.feed(chunk)
            await all_shown(utterance)
        utterance.feed(audio.silence(200))
        finishing = asyncio.create_task(utterance.finish())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert finishing.done()
        assert finishing.result() == SUM_WORDS


async def test_a_long_monologue_is_cut_at_pauses_and_keeps_its_words() -> None:
    async with recognizer() as listening:
        pcm = (SUM + audio.silence(500) + TIME + audio.silence(500)) * 4
        heard = await words(listening, pcm, 100)
        assert heard == " ".join([SUM_WORDS, TIME_WORDS] * 4)


async def test_who_waits_before_they_speak_is_understood_as_well() -> None:
    async with recognizer() as listening:
        assert await words(listening, audio.silence(500) + hiss(30, 30) + SUM) == SUM_WORDS


@pytest.mark.parametrize(
    "pcm", [b"", audio.silence(20), audio.silence(1500), hiss(2, 3000), hiss(0.1, 20_000) + audio.silence(600)]
)
async def test_where_nobody_speaks_there_are_no_words(pcm: bytes) -> None:
    async with recognizer() as listening:
        assert await words(listening, pcm) == ""


async def test_a_cancelled_utterance_never_answers_for_another() -> None:
    async with recognizer() as listening:
        await listening.warm()
        for part in (2, 3, 1):
            cancelled = listening.listen()
            for chunk in cut(SUM)[::part]:
                cancelled.feed(chunk)
                await asyncio.sleep(0.001)
            finishing = asyncio.create_task(cancelled.finish()) if part == 1 else None
            await asyncio.sleep(0)
            cancelled.cancel()
            cancelled.cancel()
            assert await words(listening, TIME) == TIME_WORDS
            assert await within(1, finishing or cancelled.finish()) == ""


async def test_a_finish_nobody_waits_for_any_more_holds_up_nobody() -> None:
    async with recognizer() as listening:
        await listening.warm()
        utterance = listening.listen()
        utterance.feed(SUM)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(utterance.finish(), 0.001)
        assert await words(listening, TIME) == TIME_WORDS


async def test_four_people_at_once() -> None:
    async with recognizer() as listening:
        heard = await asyncio.gather(*(words(listening, pcm) for pcm in (SUM, TIME, SUM, TIME)))
        assert heard == [SUM_WORDS, TIME_WORDS, SUM_WORDS, TIME_WORDS]
        assert len(listening.pids) == 1


async def test_a_final_transcript_does_not_wait_for_a_partial_one() -> None:
    async with recognizer("tests.servers.transcriber_partials_forever") as listening:
        await listening.warm()
        listening.name = MOONSHINE
        talker = listening.listen()
        talker.feed(SUM)
        await until(lambda: talker.busy, what="a partial transcript is being made, for ever")
        other = listening.listen()
        other.feed(TIME[:4800])
        assert await within(10, other.finish()) == "4800 bytes"
        assert not talker.over


async def test_when_the_process_dies_the_words_come_from_another() -> None:
    async with recognizer() as listening:
        await listening.warm()
        (dead,) = listening.pids
        os.kill(dead, signal.SIGSTOP)
        utterance = listening.listen()
        utterance.feed(SUM)
        finishing = asyncio.create_task(utterance.finish())
        await until(lambda: utterance.busy, what="the process is to transcribe it")
        os.kill(dead, signal.SIGKILL)
        assert await within(20, finishing) == SUM_WORDS
        assert dead not in listening.pids


async def test_a_process_that_dies_while_idle_is_replaced() -> None:
    async with recognizer() as listening:
        await listening.warm()
        (dead,) = listening.pids
        os.kill(dead, signal.SIGTERM)
        await until(lambda: dead not in listening.pids, what="its end is noticed")
        assert await words(listening, TIME) == TIME_WORDS


async def test_an_utterance_that_no_process_survives_is_given_up() -> None:
    async with recognizer("tests.servers.transcriber_dies") as listening:
        utterance = listening.listen()
        utterance.feed(SUM)
        with pytest.raises(RecognizerUnavailable, match="twice"):
            await within(20, utterance.finish())
        following = listening.listen()
        following.feed(TIME[:4800])
        assert await within(10, following.finish()) == "4800 bytes"  # the next one is not to blame


async def test_closing_ends_the_process_and_every_wait() -> None:
    async with recognizer() as listening:
        utterances = [listening.listen() for _ in range(3)]
        for utterance in utterances:
            utterance.feed(SUM)
        waits = [asyncio.create_task(utterance.finish()) for utterance in utterances]
        await until(lambda: listening.pids, what="the process runs")
        await listening.close()
        assert not listening.pids
        for wait in waits:
            with pytest.raises(RecognizerUnavailable):
                await within(1, wait)
        with pytest.raises(RecognizerUnavailable):
            await listening.listen().finish()


async def test_without_a_recogniser_it_says_why() -> None:
    async with recognizer("tests.servers.worker_unavailable") as listening:
        with pytest.raises(RecognizerUnavailable, match="not on a Tuesday"):
            await within(10, listening.warm())
        with pytest.raises(RecognizerUnavailable, match="not on a Tuesday"):
            await words(listening, SUM)
    async with recognizer("tests.servers.worker_unavailable") as listening:
        with pytest.raises(RecognizerUnavailable, match="not on a Tuesday"):
            await words(listening, SUM)


async def test_an_utterance_keeps_as_much_as_the_buffer_and_no_more() -> None:
    async with recognizer("tests.servers.worker") as listening:
        utterance = listening.listen()
        for _ in range(2 * LONGEST // len(audio.silence(60_000))):
            utterance.feed(audio.silence(60_000))
        assert utterance.length == LONGEST
        utterance.cancel()
        assert utterance.over
