"""People who talk to a practice server at the same time: how soon each is answered, and what that costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from websockets.asyncio.client import ClientConnection, connect

from voice_ui import audio
from voice_ui.offline import defaults, server
from voice_ui.offline.voice import Hibari

QUESTIONS = (
    "What time is it?",
    "What is seven plus five?",
    "How many kilometers are in twenty miles?",
    "Please set a timer for ten minutes.",
    "Could you tell me what day it is tomorrow?",
)

PEOPLE = (1, 4, 10)

TURNS = 5
"""Of each of them."""

SILENCE_MS = 500
"""Of quiet that ends a turn."""


@dataclass
class Figures:
    """What one number of people measured."""

    answered_ms: list[float] = field(default_factory=list)
    """From the last sample of speech to the first text of the reply."""
    shown_ms: list[float] = field(default_factory=list)
    """From the first sample of speech to the first of its words."""
    stall_ms: float = 0.0
    """The longest time for which the event loop, which is the server's and the talkers', did nothing else."""
    worker_cpu: float = 0.0
    server_cpu: float = 0.0
    """Shares of a core."""
    worker_mb: float = 0.0


async def table() -> str:
    """Return the figures for one, four and ten people."""
    questions = await _spoken()
    lines = [
        "| people | end of speech → first text, p50 / p95 / max | start of speech → first word, p50 "
        "| longest stall | CPU: recogniser, rest | recogniser |",
        "|---|---|---|---|---|---|",
    ]
    for people in PEOPLE:
        found = await _measure(people, questions)
        answered, shown = sorted(found.answered_ms), sorted(found.shown_ms)
        lines.append(
            f"| {people} | {_at(answered, 0.5)} / {_at(answered, 0.95)} / {_at(answered, 1)} ms | {_at(shown, 0.5)} ms "
            f"| {found.stall_ms:.0f} ms | {found.worker_cpu:.0%}, {found.server_cpu:.0%} | {found.worker_mb:.0f} MB |"
        )
    return "\n".join(lines) + f"\n\nThe first figure contains the {SILENCE_MS} ms of quiet that end a turn."


async def _measure(people: int, questions: list[bytes]) -> Figures:
    found = Figures()
    async with server.serve(voice=None, brain=defaults.CannedReplies()) as practice:
        await practice.warm()
        watching = asyncio.create_task(_watch(found))
        pids = practice.parts.recognizer.pids  # type: ignore[attr-defined]
        began, process, worker = time.perf_counter(), time.process_time(), _cpu(pids)
        await asyncio.gather(*(_talk(practice.url, found, questions, place) for place in range(people)))
        seconds = time.perf_counter() - began
        found.server_cpu = (time.process_time() - process) / seconds
        found.worker_cpu = (_cpu(pids) - worker) / seconds
        found.worker_mb = _memory_mb(pids)
        watching.cancel()
    return found


async def _talk(url: str, found: Figures, questions: list[bytes], place: int) -> None:
    async with connect(url, max_size=None) as websocket:
        detection = {"type": "server_vad", "silence_duration_ms": SILENCE_MS}
        session = {"type": "realtime", "output_modalities": ["text"]}
        session["audio"] = {"input": {"turn_detection": detection, "transcription": {"model": "any"}}}  # type: ignore[assignment]
        await websocket.send(orjson.dumps({"type": "session.update", "session": session}), text=True)
        await _say(websocket, audio.silence(500 + 230 * place))
        for turn in range(TURNS):
            pcm = questions[(turn + place) % len(questions)]
            started = time.perf_counter()
            ended = started + audio.milliseconds(pcm) / 1000
            reading = asyncio.create_task(_read(websocket, found, started, ended))
            await _say(websocket, pcm + audio.silence(SILENCE_MS + 1500))
            await reading


async def _say(websocket: ClientConnection, pcm: bytes) -> None:
    began, step = time.perf_counter(), len(audio.silence(40))
    for number, at in enumerate(range(0, len(pcm), step)):
        await asyncio.sleep(began + number * 0.04 - time.perf_counter())
        event = {"type": "input_audio_buffer.append", "audio": audio.encode(pcm[at : at + step])}
        await websocket.send(orjson.dumps(event), text=True)


async def _read(websocket: ClientConnection, found: Figures, started: float, ended: float) -> None:
    shown = answered = False
    async for message in websocket:
        now, type = time.perf_counter(), orjson.loads(message)["type"]
        if type == "conversation.item.input_audio_transcription.delta" and not shown:
            shown = True
            found.shown_ms.append((now - started) * 1000)
        elif type == "response.output_text.delta" and not answered:
            answered = True
            found.answered_ms.append((now - ended) * 1000)
        elif type == "response.done":
            return


async def _watch(found: Figures) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        found.stall_ms = max(found.stall_ms, (time.perf_counter() - before - 0.005) * 1000)


async def _spoken() -> list[bytes]:
    """Return the questions as a voice asks them, without the quiet around them."""
    voice = Hibari()

    async def pieces() -> AsyncIterator[str]:
        for question in QUESTIONS:
            yield f"{question}\n"

    found = [_trimmed(pcm) async for _, pcm in voice.speak(pieces(), speed=1.0)]
    await voice.close()
    return found


def _trimmed(pcm: bytes) -> bytes:
    step = len(audio.silence(10))
    loud = [at for at in range(0, len(pcm), step) if audio.peak(pcm[at : at + step]) > 600]
    return pcm[loud[0] : loud[-1] + step]


def _cpu(pids: set[int]) -> float:
    """Return the seconds of processor time of processes; 0 where /proc is unknown."""
    ticks = 0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        ticks += sum(map(int, stat.read_text().rpartition(") ")[2].split()[11:13])) if stat.exists() else 0
    return ticks / 100


def _memory_mb(pids: set[int]) -> float:
    lines = [line for pid in pids if (path := Path(f"/proc/{pid}/status")).exists() for line in path.open()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _at(ordered: list[float], share: float) -> str:
    return f"{ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.0f}" if ordered else "–"
