"""Many people talking for a while: does memory stay flat, is anything left behind, does it get slower?

    python -m benchmarks.soak [--sessions 20] [--minutes 10]

Each session is the product's own `RealtimeSession` with its websocket transport, in this process; the practice server
is `python -m voice_ui.offline` in another. Everybody says the clip in assets/ at real pace, three times a minute, at
times of their own. Printed once a minute, by this machine's monotonic clock:

* up: a chunk handed to the session → its frame handed to the websocket; down: a message of the reply received → read as
  an event of the session. p95 of all chunks and all messages of that minute, in milliseconds.
* memory (VmRSS), asyncio tasks and file handles of this process, and memory of the server's. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import time
import wave
from array import array
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from voice_ui import audio
from voice_ui.errors import Problem
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import ItemChanged, RealtimeSession, percentile
from voice_ui.transport import Transport, connect

CLIP = Path(__file__).parents[1] / "assets" / "question.wav"
EVERY_SECONDS = 20.0
MEMORY_BOUND = 1.05


class Figures:
    """The milliseconds of one minute."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin another minute."""
        self.up, self.down, self.turns = array("d"), array("d"), 0


class TimedTransport:
    """The product's transport, with a stop watch at its door."""

    def __init__(self, inner: Transport, person: Person) -> None:
        self._inner, self._person = inner, person

    @property
    def alive_at(self) -> float:
        return self._inner.alive_at

    @property
    def patience(self) -> float:
        return self._inner.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._inner.patience = seconds

    @property
    def round_trip_ms(self) -> float | None:
        return self._inner.round_trip_ms

    @property
    def problem(self) -> Problem | None:
        return self._inner.problem

    async def send(self, event: dict[str, Any]) -> None:
        await self._inner.send(event)
        if event["type"] == "input_audio_buffer.append" and self._person.handed:
            self._person.figures.up.append((time.monotonic() - self._person.handed.popleft()) * 1000)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for message in self._inner:
            self._person.received = time.monotonic()
            yield message


class Person:
    """Somebody who says the same thing again and again."""

    def __init__(self, endpoint: Endpoint, figures: Figures) -> None:
        self.figures = figures
        self.handed: deque[float] = deque()
        self.received = 0.0
        config = SessionConfig("Be brief.", transcription_model="practice")
        self.session = RealtimeSession(endpoint, config, connect=self._connect)

    @asynccontextmanager
    async def _connect(self, endpoint: Endpoint) -> AsyncIterator[Transport]:
        async with connect(endpoint) as inner:
            yield TimedTransport(inner, self)

    async def read(self) -> None:
        async for event in self.session:
            if isinstance(event, ItemChanged) and event.item.role == "assistant":
                self.figures.down.append((time.monotonic() - self.received) * 1000)
                self.figures.turns += event.item.status == "completed"

    async def talk(self, said: bytes, quiet_from: int) -> None:
        """Say this for ever, from a place of one's own in its silence on."""
        step = len(audio.silence(audio.CHUNK_MS))
        place, start = random.randrange(quiet_from, len(said), step), time.monotonic()
        for spoken in count(1):
            self.handed.append(time.monotonic())
            self.session.append_audio(said[place : place + step])
            place = (place + step) % len(said)
            await asyncio.sleep(max(0.0, start + spoken * audio.CHUNK_MS / 1000 - time.monotonic()))


def memory_mb(process: int | str) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS: this needs Linux")


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def clip() -> bytes:
    with wave.open(str(CLIP), "rb") as file:
        pcm = file.readframes(file.getnframes())
        whole = len(pcm) - len(pcm) % len(audio.silence(audio.CHUNK_MS))
        return pcm[:whole] if file.getframerate() == audio.SAMPLE_RATE else b""


async def soak(sessions: int, minutes: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voice_ui.offline", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    endpoint = Endpoint("practice", (await process.stdout.readline()).decode().strip() + "?model=m", "m")
    before = (len(asyncio.all_tasks()), handles())
    figures = Figures()
    pcm = clip()
    said = pcm + audio.silence(EVERY_SECONDS * 1000 - audio.milliseconds(pcm))  # one for all: it is not ours to grow
    people = [Person(endpoint, figures) for _ in range(sessions)]
    tasks = []
    for person in people:
        person.session.start()
        tasks += [asyncio.create_task(person.read()), asyncio.create_task(person.talk(said, len(pcm)))]
    sys.stdout.write(f"{sessions} sessions\nminute  up p95  down p95  turns  memory  tasks  handles  server\n")
    memory: list[float] = []
    for minute in range(1, minutes + 1):
        await asyncio.sleep(60)
        minutes_p95 = (percentile(figures.up, 0.95), percentile(figures.down, 0.95) if figures.down else 0.0)
        turns = figures.turns
        figures.begin()
        gc.collect()
        memory.append(memory_mb("self"))
        sys.stdout.write(
            f"{minute:6} {minutes_p95[0]:7.2f} {minutes_p95[1]:9.2f} {turns:6} {memory[-1]:7.1f} "
            f"{len(asyncio.all_tasks()):6} {handles():8} {memory_mb(process.pid):7.1f}\n"
        )
        sys.stdout.flush()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for person in people:
        await person.session.close()
    await asyncio.sleep(1)
    after = (len(asyncio.all_tasks()), handles())
    growth = memory[-1] / memory[0]
    sys.stdout.write(f"memory, last minute / first: {growth:.3f} (bound {MEMORY_BOUND})\n")
    sys.stdout.write(f"tasks and handles before: {before}, after: {after}\n")
    process.terminate()
    await process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=int, default=10)
    arguments = parser.parse_args()
    asyncio.run(soak(arguments.sessions, arguments.minutes))


if __name__ == "__main__":
    main()
