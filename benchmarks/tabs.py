"""Many simulated tabs in a process of their own.

    python -m benchmarks.tabs URL [--tabs 20] [--bare]

Once all are where chunks are taken it writes `ready`. Then each line it reads is a `Talk` in JSON, and each line it
writes what came of it, a `Told`. With `--bare` the address is that of benchmarks/floor.py, and a tab is its bare page.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import wave
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from benchmarks import stamp
from benchmarks.loop import run
from benchmarks.tab import BareTab, PageTab, Shown, Tab
from voice_ui import audio

CLIP = Path(__file__).parents[1] / "assets" / "question.wav"

LAST_SECONDS = 1.0
"""What is on its way when a talk ends has so long to arrive."""

OPENING = 8
"""Tabs that connect at the same time."""


@dataclass(frozen=True)
class Talk:
    """What every tab is to do."""

    chunks: int
    chunk_ms: float = audio.CHUNK_MS
    """From one chunk to the next; 0 is as fast as they are taken."""
    every: int = 0
    """Of so many chunks one asks for a reply, 0: none does. Their number must be a multiple of it."""
    deltas: int = 0
    """Of a reply."""
    delta_ms: int = 20
    breathes: bool = True
    """Whether chunks get longer when the page is asked for that."""


@dataclass
class Told:
    """What all tabs together saw."""

    seconds: float
    """From the first chunk to the last."""
    chunks: int
    deltas: int
    """Asked for, and so expected."""
    down: list[float] = field(default_factory=list)
    """Seconds that each delta took from the realtime server to the tab."""
    bytes_up: int = 0
    bytes_down: int = 0
    busy: float = 0.0
    """The share of a core that the tabs themselves took."""


class Crowd:
    """The tabs, and what they say."""

    def __init__(self, url: str, *, tabs: int, bare: bool) -> None:
        kind = BareTab if bare else PageTab
        self._down: list[float] = []
        self._tabs: list[Tab] = [kind(url, self._listener()) for _ in range(tabs)]
        self._said = clip()

    def _listener(self) -> Shown:
        newest = 0.0

        def shown(now: float, texts: list[str]) -> None:
            nonlocal newest
            # A set: what was just written may stand in the history in the same moment.
            moments = {moment for text in texts if text.startswith(" ") for moment in stamp.newer(text, newest)}
            newest = max(moments, default=newest)
            self._down += [now - moment for moment in moments]

        return shown

    async def open(self) -> None:
        """Connect them all."""
        gate = asyncio.Semaphore(OPENING)

        async def through(tab: Tab) -> None:
            async with gate:
                await tab.open()

        await asyncio.gather(*(through(tab) for tab in self._tabs))
        self._reading = [asyncio.create_task(tab.read_loop(), name="read") for tab in self._tabs]

    async def talk(self, talk: Talk) -> Told:
        """Let all tabs do it at once, each a little later than the one before."""
        self._down = []
        before = [(tab.wire.sent, tab.wire.received) for tab in self._tabs]
        start, used = time.monotonic(), time.process_time()
        places = [(tab, place / len(self._tabs)) for place, tab in enumerate(self._tabs)]
        await asyncio.gather(*(self._speak(tab, talk, place, start) for tab, place in places))
        seconds, busy = time.monotonic() - start, time.process_time() - used
        replies = talk.chunks // talk.every if talk.every else 0
        told = Told(seconds, talk.chunks * len(self._tabs), replies * talk.deltas * len(self._tabs))
        await self._arrive(told.deltas)
        if gone := [task for task in self._reading if task.done()]:
            raise ConnectionError(f"{len(gone)} of {len(self._tabs)} tabs lost their connection")
        told.down, told.busy = self._down, busy / seconds
        for tab, (sent, received) in zip(self._tabs, before, strict=True):
            told.bytes_up += tab.wire.sent - sent
            told.bytes_down += tab.wire.received - received
        return told

    async def _speak(self, tab: Tab, talk: Talk, place: float, start: float) -> None:
        """Say it all; at its place among the others, from 0 to 1, a tab says each chunk, and asks for its replies."""
        for number in range(talk.chunks):
            due = start + (number + place) * talk.chunk_ms / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            asks = bool(talk.every) and number % talk.every == int(place * talk.every)
            mark = stamp.Stamp(time.monotonic(), talk.deltas if asks else 0, talk.delta_ms)
            await tab.speak(mark.on(self._said[number % len(self._said)]), breathes=talk.breathes)
        await tab.flush()

    async def _arrive(self, deltas: int) -> None:
        """Wait for the last words as long as words come."""
        came = -1
        while came < len(self._down) < deltas:
            came = len(self._down)
            await asyncio.sleep(LAST_SECONDS)
        await asyncio.sleep(LAST_SECONDS / 5)  # for the last chunk


def clip() -> list[bytes]:
    """Return somebody's question in chunks."""
    with wave.open(str(CLIP), "rb") as file:
        pcm = file.readframes(file.getnframes())
    step = len(audio.silence(audio.CHUNK_MS))
    return [pcm[at : at + step] for at in range(0, len(pcm) - step + 1, step)]


async def _serve(crowd: Crowd) -> None:
    await crowd.open()
    _write(b"ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        _write(orjson.dumps(asdict(await crowd.talk(Talk(**orjson.loads(line))))))


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Read the command line and serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tabs")
    parser.add_argument("url")
    parser.add_argument("--tabs", type=int, default=20)
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    run(_serve(Crowd(options.url, tabs=options.tabs, bare=options.bare)))


if __name__ == "__main__":
    main()
