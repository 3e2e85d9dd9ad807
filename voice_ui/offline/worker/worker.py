"""A worker process, seen from the server: it is started by the first request, and anew if it has died."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from pathlib import Path

from voice_ui.offline.worker.frames import ABORT, ABORTED, ANSWER, HEADER, NUMBER, REQUEST, UNAVAILABLE, frame

GRACE_SECONDS = 1.0
"""For a process to end by itself. It does so as soon as its input ends, unless it is loading a model."""

PROGRAM = Path(__file__).with_name("start.py")


class WorkerUnavailable(Exception):
    """The work cannot be done on this machine; the text says why."""


class WorkerDied(Exception):
    """The process ended before it answered."""


class WorkerFailed(Exception):
    """The request raised an exception in the process; the text is the exception's."""


class WorkerAborted(WorkerFailed):
    """The request was aborted."""


class Worker:
    """One process that answers requests in order. `module` has `load()`, see `handler`."""

    def __init__(self, module: str) -> None:
        self.pid: int | None = None
        """The process, while there is one."""
        self.started = 0
        """How often a process was started."""
        self._module = module
        self._running: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[str] | None = None
        self._stdin: asyncio.StreamWriter | None = None
        self._owed: deque[asyncio.Future[bytes]] = deque()
        self._asked = 0
        self._closed = False
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Wait until the process can work, and return what it works with; raises WorkerUnavailable, WorkerDied."""
        while self._running and self._ready and self._ready.done() and self._stdin is None:
            await asyncio.wait({self._running})  # the one that died has not been cleaned up yet
            if self._running.done():
                self._running = None
        if self._closed:
            raise WorkerDied("the worker is closed")
        if self._running is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
            self._running = asyncio.create_task(self._run(self._ready), name=f"worker: {self._module}")
        assert self._ready
        return await asyncio.shield(self._ready)

    async def ask(self, request: bytes) -> bytes:
        """Return the answer to a request; raises WorkerUnavailable, WorkerDied, WorkerFailed."""
        await self.start()
        if self._stdin is None:
            raise WorkerDied
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._owed.append(answer)
        self._asked += 1
        self._stdin.write(frame(REQUEST, request))
        return await answer

    def abort(self) -> None:
        """Abort every request that has no answer yet: each raises WorkerAborted as soon as the handler notices."""
        if self._stdin and self._owed:
            self._stdin.write(frame(ABORT, NUMBER.pack(self._asked)))

    async def close(self) -> None:
        """End the process now; no other is started."""
        self._closed = True
        if self._process and self._process.stdin:
            self._process.stdin.close()
        if self._running:
            await asyncio.wait({self._running}, timeout=GRACE_SECONDS)
            if self._process:
                _kill(self._process)
            await asyncio.wait({self._running})

    async def _run(self, ready: asyncio.Future[str]) -> None:
        # -P: a file that lies beside the program must not be taken for a library of the same name.
        command = (sys.executable, "-P", str(PROGRAM), self._module)
        pipe = asyncio.subprocess.PIPE
        self._asked = 0
        try:
            self._process = process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        except OSError as error:
            return ready.set_exception(WorkerUnavailable(f"A worker process cannot be started: {error}"))
        assert process.stdin and process.stdout
        self.pid = process.pid
        self.started += 1
        if self._closed:
            process.stdin.close()
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._serve(ready, process.stdin, process.stdout)
        finally:
            self._end(ready)
            await _ended(process)

    async def _serve(
        self, ready: asyncio.Future[str], stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader
    ) -> None:
        kind, payload = await _read(stdout)
        if kind == UNAVAILABLE:
            return ready.set_exception(WorkerUnavailable(payload.decode()))
        self._stdin = stdin
        ready.set_result(payload.decode())
        while True:
            kind, payload = await _read(stdout)
            answer = self._owed.popleft()
            if answer.done():
                continue  # nobody waits for it any more
            if kind == ANSWER:
                answer.set_result(payload)
            elif kind == ABORTED:
                answer.set_exception(WorkerAborted())
            else:
                answer.set_exception(WorkerFailed(payload.decode()))

    def _end(self, ready: asyncio.Future[str]) -> None:
        self.pid = self._stdin = self._process = None
        died = WorkerDied("the process ended")
        if not ready.done():
            ready.set_exception(died)
        while self._owed:
            answer = self._owed.popleft()
            if not answer.done():
                answer.set_exception(died)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process whose input has ended, and end it if that takes too long.

    Killing a process that is just ending would take its exit status away from asyncio, which logs that as a warning.
    """
    assert process.stdin
    process.stdin.close()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        _kill(process)
    await process.communicate()  # to the end of its pipes too: they must not outlive the loop


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _read(stdout: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind, length = HEADER.unpack(await stdout.readexactly(HEADER.size))
    return kind, await stdout.readexactly(length)
