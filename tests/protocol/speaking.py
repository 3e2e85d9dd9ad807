"""A person in front of a session: speaks words that can be counted, keeps quiet, clicks with the tongue."""

from __future__ import annotations

import asyncio

from tests.clips import cut
from tests.servers.words import word
from voice_ui import audio
from voice_ui.session import RealtimeSession


async def say(session: RealtimeSession, *numbers: int) -> None:
    """Say words at the pace of speech."""
    for number in numbers:
        await hear(session, word(number))


async def keep_quiet(session: RealtimeSession, seconds: float) -> None:
    """Let the microphone hear silence."""
    await hear(session, audio.silence(seconds * 1000))


async def hear(session: RealtimeSession, pcm: bytes) -> None:
    """Let the microphone hear this, at the pace of time."""
    for piece in cut(pcm):
        session.append_audio(piece)
        await asyncio.sleep(audio.milliseconds(piece) / 1000)


def burst(session: RealtimeSession, *numbers: int) -> None:
    """Say words all at once, as a browser does that was out of touch."""
    for number in numbers:
        for piece in cut(word(number)):
            session.append_audio(piece)
