"""What cuts a reply short: noises, back-channels and speech, by setting: `python -m benchmarks.barge_in [CLIPS]`.

Each sound is played into a session of its own while the practice server writes a long reply: real voice detection,
real recognition, a real socket, at the pace of time. Noises are synthesised (`noises`); back-channels and speech are
spoken by flite, where that program is installed, and hibari-tts. `CLIPS` as in `benchmarks.recognition`.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import noises, recognition
from voice_ui import audio
from voice_ui.offline import server
from voice_ui.offline.parts import Piece, ReplyRequest
from voice_ui.protocol import Dialect, SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import ItemChanged, Phase, RealtimeSession

SETTINGS = ("at-once", "words", "never")

NOISES = (
    noises.cough, noises.slam, noises.knock, noises.keyboard, noises.clapping, noises.breath, noises.humming,
    noises.laughter, noises.bark, noises.music,
)  # fmt: skip

SOUNDS = ("Mm-hmm.", "Uh-huh.")
"""Flite spells these out."""

GO_ON = ("Okay.", "Right.", "Yeah.", "I see.")

SPEECH = (
    "Stop.",
    "Wait a moment.",
    "No, that is not what I meant.",
    "What about tomorrow?",
    "Okay, but what does it cost?",
    "Please say that again.",
)

VOICES = ("slt", "rms", "hibari", "awb")

REPLY_SECONDS = 14.0

QUIET_SECONDS = 3.5
"""After the sound: the turn ends, is transcribed and decided."""

SEED = 20261126


@dataclass(frozen=True)
class Sound:
    """Something that is heard over a reply."""

    kind: str
    cuts: bool
    """Whether it is meant to cut the reply short."""
    pcm: bytes


class LongReply:
    """Writes twenty words a second, whatever was said."""

    delta_seconds = 0.05

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Yield them."""
        for number in range(int(REPLY_SECONDS / self.delta_seconds)):
            yield f"word {number} "

    async def close(self) -> None:
        """Nothing to close."""


def sounds(of_a_kind: int, clips: Path | None) -> list[Sound]:
    """Return all sounds, the same at every run."""
    found = []
    for noise in NOISES:
        random = np.random.default_rng(SEED)
        for _ in range(of_a_kind):
            samples = recognition.at_24k(noises.recorded(random, noise), noises.RATE)
            found.append(Sound(noise.__name__.replace("slam", "slammed door"), False, samples.tobytes()))
    found += [Sound("back-channel", False, said(sound, "hibari")) for sound in SOUNDS]
    for sentences, kind, cuts in ((GO_ON, "back-channel", False), (SPEECH, "speech", True)):
        found += [Sound(kind, cuts, said(sentence, voice)) for sentence in sentences for voice in _voices()]
    for clip in recognition.real_clips(clips) if clips else ():
        found.append(Sound("speech, recorded", True, clip.pcm[: 6 * audio.SAMPLE_RATE].tobytes()))
    return found


def said(sentence: str, voice: str) -> bytes:
    """Return a sentence as PCM, without quiet before it."""
    if voice == "hibari":
        from hibari import Hibari

        return _trimmed((Hibari()(sentence, seed=1) * 32_767).astype(np.int16))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        subprocess.run(["flite", "-voice", voice, "-t", sentence, "-o", path], check=True)
        return _trimmed(recognition.at_24k(*recognition.read(path)))


def _voices() -> list[str]:
    return [voice for voice in VOICES if voice == "hibari" or shutil.which("flite")]


def _trimmed(samples: NDArray[np.int16]) -> bytes:
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 600)
    return samples[loud[0] : loud[-1]].tobytes() if len(loud) else samples.tobytes()


