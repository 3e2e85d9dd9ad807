"""The voice says what is written, sentence by sentence, in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.patience import within
from voice_ui import audio
from voice_ui.offline.parts import VoiceUnavailable
from voice_ui.offline.recognizer import Recognizer
from voice_ui.offline.recognizer.moonshine import folder
from voice_ui.offline.voice import Hibari, is_installed


@asynccontextmanager
async def voice(module: str | None = None) -> AsyncIterator[Hibari]:
    opened = Hibari(module) if module else Hibari()
    try:
        yield opened
    finally:
        await within(10, opened.close())


async def pieces(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text
        await asyncio.sleep(0)


async def said(speaking: Hibari, *texts: str, speed: float = 1.0) -> list[tuple[str, bytes]]:
    async with asyncio.timeout(60):
        return [each async for each in speaking.speak(pieces(*texts), speed=speed)]


@pytest.mark.skipif(not is_installed() or folder() is None, reason="no wheel of hibari-tts or moonshine-voice here")
async def test_the_recogniser_understands_what_it_says() -> None:
    recognizer = Recognizer()
    async with voice() as speaking:
        sentences = await said(speaking, "The answer is forty", "-two. ", "It is a quarter past ten.")
        slow = await said(speaking, "The answer is forty-two.", speed=0.6)
        assert [text for text, _ in sentences] == ["The answer is forty-two. ", "It is a quarter past ten."]
        assert 1000 < audio.milliseconds(sentences[0][1]) < 4000
        assert audio.milliseconds(slow[0][1]) > 1.3 * audio.milliseconds(sentences[0][1])
        utterance = recognizer.listen()
        utterance.feed(audio.silence(300) + sentences[0][1] + audio.silence(500))
        assert "answer is" in (await within(30, utterance.finish())).lower()
        await recognizer.close()


async def test_a_sentence_is_spoken_while_the_next_one_is_written() -> None:
    async with voice("tests.servers.worker") as speaking:
        rest = asyncio.Event()

        async def reply() -> AsyncIterator[str]:
            yield "One. Two"
            await rest.wait()
            yield " and three."

        sentences = speaking.speak(reply(), speed=1.0)
        text, pcm = await within(10, anext(sentences))
        assert (text, bool(pcm)) == ("One. ", True)
        rest.set()
        assert (await within(10, anext(sentences)))[0] == "Two and three."
        await sentences.aclose()


async def test_where_there_is_nothing_to_say_nothing_is_said() -> None:
    async with voice("tests.servers.worker") as speaking:
        assert await said(speaking, "… \n", "```x = 1```") == [("… \n", b""), ("```x = 1```", b"")]


async def test_without_a_voice_the_text_still_comes() -> None:
    async with voice("tests.servers.worker_unavailable") as speaking:
        with pytest.raises(VoiceUnavailable, match="not on a Tuesday"):
            await within(10, speaking.warm())
        assert await said(speaking, "Hello.") == [("Hello.", b"")]
