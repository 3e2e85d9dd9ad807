"""Words come out of real worker processes, the right ones, whatever happens to the processes or to other speakers."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.clips import ROOT, clip, cut, real_voice
from tests.patience import SECOND, until, within
from voice_ui import audio
from voice_ui.offline.recognizer import Recognizer, RecognizerUnavailable, process
from voice_ui.offline.recognizer.utterance import LONGEST

pytest.importorskip("pocketsphinx")

SUM = clip("question.wav")[len(audio.silence(700)) : -len(audio.silence(1500))]
TIME = clip("two_turns.wav")[len(audio.silence(6200)) :]
SUM_WORDS, TIME_WORDS = "what is seven plus five", "what time is it"


@asynccontextmanager
async def recognizer(workers: int = 2) -> AsyncIterator[Recognizer]:
    opened = Recognizer(workers)
    try:
        yield opened
    finally:
        await within(10, opened.close())
        assert not opened.pids


async def words(recognizer: Recognizer, pcm: bytes) -> str:
    utterance = recognizer.listen()
    for chunk in cut(pcm):
        utterance.feed(chunk)
        await asyncio.sleep(0)
    return await within(20, utterance.finish())


async def test_it_understands_a_question_word_for_word() -> None:
    async with recognizer() as ears:
        assert await words(ears, SUM) == SUM_WORDS
        assert await words(ears, TIME) == TIME_WORDS
        assert len(ears.pids) == 1  # one person needs one


async def test_it_does_not_matter_how_the_audio_comes() -> None:
    async with recognizer() as ears:
        utterance = ears.listen()
        utterance.feed(SUM)
        assert await within(20, utterance.finish()) == SUM_WORDS


@pytest.mark.parametrize(
    ("name", "said"),
    {
        "ps_librivox_0930.wav": "he might even have been made amiable himself",
        "lj001_0008.wav": "has never been surpassed",
    }.items(),
)
async def test_most_words_of_a_real_voice_are_right(name: str, said: str) -> None:
    async with recognizer() as ears:
        heard = (await words(ears, real_voice(name))).split()
        assert sum(word in heard for word in said.split()) >= 0.6 * len(said.split())


async def test_most_of_the_work_is_done_while_the_person_speaks() -> None:
    async with recognizer(1) as ears:
        await ears.warm()
        utterance = ears.listen()
        utterance.feed(SUM)
        other = ears.listen()
        other.feed(TIME)
        await until(lambda: utterance.heard_bytes >= len(SUM) - len(audio.silence(100)), what="it has listened")
        assert not utterance.over
        assert await within(20, utterance.finish()) == SUM_WORDS


@pytest.mark.parametrize("wait_s", [2, 6])
async def test_who_waits_before_they_speak_is_understood_as_well(wait_s: int) -> None:
    hiss = random.Random(1)
    quiet = struct.pack(f"<{wait_s * 24_000}h", *(hiss.randint(-30, 30) for _ in range(wait_s * 24_000)))
    async with recognizer() as ears:
        assert await words(ears, audio.silence(500) + quiet + SUM) == SUM_WORDS


async def test_no_words_are_an_empty_text() -> None:
    async with recognizer() as ears:
        assert await words(ears, audio.silence(1500)) == ""
        assert await words(ears, audio.silence(20)) == ""
        assert await words(ears, b"") == ""


async def test_a_cancelled_utterance_never_answers_for_another() -> None:
    async with recognizer(1) as ears:
        await ears.warm()
        for part in (2, 3, 1):
            cancelled = ears.listen()
            for chunk in cut(SUM)[:: 1 if part == 1 else part]:
                cancelled.feed(chunk)
                await asyncio.sleep(0.001)
            finishing = asyncio.create_task(cancelled.finish()) if part == 1 else None
            await asyncio.sleep(0)
            cancelled.cancel()
            cancelled.cancel()
            assert await words(ears, TIME) == TIME_WORDS
            assert await within(1, finishing or cancelled.finish()) == ""


async def test_a_finish_nobody_waits_for_any_more_frees_the_worker() -> None:
    async with recognizer(1) as ears:
        await ears.warm()
        utterance = ears.listen()
        utterance.feed(SUM)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(utterance.finish(), 0.001)
        assert await words(ears, TIME) == TIME_WORDS


async def test_four_people_at_once_share_two_workers() -> None:
    async with recognizer() as ears:
        heard = await asyncio.gather(*(words(ears, pcm) for pcm in (SUM, TIME, SUM, TIME)))
        assert heard == [SUM_WORDS, TIME_WORDS, SUM_WORDS, TIME_WORDS]
        assert len(ears.pids) <= 2


async def test_who_talks_and_talks_does_not_keep_others_waiting() -> None:
    async with recognizer(1) as ears:
        talker = ears.listen()
        talker.feed(SUM)
        await until(lambda: talker.heard_bytes > 0, 20, what="the talker has the worker")
        assert await words(ears, TIME) == TIME_WORDS
        assert await within(20, talker.finish()) == SUM_WORDS


async def test_when_a_worker_dies_the_words_come_from_another() -> None:
    async with recognizer(1) as ears:
        utterance = ears.listen()
        utterance.feed(SUM)
        await until(lambda: utterance.heard_bytes > 0, 20, what="a worker listens")
        (dead,) = ears.pids
        os.kill(dead, signal.SIGTERM)
        assert await within(20, utterance.finish()) == SUM_WORDS
        assert dead not in ears.pids


async def test_a_worker_that_dies_while_idle_is_replaced() -> None:
    async with recognizer(1) as ears:
        await ears.warm()
        (dead,) = ears.pids
        os.kill(dead, signal.SIGTERM)
        assert await words(ears, TIME) == TIME_WORDS
        assert dead not in ears.pids


async def test_an_utterance_no_worker_survives_is_given_up() -> None:
    async with recognizer(1) as ears:
        utterance = ears.listen()
        utterance.feed(SUM)
        finishing = asyncio.create_task(utterance.finish())
        killed: set[int] = set()

        def kill_all() -> bool:
            for pid in ears.pids - killed:
                os.kill(pid, signal.SIGTERM)
                killed.add(pid)
            return finishing.done()

        await until(kill_all, 20, what="it is given up")
        with pytest.raises(RecognizerUnavailable, match="twice"):
            await finishing
        assert await words(ears, TIME) == TIME_WORDS  # the next one is not to blame


async def test_closing_ends_every_process_and_every_wait() -> None:
    async with recognizer() as ears:
        utterances = [ears.listen() for _ in range(3)]
        for utterance in utterances:
            utterance.feed(SUM)
        waits = [asyncio.create_task(utterance.finish()) for utterance in utterances]
        await until(lambda: len(ears.pids) == 2, what="both workers run")
        await ears.close()
        assert not ears.pids
        for wait in waits:
            with pytest.raises(RecognizerUnavailable):
                await within(1, wait)
        with pytest.raises(RecognizerUnavailable):
            await ears.listen().finish()


async def test_without_pocketsphinx_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pocketsphinx.py").write_text("raise ImportError('not for this Python')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with recognizer() as ears:
        with pytest.raises(RecognizerUnavailable, match="not for this Python"):
            await within(10, ears.warm())
        with pytest.raises(RecognizerUnavailable, match="not for this Python"):
            await words(ears, SUM)


async def test_an_utterance_keeps_a_minute_and_no_more() -> None:
    async with recognizer() as ears:
        utterance = ears.listen()
        for _ in range(70):
            utterance.feed(audio.silence(1000))
        assert utterance.length == LONGEST
        utterance.cancel()
        assert utterance.length == 0


async def test_a_killed_server_leaves_no_worker_behind() -> None:
    """The worker shares the server's standard error, which is closed only when both are gone."""
    code = """
import asyncio
from voice_ui.offline.recognizer import Recognizer
async def main():
    recognizer = Recognizer()
    await recognizer.warm()
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=pipe, stderr=pipe)
    assert server.stdout and server.stderr
    assert await within(20, server.stdout.readline()) == b"ready\n"
    server.kill()
    assert await within(10, server.stderr.read()) == b""
    await server.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a process group")
async def test_ctrl_c_is_left_to_the_server() -> None:
    pipe = asyncio.subprocess.PIPE
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-P", process.__file__, str(audio.SAMPLE_RATE), stdin=pipe, stdout=pipe
    )
    assert worker.stdin and worker.stdout
    await within(20, worker.stdout.readexactly(process.HEADER.size))
    worker.send_signal(signal.SIGINT)
    worker.stdin.write(process.HEADER.pack(process.BEGIN, len(TIME)) + TIME)
    worker.stdin.write(process.HEADER.pack(process.HEAR, len(TIME)) + TIME + process.HEADER.pack(process.FINISH, 0))
    answer = await within(20, worker.stdout.readexactly(3 * process.HEADER.size + len(TIME_WORDS)))
    assert answer.decode().endswith(TIME_WORDS)
    worker.stdin.close()
    async with asyncio.timeout(10 * SECOND):
        assert await worker.wait() == 0
