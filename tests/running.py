"""The program as a user starts it: `python main.py` in a process of its own, with none of this machine's settings."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.nursery import NURSERY, Forked
from tests.patience import SECOND, until
from voice_ui.settings import SETTINGS

ROOT = Path(__file__).parents[1]


PORTS = range(10_100, 32_000)
"""Below those that systems give to outgoing connections: a port from there may be taken before it is listened on.
Browsers refuse 10080, the last of those that they call unsafe."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = secrets.choice(PORTS)  # not `random`: tests seed that
            probe.bind(("127.0.0.1", port))
            return port


def clean_environment(**more: str) -> dict[str, str]:
    """Return this environment without our settings, and without pytest's mark: NiceGUI would take it for its own."""
    ours = {setting.name for setting in SETTINGS} | {"PYTEST_CURRENT_TEST"}
    theirs = {
        name: value for name, value in os.environ.items() if name not in ours and not name.startswith("VOICE_UI_")
    }
    return theirs | more


class Program:
    """A running `python main.py`."""

    def __init__(self, process: asyncio.subprocess.Process | Forked, url: str) -> None:
        self.process = process
        self.url = url
        self.log = ""

    async def read(self) -> None:
        """Collect what it writes."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.log += line.decode("utf-8", "replace")

    async def answers(self, path: str = "") -> bool:
        """Whether the page is served; takes a moment if it is not, so that asking in a loop leaves it the processor."""
        try:
            return bool(
                await asyncio.to_thread(lambda: urllib.request.urlopen(self.url + path, timeout=2).status == 200)
            )
        except (OSError, urllib.error.URLError):
            await asyncio.sleep(0.05)
            return False


async def _begin(
    arguments: Sequence[str], folder: Path, handles: int, environ: Mapping[str, str]
) -> asyncio.subprocess.Process | Forked:
    """Run `python main.py`; where Python itself is told something, or a window needs a second process, as new."""
    script, env = ROOT / "main.py", clean_environment(**environ)
    if NURSERY and "--native" not in arguments and not any(name.startswith("PYTHON") for name in environ):
        return await NURSERY.fork(script, arguments, cwd=folder, env=env, handles=handles)
    command: tuple[str, ...] = (sys.executable, str(script), *arguments)
    if handles:
        command = ("sh", "-c", f'ulimit -n {handles}; exec "$@"', "sh", *command)
    return await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


@asynccontextmanager
async def program(
    *arguments: str, folder: Path, port: int = 0, path: str = "", handles: int = 0, **environ: str
) -> AsyncIterator[Program]:
    """Run `python main.py` in an empty folder until `path` answers; at the end stop it as Ctrl-C does.

    `handles` are the most files it may have open.
    """
    port = port or free_port()
    arguments = ("--no-open", "--port", str(port), *arguments)
    process = await _begin(arguments, folder, handles, environ)
    running = Program(process, f"http://127.0.0.1:{port}")
    reading = asyncio.create_task(running.read())
    try:
        async with asyncio.timeout(30 * SECOND):
            while not await running.answers(path):
                assert process.returncode is None, running.log
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        try:
            await until(lambda: process.returncode is not None, 10, what="the program ends")
        finally:
            if process.returncode is None:
                process.kill()
            await reading
    assert process.returncode == 0, running.log
    assert "Traceback" not in running.log, running.log


@asynccontextmanager
async def other_site() -> AsyncIterator[int]:
    """Serve a page that is not ours, on another port of loopback; yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>elsewhere</title>")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
