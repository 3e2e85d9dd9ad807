"""A worker process, seen from the server: questions go in, each gets its own answer. `process` is its other half."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from voice_ui import audio
from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.recognizer.process import HEADER, UNAVAILABLE

PROGRAM = Path(__file__).with_name("process.py")


class WorkerDied(Exception):
    """The process ended before it answered."""


class Worker:
    """One process; it can be asked while `live()` runs, once that has said so."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.was_ready = False
        self._stdin: asyncio.StreamWriter | None = None
        self._owed: deque[asyncio.Future[str]] = deque()

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._stdin is not None

    @property
    def owed(self) -> int:
        """How many answers are still to come, with those nobody waits for any more."""
        return len(self._owed)

    async def ask(self, kind: bytes, pcm: bytes = b"") -> str:
        """Return the answer to one request; raises WorkerDied."""
        if self._stdin is None:
            raise WorkerDied
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._owed.append(answer)
        self._stdin.write(HEADER.pack(kind, len(pcm)) + pcm)
        return await answer

    async def live(self, on_ready: Callable[[], None]) -> None:
        """Run the process until it dies, or until this is cancelled; raises RecognizerUnavailable if it cannot work.

        `on_ready` is called when the model is loaded. Whatever ends it, no process is left.
        """
        # -P: a file that lies beside the program must not be taken for a library of the same name.
        command = (sys.executable, "-P", str(PROGRAM), str(audio.SAMPLE_RATE))
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        except OSError as error:
            raise RecognizerUnavailable(f"the speech recogniser cannot be started: {error}") from error
        assert process.stdin and process.stdout
        self.pid = process.pid
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._read_answer(process.stdout)
                self._stdin, self.was_ready = process.stdin, True
                on_ready()
                while True:
                    text = await self._read_answer(process.stdout)
                    answer = self._owed.popleft()
                    if not answer.done():
                        answer.set_result(text)
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        finally:
            self._die()
            process.stdin.close()  # which ends it, if it has not ended yet
            await process.communicate()  # to the end of its pipes too: they are not to outlive the loop

    async def _read_answer(self, answers: asyncio.StreamReader) -> str:
        kind, length = HEADER.unpack(await answers.readexactly(HEADER.size))
        text = (await answers.readexactly(length)).decode()
        if kind == UNAVAILABLE:
            raise RecognizerUnavailable(text)
        return text

    def _die(self) -> None:
        self._stdin = None
        while self._owed:
            answer = self._owed.popleft()
            if not answer.done():
                answer.set_exception(WorkerDied())
