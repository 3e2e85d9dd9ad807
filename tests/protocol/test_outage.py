"""The fault table of the wire: real speech to the real practice server, over a cable that fails at every moment.

For each: how long until the session went on, and whether every word was heard and answered, once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from tests.cable import Cable
from tests.clips import clip, cut
from tests.patience import until
from tests.protocol.reader import Reader, session_with
from voice_ui import audio
from voice_ui.offline.server import PracticeServer, serve
from voice_ui.servers import Endpoint
from voice_ui.session import Phase, RealtimeSession

WORDS = "what is seven plus five"
ANSWER = "12"

Trouble = Callable[["Talk"], Awaitable[None]]


class Talk:
    """One person talking over one cable."""

    def __init__(self, session: RealtimeSession, reader: Reader, cable: Cable) -> None:
        self.session, self.reader, self.cable = session, reader, cable
        self.spoken_ms = 0.0

    async def speak(self, pcm: bytes) -> None:
        """Say it at the pace of speech."""
        start = time.monotonic() - self.spoken_ms / 1000
        for piece in cut(pcm):
            self.session.append_audio(piece)
            self.spoken_ms += audio.milliseconds(piece)
            await asyncio.sleep(max(0.0, start + self.spoken_ms / 1000 - time.monotonic()))

    async def at(self, moment_ms: float) -> None:
        """Wait until so much was said."""
        await until(lambda: self.spoken_ms >= moment_ms, what=f"{moment_ms} ms were said")

    async def while_it_is(self, *phases: Phase) -> None:
        await until(lambda: self.session.state.phase in phases, what=f"it is {phases}")

    @property
    def is_lost(self) -> bool:
        return self.session.state.shown == "reconnecting"

    @property
    def heard(self) -> list[str]:
        texts = [item.text for item in self.session.conversation.items if item.role == "user" and item.text]
        return [text.lower().strip(" ?.") for text in texts]

    @property
    def answers(self) -> list[str]:
        """Complete replies; what was cut off is not one."""
        items = self.session.conversation.items
        return [item.text for item in items if item.role == "assistant" and item.status == "completed"]


@asynccontextmanager
async def talking(session_seconds: float = 3600) -> AsyncIterator[tuple[Talk, PracticeServer]]:
    async with serve(session_seconds=session_seconds) as server:
        await server.warm()
        cable = Cable(urlsplit(server.url).port or 0)
        async with cable.laid() as port:
            endpoint = Endpoint("the practice server", f"ws://127.0.0.1:{port}/v1/realtime?model=m", "m")
            async with session_with(endpoint, alone=False) as (session, reader):
                session.start()
                await until(lambda: session.state.phase is Phase.LISTENING)
                yield Talk(session, reader, cable), server
            await until(lambda: server.sessions == 0, what="nothing is left running")


async def before_the_words(talk: Talk) -> None:
    await talk.at(600)
    talk.cable.cut()


async def before_speech_started(talk: Talk) -> None:
    await talk.at(600)
    talk.cable.cut_at_the_next_answer()
    await until(lambda: talk.cable.connections == 2, what="its first word is lost")


async def in_the_words(talk: Talk) -> None:
    await talk.at(1800)
    talk.cable.cut()


async def after_the_words(talk: Talk) -> None:
    await talk.at(3000)
    talk.cable.cut()


async def at_commit(talk: Talk) -> None:
    await talk.while_it_is(Phase.THINKING, Phase.ANSWERING)  # the practice server may answer within milliseconds
    talk.cable.cut()


async def in_the_reply(talk: Talk) -> None:
    await talk.while_it_is(Phase.ANSWERING)
    talk.cable.cut()


async def for_four_seconds(talk: Talk) -> None:
    await talk.at(1500)
    talk.cable.pull()
    await talk.at(5500)
    talk.cable.plug()


async def half_open(talk: Talk) -> None:
    await talk.at(1500)
    talk.cable.go_dead()
    await until(lambda: talk.cable.connections == 2, 30, what="the dead link is noticed")


async def half_open_before_the_words(talk: Talk) -> None:
    await talk.at(300)
    talk.cable.go_dead()
    await until(lambda: talk.cable.connections == 2, 30, what="the dead link is noticed")


async def five_flaps(talk: Talk) -> None:
    for number in range(5):
        await talk.at(1000 + 450 * number)
        talk.cable.cut()


async def a_bent_byte(talk: Talk) -> None:
    await talk.at(1500)
    talk.cable.at_byte(talk.cable.carried + 700, lambda data: bytes([data[0] ^ 0xFF]) + data[1:])
    await until(lambda: talk.cable.connections == 2, what="the server will not have it")


async def a_slow_wire(talk: Talk) -> None:
    talk.cable.bytes_per_second = 40_000  # speech takes 66,000
    await talk.at(5000)
    talk.cable.bytes_per_second = None


async def stop_and_a_cut(talk: Talk) -> None:
    await talk.at(3000)
    talk.session.stop()
    talk.cable.cut()


TROUBLES: list[Trouble] = [
    before_the_words, before_speech_started, in_the_words, after_the_words, at_commit, in_the_reply, for_four_seconds,
    half_open, half_open_before_the_words, five_flaps, a_bent_byte, a_slow_wire, stop_and_a_cut,
]  # fmt: skip


AT_ONCE = 4
"""So many people talk at once; one after the other, the table would take a minute and a half."""


async def meet(trouble: Trouble) -> str:
    """Go through one trouble; return its row of the table."""
    async with talking() as (talk, _):
        speaking = asyncio.create_task(talk.speak(clip("question.wav") + audio.silence(20_000)))
        await trouble(talk)
        start = time.monotonic()
        if trouble is not a_slow_wire:
            await until(lambda: talk.cable.connections > 1 and not talk.is_lost, what="it goes on")
        recovered = time.monotonic() - start
        await until(lambda: talk.answers, 60, what="an answer")
        answered = time.monotonic() - start
        await until(lambda: talk.session.state.phase in {Phase.LISTENING, Phase.IDLE})
        speaking.cancel()
        assert talk.heard == [WORDS]
        assert len(talk.answers) == 1 and ANSWER in talk.answers[0]
        assert set(talk.reader.codes) <= {"connection-lost", "server-unreachable"}
        heard = f"{len(talk.heard[0].split())} of {len(WORDS.split())} words heard"
        return f"{trouble.__name__:25} went on after {recovered:4.1f} s, answered after {answered:4.1f} s, {heard}"


@pytest.mark.long
async def test_every_word_is_heard_and_answered_once(report: Callable[[str], None]) -> None:
    seats = asyncio.Semaphore(AT_ONCE)

    async def seated(trouble: Trouble) -> str:
        async with seats:
            return await meet(trouble)

    rows = await asyncio.gather(*(seated(trouble) for trouble in TROUBLES), return_exceptions=True)
    for row in rows:
        report(f"{row}")
    failed = [trouble.__name__ for trouble, row in zip(TROUBLES, rows, strict=True) if isinstance(row, BaseException)]
    assert not failed, rows


@pytest.mark.long
async def test_a_session_that_expires_is_renewed_between_the_turns_and_nobody_notices() -> None:
    async with talking(session_seconds=6) as (talk, _):
        await talk.speak(clip("question.wav"))
        await until(lambda: len(talk.answers) == 1)
        speaking = asyncio.create_task(talk.speak(audio.silence(10_000)))
        await until(lambda: talk.cable.connections == 2, what="a new session")
        speaking.cancel()
        await talk.speak(clip("question.wav"))
        await until(lambda: len(talk.answers) == 2)
        assert talk.heard == [WORDS, WORDS]
        assert "reconnecting" not in talk.reader.shown and not talk.reader.problems
