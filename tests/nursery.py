"""Starts a program in a forked process: what it imports from other projects is imported once, for all tests.

A start of `python main.py` takes two seconds of processor time, three quarters of them for these imports, and the tests
start hundreds. Nothing of ours is imported here: the program's own modules are as new as in any other process.

    python -m tests.nursery FILE_DESCRIPTOR   # a socket on which programs are asked for, one in each message
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

IMPORTED = (
    "nicegui",
    "nicegui.elements.dialog",
    "nicegui.nicegui",
    "nicegui.server",
    "sqlite3",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "websockets.asyncio.client",
    "websockets.asyncio.server",
)

MESSAGE_BYTES = 200_000
"""Of one request: mostly the environment."""


class Forked:
    """A program that was forked; looks like `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, status: asyncio.StreamReader) -> None:
        self.pid, self.stdout = pid, stdout
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._wait_for(status), name="program")

    async def _wait_for(self, status: asyncio.StreamReader) -> None:
        code = await status.readline()
        self.returncode = int(code) if code else -signal.SIGKILL

    async def wait(self) -> int:
        """Wait until it has ended; return its exit code."""
        await asyncio.shield(self._ended)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Nursery:
    """The process that forks, begun by whoever asks first; it ends with this one."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    async def fork(
        self, script: Path, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], handles: int = 0
    ) -> Forked:
        """Run `script`, as Python does; output and errors come from `stdout`. It may open so many `handles`."""
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-m", "tests.nursery", str(theirs.fileno())]
            descriptors = [theirs.fileno()]
            process = subprocess.Popen(command, cwd=ROOT, pass_fds=descriptors, env=dict(env))  # noqa: ASYNC220 - at once
            theirs.close()
            atexit.register(process.wait)
            atexit.register(self._socket.close)  # before: it ends then
        (output, its_output), (status, its_status) = os.pipe(), os.pipe()
        asked = {"script": f"{script}", "arguments": arguments, "cwd": f"{cwd}", "env": dict(env), "handles": handles}
        socket.send_fds(self._socket, [json.dumps(asked).encode()], [its_output, its_status])
        os.close(its_output)
        os.close(its_status)
        told = await _reader(status)
        return Forked(int(await told.readline()), await _reader(output), told)


async def _reader(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb")
    )
    return reader


NURSERY = Nursery() if sys.platform == "linux" else None
"""None where programs are begun in the usual way."""


def serve(asking: socket.socket) -> str | None:
    """Fork a child for each request, and report its process id and its end.

    Returns in each child, too, as fork does: the script to run there, and None here, when nobody asks any more.
    """
    children: dict[int, tuple[int, int]] = {}  # process id and pipe for its end, by a descriptor of the process
    poll = select.poll()
    poll.register(asking, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != asking.fileno():
                poll.unregister(ready)
                pid, status = children.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(BrokenPipeError):  # nobody wants to know
                    os.write(status, f"{code}\n".encode())
                os.close(status)
                os.close(ready)
                continue
            message, (*pipes,), _, _ = socket.recv_fds(asking, MESSAGE_BYTES, 2)
            if not message:
                for pid, _ in children.values():
                    os.kill(pid, signal.SIGKILL)
                return None
            output, status = pipes
            if (pid := os.fork()) == 0:
                for descriptor in (asking.fileno(), status, *children, *(pipe for _, pipe in children.values())):
                    os.close(descriptor)
                asking.detach()
                return become(json.loads(message), output)
            os.close(output)
            os.write(status, f"{pid}\n".encode())
            descriptor = os.pidfd_open(pid)
            children[descriptor] = pid, status
            poll.register(descriptor, select.POLLIN)


def become(asked: dict[str, Any], output: int) -> str:
    """Be the process that was asked for; return the script to run."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout = open(1, "w", closefd=False)  # what this process began with may not have been pipes
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What NiceGUI has looked up at its import.
    from nicegui.storage import Storage

    Storage.path = Path(os.environ.get("NICEGUI_STORAGE_PATH", ".nicegui")).resolve()
    if most := asked["handles"]:
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    script: str = asked["script"]
    sys.argv = [script, *asked["arguments"]]
    sys.path[0] = str(Path(script).parent)
    return script


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks
    for name in IMPORTED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork takes no thread along"
    assert not any(name.split(".")[0] == "voice_ui" for name in sys.modules)
    gc.freeze()
    if script := serve(socket.socket(fileno=int(sys.argv[1]))):
        runpy.run_path(script, run_name="__main__")
