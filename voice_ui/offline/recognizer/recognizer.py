"""Words out of speech: one worker process, and a queue of what it is to transcribe."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.recognizer.utterance import Job, Urgency, Utterance
from voice_ui.offline.worker import Worker, WorkerAborted, WorkerDied, WorkerFailed, WorkerUnavailable

MODULE = "voice_ui.offline.recognizer.transcriber"

MOONSHINE = "Moonshine tiny"
"""NOTE: the name in `transcriber`. Only this one is quick enough for partial transcripts."""

ATTEMPTS = 2
"""An utterance at which the process died is tried once more; then its audio may be to blame."""

log = logging.getLogger(__name__)


class Recognizer:
    """Transcribes the utterances of everybody; final transcripts come before partial ones."""

    def __init__(self, module: str = MODULE) -> None:
        self.name = ""
        """The model, once `warm` has returned."""
        self._worker = Worker(module)
        self._utterances: list[Utterance] = []
        self._unavailable: RecognizerUnavailable | None = None
        self._loop: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._is_partial = False

    @property
    def pids(self) -> set[int]:
        """The worker processes there are."""
        return set() if self._worker.pid is None else {self._worker.pid}

    async def warm(self) -> None:
        """Load the model now, so that the first words need not wait for it; raises RecognizerUnavailable."""
        if self._unavailable:
            raise self._unavailable
        try:
            self.name = await self._worker.start()
        except WorkerUnavailable as error:
            self._give_up(str(error))
            raise self._unavailable or error from error
        except WorkerDied as error:
            raise RecognizerUnavailable("the speech recogniser ended before it was ready") from error

    def listen(self, on_delta: Callable[[str], None] | None = None) -> Utterance:
        """Begin an utterance. `on_delta` is called with text to append while the person still speaks."""
        utterance = Utterance(self._on_change, on_delta, partials=self.name in ("", MOONSHINE))
        self._utterances.append(utterance)
        if self._unavailable:
            utterance.settle(self._unavailable)
        elif self._loop is None:
            self._loop = asyncio.create_task(self._transcribe_loop(), name="offline: transcribe")
        return utterance

    async def close(self) -> None:
        """End the process now; what was not transcribed yet never will be."""
        self._give_up("the speech recogniser is closed")
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self._worker.close()

    async def _transcribe_loop(self) -> None:
        while True:
            self._changed.clear()
            self._utterances = [utterance for utterance in self._utterances if not utterance.over]
            jobs = [(job, utterance) for utterance in self._utterances if (job := utterance.job())]
            if jobs:
                await self._transcribe(*min(jobs, key=lambda pair: (pair[0].urgency, pair[1].served)))
            else:
                await self._changed.wait()

    async def _transcribe(self, job: Job, utterance: Utterance) -> None:
        self._is_partial = job.urgency is Urgency.PARTIAL
        try:
            self.name = await self._worker.start()
            answer = await self._worker.ask(utterance.begin(job))
            utterance.done(job, answer.decode())
        except WorkerAborted:
            utterance.dropped(job)
        except WorkerUnavailable as error:
            self._give_up(str(error))
        except (WorkerDied, WorkerFailed) as error:
            log.warning("the speech recogniser failed: %s", error)
            self._fail(job, utterance)
        except Exception:  # of whoever shows the words: the others still want theirs
            log.exception("a transcript could not be passed on")
            utterance.settle(RecognizerUnavailable("its words could not be passed on"))
        finally:
            self._is_partial = False

    def _on_change(self) -> None:
        self._changed.set()
        if self._is_partial and any(utterance.awaited for utterance in self._utterances):
            self._is_partial = False
            self._worker.abort()

    def _fail(self, job: Job, utterance: Utterance) -> None:
        utterance.failures += 1
        if utterance.failures < ATTEMPTS:
            utterance.dropped(job)
        else:
            utterance.settle(RecognizerUnavailable("the speech recogniser broke down on it twice"))

    def _give_up(self, reason: str) -> None:
        self._unavailable = self._unavailable or RecognizerUnavailable(reason)
        for utterance in self._utterances:
            utterance.settle(self._unavailable)
