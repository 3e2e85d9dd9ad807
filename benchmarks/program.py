"""The programs that are measured, and those that measure, each in a process of its own; and what a process used."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from urllib.request import urlopen

import orjson

from benchmarks.tabs import Talk, Told

ROOT = Path(__file__).parents[1]

READY_SECONDS = 60.0

LAST_SECONDS = 1.0
"""Without another chunk for this long, none is on its way."""

APP = """
import dataclasses, os
os.environ.pop("PYTEST_CURRENT_TEST", None)  # NiceGUI would take it for its own
from voice_ui import app, settings
chosen = settings.load(["--no-open", "--host", "127.0.0.1", "--port", "{port}"])
chosen = dataclasses.replace(chosen, azure_openai_endpoint=None, openai_api_key=None, openai_base_url="{server}/v1",
    model="measure", dialect="auto", turn_detection="server_vad", max_sessions=10_000, max_minutes=1440, max_cost=None)
app.VoiceUI(chosen).run()
"""
"""The app as `main.py` runs it, but for whom it talks to: whatever is in `.env.local`, no server of anybody's is asked
for anything."""


class Program:
    """A process that was started."""

    def __init__(self, process: asyncio.subprocess.Process | None, url: str = "") -> None:
        self.url = url
        self._started = process

    @classmethod
    def at(cls, url: str) -> Program:
        """Return what runs already, at this address."""
        return cls(None, url)

    @property
    def _process(self) -> asyncio.subprocess.Process:
        assert self._started, "it was not started here"
        return self._started

    @property
    def cpu_seconds(self) -> float:
        """Processor time used so far, of all threads that run; nan where this is not Linux.

        By the scheduler's clock, in nanoseconds (sched-stats.rst of the kernel); /proc/PID/stat counts steps of 10 ms.
        """
        times = []
        for thread in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # it has just ended
                times.append(int(thread.read_text().split()[0]))
        return sum(times) / 1e9 if times else float("nan")

    @property
    def memory_mb(self) -> float:
        """Memory in use, in MB; nan where this is not Linux."""
        with suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) * 1024 / 1e6
        return float("nan")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def line(self) -> str:
        """Return the next line it writes; raises RuntimeError if it ends instead."""
        assert self._process.stdout
        if line := (await self._process.stdout.readline()).decode():
            return line.strip()
        raise RuntimeError(f"a process of the measurement ended with code {await self._process.wait()}")

    async def tell(self, line: bytes) -> None:
        """Write it a line."""
        assert self._process.stdin
        self._process.stdin.write(line + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def started(*command: str, quiet: bool = False) -> AsyncIterator[Program]:
    """Run a Python program until the end of the block. `quiet` if what it writes is not for us."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=pipe,
        stdout=null if quiet else pipe,
        stderr=null if quiet else None,
        limit=2**28,  # a line may hold a million figures
        cwd=ROOT,
    )
    try:
        yield Program(process)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def serving(*command: str) -> AsyncIterator[Program]:
    """Run a program whose first line is its address."""
    async with started(*command) as program:
        program.url = await program.line()
        yield program


@asynccontextmanager
async def answering(port: int, *command: str) -> AsyncIterator[tuple[Program, float]]:
    """Run a program until it serves a page, and longer; also returns the seconds from its start to that page's end."""
    start = time.monotonic()
    async with started(*command, quiet=True) as program:
        program.url = f"http://127.0.0.1:{port}"
        while not await asyncio.to_thread(_answers, program.url):
            if program.ended or time.monotonic() - start > READY_SECONDS:
                raise RuntimeError(f"no page from {' '.join(command)[:60]}")
            await asyncio.sleep(0.005)
        yield program, time.monotonic() - start


@asynccontextmanager
async def model() -> AsyncIterator[Program]:
    """Run the realtime server that measures."""
    async with serving("-m", "benchmarks.model") as program:
        yield program


@asynccontextmanager
async def page_of(model: Program, *, bare: bool = False, before: str = "") -> AsyncIterator[Program]:
    """Run the app against that server, or the floor; `before` is Python that the app runs first."""
    if bare:
        async with serving("-m", "benchmarks.floor", f"{model.url.replace('http', 'ws', 1)}/v1/realtime") as program:
            yield program
    else:
        port = free_port()
        async with answering(port, "-c", before + APP.format(port=port, server=model.url)) as (program, _):
            yield program


class Tabs:
    """Simulated tabs of one page, in another process."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def talk(self, talk: Talk) -> Told:
        """Let them all talk, and return what they saw."""
        await self._program.tell(orjson.dumps(asdict(talk)))
        return Told(**orjson.loads(await self._program.line()))


@asynccontextmanager
async def tabs_of(page: Program, tabs: int, *, bare: bool = False) -> AsyncIterator[Tabs]:
    """Open so many tabs of that page."""
    command = ("-m", "benchmarks.tabs", page.url, "--tabs", f"{tabs}", *(["--bare"] if bare else []))
    async with started(*command) as program:
        await program.line()
        yield Tabs(program)


async def heard(model: Program, expected: int = 0) -> list[float]:
    """Return the seconds that each chunk since the last time was on its way up.

    Waits for the last of `expected` chunks as long as chunks come.
    """
    found: list[float] = []
    while True:
        answer = await asyncio.to_thread(lambda: urlopen(f"{model.url}/heard", timeout=30).read())
        more = [float(seconds) for seconds in orjson.loads(answer)]
        found += more
        if len(found) >= expected or (found and not more):
            return found
        await asyncio.sleep(LAST_SECONDS)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.read())
    except OSError:
        return False
