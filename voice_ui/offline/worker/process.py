"""The loop of a worker process: gives requests to a handler until the standard input ends."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO

from voice_ui import settings
from voice_ui.offline.worker.frames import ABORT, ABORTED, ANSWER, FAILED, HEADER, NUMBER, READY, UNAVAILABLE, frame
from voice_ui.offline.worker.handler import Aborted, Handler, Unavailable

EVERYTHING = 2**64
"""Aborts all requests there are and will be."""


class Requests:
    """Reads requests in a thread of its own, so that an abort is noticed while one is being worked on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._aborted_up_to = 0
        self._number = 0
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> bytes | None:
        """Wait for the next request; None if there are no more."""
        self._number += 1
        return self._queue.get()

    def aborted(self) -> bool:
        """Whether the request that `next` returned last has been aborted."""
        return self._number <= self._aborted_up_to

    def _read(self) -> None:
        while len(header := self._stream.read(HEADER.size)) == HEADER.size:
            kind, length = HEADER.unpack(header)
            payload = self._stream.read(length)
            if kind == ABORT:
                (self._aborted_up_to,) = NUMBER.unpack(payload)
            else:
                self._queue.put(payload)
        self._aborted_up_to = EVERYTHING  # the server is gone
        self._queue.put(None)


def serve(module: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Load the module's handler, and answer requests until there are no more."""

    def answer(kind: bytes, payload: bytes = b"") -> None:
        answers.write(frame(kind, payload))
        answers.flush()

    try:
        handler: Handler = importlib.import_module(module).load()
    except (ImportError, OSError, RuntimeError, Unavailable) as error:
        return answer(UNAVAILABLE, str(error).encode())
    answer(READY, handler.name.encode())
    queue = Requests(requests)
    while (request := queue.next()) is not None:
        try:
            answer(ANSWER, handler.handle(request, queue.aborted))
        except Aborted:
            answer(ABORTED)
        except Exception as error:
            answer(FAILED, f"{type(error).__name__}: {error}"[:500].encode())


def main(module: str) -> None:
    """Serve on the standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, and this process ends with it
    settings.limit_native_threads()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not look like an answer
    try:
        serve(module, sys.stdin.buffer, answers)
    except BrokenPipeError:
        sys.stderr.close()  # the server was killed: nobody reads either