async def cut_after(url: str, sound: Sound, setting: str) -> float | None:
    """Return after how many milliseconds the sound cut a reply short; None if it did not."""
    config = SessionConfig(barge_in=setting)
    async with RealtimeSession(Endpoint("practice", url, "", {}, Dialect.GA), config) as session:
        replying, cut = asyncio.Event(), asyncio.Event()
        following = asyncio.create_task(_follow(session, replying, cut))
        hearing = asyncio.create_task(_hear(session, b""))
        session.start()
        session.send_text("Tell me a very long story.")
        async with asyncio.timeout(20):
            await replying.wait()
        await asyncio.sleep(0.7)
        hearing.cancel()
        began = time.perf_counter()
        hearing = asyncio.create_task(_hear(session, sound.pcm))
        seconds = audio.milliseconds(sound.pcm) / 1000 + QUIET_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, REPLY_SECONDS - 3)):
                await cut.wait()
        after = (time.perf_counter() - began) * 1000 if cut.is_set() else None
        for task in (hearing, following):
            task.cancel()
        await asyncio.gather(hearing, following, return_exceptions=True)
        return after


async def _follow(session: RealtimeSession, replying: asyncio.Event, cut: asyncio.Event) -> None:
    async for event in session:
        if session.state.phase is Phase.ANSWERING:
            replying.set()
        if isinstance(event, ItemChanged) and event.item.role == "assistant" and event.item.status == "cancelled":
            cut.set()


async def _hear(session: RealtimeSession, pcm: bytes) -> None:
    """Let the microphone hear this, then the quiet of a room, at the pace of time."""
    room = np.random.default_rng(SEED).normal(0, 12, 2 * audio.SAMPLE_RATE).astype("<i2").tobytes()
    piece = len(audio.silence(20))
    due = time.perf_counter()
    at = 0
    while True:
        source = pcm if at < len(pcm) else room
        start = at if at < len(pcm) else at % (len(room) - piece) // 2 * 2
        session.append_audio(source[start : start + piece])
        at += piece
        due += 0.02
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def measure(every: list[Sound], at_once: int) -> dict[tuple[str, str], list[float | None]]:
    """Play every sound under every setting; return when each cut the reply short, by kind and setting."""
    results: dict[tuple[str, str], list[float | None]] = {}
    free = asyncio.Semaphore(at_once)

    async def one(practice: Any, sound: Sound, setting: str) -> None:
        async with free:
            results.setdefault((sound.kind, setting), []).append(await cut_after(practice.url, sound, setting))

    async with server.serve(brain=LongReply(), voice=None) as practice:
        await practice.warm()
        await asyncio.gather(*(one(practice, sound, setting) for setting in SETTINGS for sound in every))
    return results


def table(every: list[Sound], results: dict[tuple[str, str], list[float | None]]) -> str:
    """Return how many replies were cut short, by kind of sound and setting."""
    lines = ["| heard over a reply | " + " | ".join(f"`{name}`" for name in SETTINGS) + " |", "|---|" + "---|" * 3]
    for kind in dict.fromkeys(sound.kind for sound in every):
        cells = []
        for setting in SETTINGS:
            found = results[kind, setting]
            times = [after for after in found if after is not None]
            median = f", after {statistics.median(times) / 1000:.2f} s" if times else ""
            cells.append(f"{len(times)} of {len(found)} cut{median}")
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    for is_speech, title in ((False, "**false cuts**"), (True, "**missed cuts**")):
        kinds = {sound.kind for sound in every if sound.cuts is is_speech}
        cells = []
        for setting in SETTINGS:
            found = [after for kind in kinds for after in results[kind, setting]]
            wrong = sum((after is None) is is_speech for after in found)
            cells.append(f"{wrong} of {len(found)}")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.barge_in", description=__doc__)
    parser.add_argument("clips", nargs="?", type=Path, help="a folder of recordings with their words")
    parser.add_argument("--of-a-kind", type=int, default=10, help="noises of each kind (default: 10)")
    parser.add_argument("--at-once", type=int, default=6, help="sessions at the same time (default: 6)")
    options = parser.parse_args()
    every = sounds(options.of_a_kind, options.clips)
    sys.stdout.write(f"{table(every, asyncio.run(measure(every, options.at_once)))}\n")


if __name__ == "__main__":
    main()
