"""One thing that is being said: its audio, kept until its words are known, and which part of it to transcribe next.

Pure but for the future that `finish` waits for. A long utterance is cut where its speaker pauses, so that the model,
which sees the whole part each time, is never given much.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from voice_ui import audio
from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.recognizer.agreement import Agreement
from voice_ui.offline.recognizer.levels import Levels

BYTES_PER_MS = audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000

FIRST = 800 * BYTES_PER_MS
"""Bytes after which the first words are looked for: in less there is hardly one, after the quiet that precedes it."""

STEP = 300 * BYTES_PER_MS
"""Bytes between two looks, so that words appear as they are spoken for a quarter of a core."""

PAUSE_MS = 200
"""After this much quiet the last word is over; the transcript made then is final if nothing follows."""

CUT_AFTER, CUT_PAUSE_MS = 8_000 * BYTES_PER_MS, 300
"""A part is cut off at the first pause this long when it has this many bytes,"""

CUT_ALWAYS, CUT_BACK = 20_000 * BYTES_PER_MS, 4_000 * BYTES_PER_MS
"""or at this many, where it was quietest in the last few seconds."""

LONGEST = 330_000 * BYTES_PER_MS
"""Bytes of one utterance, as long as the server's buffer; what is spoken after is not listened to."""


class Urgency(IntEnum):
    """What goes first when several people speak."""

    FINAL = 0
    """Somebody waits for the answer."""
    PART = 1
    """Will be needed for certain."""
    PARTIAL = 2
    """Only to show words early."""


@dataclass(frozen=True)
class Job:
    """PCM to be transcribed: the bytes of the utterance from `start` to `end`."""

    urgency: Urgency
    start: int
    end: int
    quiet: bool
    """Whether it ends in a pause."""


class Utterance:
    """Comes from `Recognizer.listen()`. `on_change` is called when there may be something new to do."""

    def __init__(
        self, on_change: Callable[[], None], on_delta: Callable[[str], None] | None = None, *, partials: bool
    ) -> None:
        self.served = 0
        """How many partial transcripts it was given: the one with the fewest is next."""
        self.failures = 0
        """How often the recogniser broke down on it."""
        self._on_change = on_change
        self._on_delta = on_delta
        self._partials = partials
        self._pcm = bytearray()
        self._start = 0
        self._levels = Levels()
        self._agreement = Agreement()
        self._parts: list[str] = []
        self._latest: tuple[Job, str] | None = None
        self._running: Job | None = None
        self._finished = False
        self._words: asyncio.Future[str] | None = None
        self._outcome: str | RecognizerUnavailable | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self._outcome is not None

    @property
    def busy(self) -> bool:
        """Whether a part of it is being transcribed now."""
        return self._running is not None

    @property
    def length(self) -> int:
        """Bytes of PCM it was given."""
        return self._end

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for its words, and they are not just being found."""
        return self._finished and not self.over and not (self._running and self._is_final(self._running))

    def feed(self, pcm: bytes) -> None:
        """Add the next audio: PCM at 24 kHz."""
        pcm = pcm[: LONGEST - self._end]
        if self._finished or self.over or not pcm:
            return
        self._pcm += pcm
        self._levels.process(pcm)
        self._on_change()

    async def finish(self) -> str:
        """Return the words, "" if there are none; raises RecognizerUnavailable. The utterance is whole."""
        self._finished = True
        if self._latest and self._is_final(self._latest[0]):
            self._settle_with(self._latest[1])
        self._on_change()
        if self._outcome is None:
            self._words = asyncio.get_running_loop().create_future()
            try:
                await self._words
            finally:
                self.cancel()
        if isinstance(self._outcome, RecognizerUnavailable):
            raise self._outcome
        return str(self._outcome)

    def cancel(self) -> None:
        """Forget it; the words are not needed any more."""
        self.settle("")

    def settle(self, outcome: str | RecognizerUnavailable) -> None:
        """Be over, with the words or the reason why there are none."""
        if self.over:
            return
        self._outcome = outcome
        self._start, self._pcm = self._end, bytearray()
        if self._words and not self._words.done():
            self._words.set_result("")
        self._on_change()

    def job(self) -> Job | None:
        """Return what is to be transcribed now, None if nothing is."""
        if self.over or self._running:
            return None
        if cut := self._cut():
            return cut
        if self._finished:
            return Job(Urgency.FINAL, self._start, self._end, quiet=True)
        if self._partials and self._is_partial_due():
            return Job(Urgency.PARTIAL, self._start, self._end, self._levels.quiet_ms >= PAUSE_MS)
        return None

    def begin(self, job: Job) -> bytes:
        """Return the PCM of a job; no other is given out before it is done."""
        self._running = job
        return bytes(self._pcm[job.start - self._start : job.end - self._start])

    def done(self, job: Job, text: str) -> None:
        """Take in the transcript of a job."""
        self._running = None
        if self.over:
            return
        match job.urgency:
            case Urgency.PARTIAL:
                self.served += 1
                self._latest = (job, text)
                self._show(self._agreement.process(self._joined(text)))
                if self._finished and self._is_final(job):
                    self._settle_with(text)
            case _ if job.end < self._end or not self._finished:
                self._parts.append(text)
                del self._pcm[: job.end - self._start]
                self._start = job.end
                self._latest = (Job(Urgency.PARTIAL, job.end, job.end, quiet=True), "") if job.quiet else None
                self._agreement.process(self._joined())
                self._show(self._agreement.process(self._joined()))
            case _:
                self._settle_with(text)
        self._on_change()

    def dropped(self, job: Job) -> None:
        """A job was not done; it will be given out again, or a newer one."""
        self._running = None
        self._on_change()

    @property
    def _end(self) -> int:
        return self._start + len(self._pcm)

    def _joined(self, *more: str) -> str:
        return " ".join(text for text in (*self._parts, *more) if text)

    def _settle_with(self, text: str) -> None:
        """Be over, with the words of the last part; the end of an utterance is no comma."""
        self.settle(re.sub(r"[,;:]$", ".", self._joined(text)))

    def _show(self, words: str) -> None:
        if words and self._on_delta:
            self._on_delta(words)

    def _is_final(self, job: Job) -> bool:
        """Whether the transcript of a job has all the words: it ends in a pause, and nothing was said since."""
        return job.urgency is Urgency.FINAL or (job.quiet and self._levels.quiet_since <= job.end)

    def _cut(self) -> Job | None:
        """Return the part to cut off from the front, None if it is not long enough yet."""
        length = self._end - self._start
        urgency = Urgency.FINAL if self._finished else Urgency.PART
        if length >= CUT_ALWAYS:
            end = self._levels.quietest(self._start + CUT_ALWAYS - CUT_BACK, self._start + CUT_ALWAYS)
            return Job(urgency, self._start, end, quiet=False)
        if not self._finished and length >= CUT_AFTER and self._levels.quiet_ms >= CUT_PAUSE_MS:
            return Job(urgency, self._start, self._levels.end - CUT_PAUSE_MS // 2 * BYTES_PER_MS, quiet=True)
        return None

    def _is_partial_due(self) -> bool:
        if self._latest is None:
            return self._end - self._start >= FIRST
        job, _ = self._latest
        if self._levels.quiet_since <= job.end:  # nothing was said since
            return not job.quiet and self._levels.quiet_ms >= PAUSE_MS
        return self._end - job.end >= STEP
