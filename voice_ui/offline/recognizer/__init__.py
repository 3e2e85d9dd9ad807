"""Words out of speech: PocketSphinx in worker processes, since it holds the interpreter's lock while it works.

An utterance is decoded while it is being spoken. Where more people speak at once than there are workers, one that is
whole goes first: a worker is taken from somebody who still speaks, and gets to hear their audio again later.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Callable
from functools import partial

from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.recognizer.utterance import Utterance
from voice_ui.offline.recognizer.worker import Worker, WorkerDied

__all__ = ["Recognizer", "RecognizerUnavailable", "Utterance"]

log = logging.getLogger(__name__)


class Recognizer:
    """Up to `workers` processes, at most one per core; a further one starts when it is needed, and stays."""

    def __init__(self, workers: int = 2) -> None:
        self._most = max(1, min(workers, multiprocessing.cpu_count()))
        self._workers: dict[Worker, asyncio.Task[None]] = {}
        self._idle: list[Worker] = []
        self._utterances: list[Utterance] = []  # the oldest first
        self._decoding: dict[Utterance, asyncio.Task[None]] = {}
        self._unavailable: RecognizerUnavailable | None = None
        self._changed = asyncio.Event()

    @property
    def pids(self) -> set[int]:
        """The worker processes there are."""
        return {worker.pid for worker in self._workers if worker.pid is not None}

    async def warm(self) -> None:
        """Load the model now, so that the first words need not wait for it; raises RecognizerUnavailable."""
        if not self._workers and not self._unavailable:
            self._hire()
        while not self._unavailable and not any(worker.alive for worker in self._workers):
            if not self._workers:
                raise RecognizerUnavailable("the speech recogniser ended before it was ready")
            self._changed.clear()
            await self._changed.wait()
        if self._unavailable:
            raise self._unavailable

    def listen(self, on_delta: Callable[[str], None] | None = None) -> Utterance:
        """Begin an utterance; there are no words before its end."""
        utterance = Utterance(self._dispatch)
        self._utterances.append(utterance)
        self._dispatch()
        return utterance

    async def close(self) -> None:
        """End all workers now; what was not yet understood never will be."""
        self._unavailable = self._unavailable or RecognizerUnavailable("the speech recogniser is closed")
        self._dispatch()
        tasks = [*self._decoding.values(), *self._workers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _dispatch(self) -> None:
        """Bring those who have something to say and the workers together; called whenever anything changed."""
        self._changed.set()
        if self._unavailable:
            for utterance in self._utterances:
                utterance.settle(self._unavailable)
        for utterance, task in self._decoding.items():
            if utterance.over:
                task.cancel()
        self._utterances = [utterance for utterance in self._utterances if not utterance.over]
        waiting = [utterance for utterance in self._utterances if utterance.ripe and utterance not in self._decoding]
        waiting.sort(key=lambda utterance: not utterance.whole)
        while waiting and self._idle:
            self._decode(waiting.pop(0))
        if len(self._utterances) > len(self._workers) < self._most:
            self._hire()
        elif any(utterance.whole for utterance in waiting):
            self._interrupt()

    def _decode(self, utterance: Utterance) -> None:
        worker = min(self._idle, key=lambda worker: worker.owed)
        self._idle.remove(worker)
        task = asyncio.create_task(utterance.tell(worker), name="offline: decode an utterance")
        self._decoding[utterance] = task
        task.add_done_callback(partial(self._decoded, utterance, worker))

    def _decoded(self, utterance: Utterance, worker: Worker, task: asyncio.Task[None]) -> None:
        del self._decoding[utterance]
        if error := _error_of(task):
            utterance.bereave()
            if not isinstance(error, WorkerDied):
                log.error("an utterance could not be decoded", exc_info=error)
        self._free(worker)

    def _free(self, worker: Worker) -> None:
        if worker.alive:
            self._idle.append(worker)
        self._dispatch()

    def _interrupt(self) -> None:
        """Take the worker from who has said least of those who still speak, unless one is coming free anyway."""
        speaking = [utterance for utterance in self._decoding if not utterance.whole]
        if speaking and not any(task.cancelling() for task in self._decoding.values()):
            self._decoding[min(speaking, key=lambda utterance: utterance.length)].cancel()

    def _hire(self) -> None:
        worker = Worker()
        task = asyncio.create_task(worker.live(partial(self._free, worker)), name="offline: recogniser process")
        self._workers[worker] = task
        task.add_done_callback(partial(self._bury, worker))

    def _bury(self, worker: Worker, task: asyncio.Task[None]) -> None:
        del self._workers[worker]
        if worker in self._idle:
            self._idle.remove(worker)
        error = _error_of(task)
        if isinstance(error, RecognizerUnavailable):
            self._unavailable = error
        elif not worker.was_ready:
            for utterance in self._utterances:  # or a new one would be started, and die, for ever
                utterance.bereave()
        self._dispatch()


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
