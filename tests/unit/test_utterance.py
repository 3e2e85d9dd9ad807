"""Which part of an utterance is transcribed when, without a model: the test plays the recogniser."""

from __future__ import annotations

import asyncio

from tests.clips import clip
from voice_ui import audio
from voice_ui.offline.recognizer.utterance import CUT_ALWAYS, Job, Urgency, Utterance

SPEECH = clip("question.wav")[len(audio.silence(1000)) : -len(audio.silence(2400))]
QUIET = audio.silence(300)


def utterance(shown: list[str] | None = None) -> Utterance:
    return Utterance(lambda: None, (shown if shown is not None else []).append, partials=True)


def transcribe(said: Utterance, text: str) -> Job:
    job = said.job()
    assert job is not None
    assert len(said.begin(job)) == job.end - job.start
    said.done(job, text)
    return job


def finished(said: Utterance) -> str | None:
    async def finish() -> str | None:
        finishing = asyncio.create_task(said.finish())
        await asyncio.sleep(0)
        done = finishing.done()
        finishing.cancel()
        return finishing.result() if done else None

    return asyncio.run(finish())


def test_nothing_is_transcribed_before_there_is_something() -> None:
    said = utterance()
    said.feed(audio.silence(700))
    assert said.job() is None


def test_parts_are_transcribed_again_as_they_grow() -> None:
    shown: list[str] = []
    said = utterance(shown)
    said.feed(SPEECH[: len(audio.silence(900))])
    assert transcribe(said, "What is.").urgency is Urgency.PARTIAL
    said.feed(SPEECH[len(audio.silence(900)) : len(audio.silence(1000))])
    assert said.job() is None
    said.feed(SPEECH[len(audio.silence(1000)) : len(audio.silence(1300))])
    assert transcribe(said, "What is seven").end > len(audio.silence(1200))
    assert shown == ["What is"]


def test_what_was_transcribed_in_a_pause_is_final() -> None:
    said = utterance()
    said.feed(SPEECH + QUIET)
    assert transcribe(said, "What is seven plus five,").quiet
    said.feed(QUIET)
    assert said.job() is None
    assert finished(said) == "What is seven plus five."


def test_what_was_transcribed_before_more_was_said_is_not() -> None:
    said = utterance()
    said.feed(SPEECH + QUIET)
    transcribe(said, "What is seven plus five?")
    said.feed(SPEECH)
    assert finished(said) is None


def test_a_final_transcript_is_more_urgent_than_any_other() -> None:
    said = utterance()
    said.feed(SPEECH)
    assert not said.awaited

    async def run() -> str:
        finishing = asyncio.create_task(said.finish())
        await asyncio.sleep(0)
        assert said.awaited
        assert transcribe(said, "Words.").urgency is Urgency.FINAL
        return await finishing

    assert asyncio.run(run()) == "Words."


def test_a_long_utterance_is_cut_at_a_pause_and_its_parts_are_joined() -> None:
    said = utterance()
    said.feed(SPEECH * 5 + QUIET + QUIET)
    assert transcribe(said, "First.").urgency is Urgency.PART
    said.feed(SPEECH)
    transcribe(said, "Second.")
    said.feed(QUIET)
    transcribe(said, "Second.")
    assert finished(said) == "First. Second."


def test_somebody_who_never_pauses_is_cut_off_too() -> None:
    said = utterance()
    said.feed(SPEECH * 20)
    job = transcribe(said, "Part.")
    assert job.urgency is Urgency.PART
    assert 0.7 * CUT_ALWAYS < job.end <= CUT_ALWAYS


def test_a_job_that_was_not_done_is_given_out_again() -> None:
    said = utterance()
    said.feed(SPEECH)
    job = said.job()
    assert job is not None
    said.begin(job)
    assert said.job() is None
    said.dropped(job)
    assert said.job() is not None
