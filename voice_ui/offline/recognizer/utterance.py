"""One thing that is being said: its audio, kept until its words are known, and how a worker gets to hear it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from voice_ui import audio
from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.recognizer.onset import Onset
from voice_ui.offline.recognizer.process import BEGIN, FINISH, HEAR
from voice_ui.offline.recognizer.worker import Worker

BYTES_PER_SECOND = audio.SAMPLE_RATE * audio.SAMPLE_BYTES

STEP = round(0.1 * BYTES_PER_SECOND)
"""Bytes it is bothered with at least, while the person speaks."""

MOST = round(0.5 * BYTES_PER_SECOND)
"""Bytes at most, so that it is soon free again for somebody else."""

LONGEST = 60 * BYTES_PER_SECOND
"""Bytes of one utterance; what is spoken after is not listened to."""

ATTEMPTS = 2
"""An utterance on which a worker died is tried once more from its start; then it may be to blame."""


class Utterance:
    """Comes from `Recognizer.listen()`; `on_change` is told when there is something new to do or nothing any more."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.whole = False
        self.heard_bytes = 0
        """How much of it the worker has listened to."""
        self._on_change = on_change
        self._pcm = bytearray()
        self._onset = Onset()
        self._more = asyncio.Event()
        self._deaths = 0
        self._words: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def length(self) -> int:
        """Bytes said so far."""
        return len(self._pcm)

    @property
    def ripe(self) -> bool:
        """Whether there is enough for a worker to begin with."""
        return self.whole or self._onset.found

    @property
    def over(self) -> bool:
        """Whether no more work is to be done on it."""
        return self._words.done()

    def feed(self, pcm: bytes) -> None:
        """Take in the next PCM; never waits."""
        if self.whole or self.over:
            return
        pcm = pcm[: LONGEST - self.length]
        self._pcm += pcm
        self._more.set()
        if not self._onset.found:
            self._onset.process(pcm)
            if self._onset.found:
                self._on_change()

    async def finish(self) -> str:
        """Return the words, lower case, "" if there are none or it was cancelled; raises RecognizerUnavailable."""
        self.whole = True
        if not self._pcm:
            self.settle("")
        self._more.set()
        self._on_change()
        try:
            return await asyncio.shield(self._words)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Nobody wants to know any more: the worker is free for others."""
        if not self.over:
            self.settle("")
            self._on_change()

    def settle(self, outcome: str | RecognizerUnavailable) -> None:
        """Let go of the audio; the first outcome is the one that counts."""
        self._pcm.clear()
        if self.over:
            return
        if isinstance(outcome, str):
            self._words.set_result(outcome)
        else:
            self._words.set_exception(outcome)
            self._words.exception()  # looked at: nobody has to ask

    def bereave(self) -> None:
        """Its worker died."""
        self._deaths += 1
        if self._deaths == ATTEMPTS:
            self.settle(RecognizerUnavailable("the speech recogniser crashed on this, twice"))

    async def tell(self, worker: Worker) -> None:
        """Have a worker listen, from the start to the end; raises WorkerDied."""
        await worker.ask(BEGIN, bytes(self._pcm[self._onset.stretch]))
        self.heard_bytes = self._onset.start
        while step := await self._next():
            await worker.ask(HEAR, step)
            self.heard_bytes += len(step)
        self.settle(await worker.ask(FINISH))

    async def _next(self) -> bytes:
        """Return what the worker has not heard yet; nothing at the end."""
        while not self.whole and self.length - self.heard_bytes < STEP:
            self._more.clear()
            await self._more.wait()
        return bytes(self._pcm[self.heard_bytes : self.heard_bytes + MOST])
