"""A client's audio input: splits it into turns. Pure.

Audio goes to the recogniser while it is being spoken, so the buffer itself keeps only the last quiet seconds, for what
was said before the detector noticed. Positions are milliseconds of all audio appended in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from voice_ui import audio
from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.items import new_id
from voice_ui.offline.parts import Detector, SpeechUtterance
from voice_ui.offline.vad import SpeechEnd, SpeechStart
from voice_ui.protocol import server
from voice_ui.protocol.client import Rejected

BYTES_PER_MS = audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000

MAX_BYTES = 15 * 1024 * 1024
"""Of one turn, which makes 5.5 minutes; as much as OpenAI takes in one append."""

QUIET_MS = 6000
"""Quiet audio that is kept: more than the longest prefix padding and the detector's own delay."""

SLICE_MS = 100
"""Step of the detector within a long append: the precision with which a turn is cut."""

WORK_MS = 500
"""Audio processed at a time, so that a long append does not block other clients."""

MIN_COMMIT_MS = 100


@dataclass(frozen=True)
class CommittedTurn:
    """A turn is complete."""

    item_id: str
    duration_ms: float
    """Of the audio that belongs to it, the padding before and the silence after included."""
    utterance: SpeechUtterance | None
    """What was said in it; None for a silence."""
    detected: bool
    """Whether its end was detected (not committed by the client)."""


Heard = server.SpeechStarted | server.SpeechStopped | server.TimeoutTriggered | CommittedTurn


@dataclass
class _OpenTurn:
    item_id: str
    utterance: SpeechUtterance
    bytes: int = 0


class InputAudioBuffer:
    """The `input_audio_buffer` of one session."""

    def __init__(self, detector: Callable[[TurnDetection], Detector], listen: Callable[[str], SpeechUtterance]) -> None:
        """`listen` begins the utterance of an item."""
        self._new_detector = detector
        self._listen = listen
        self._detection: TurnDetection | None = None
        self._detector: Detector | None = None
        self._detector_start = 0
        self._backlog = bytearray()
        self._written = 0
        self._uncommitted = 0
        self._quiet = bytearray()
        self._turn: _OpenTurn | None = None
        self._idle_since: int | None = None

    @property
    def busy(self) -> bool:
        """Whether appended audio still waits for `work()`."""
        return bool(self._backlog)

    @property
    def detects(self) -> bool:
        """Whether turns are to be detected."""
        return self._detection is not None

    def configure(self, detection: TurnDetection | None) -> None:
        """Change turn detection; a turn in progress is dropped."""
        if detection != self._detection:
            self._detection, self._detector = detection, None
            self._drop_turn()

    def append(self, pcm: bytes) -> None:
        """Take in audio; nothing is detected before `work()`. Raises Rejected if the buffer is full."""
        if len(self._backlog) + len(pcm) > MAX_BYTES or (
            self._detection is None and self._uncommitted + len(pcm) > MAX_BYTES
        ):
            message = f"The input audio buffer is full: it takes {MAX_BYTES} bytes. Commit or clear it."
            raise Rejected("input_audio_buffer_full", message, "audio")
        self._backlog += pcm
        self._uncommitted += len(pcm)

    def work(self) -> Iterator[Heard]:
        """Process up to `WORK_MS` of what was appended."""
        portion = bytes(self._backlog[: WORK_MS * BYTES_PER_MS])
        del self._backlog[: len(portion)]
        step = SLICE_MS * BYTES_PER_MS
        for start in range(0, len(portion), step):
            yield from self._process(portion[start : start + step])

    def commit(self) -> Iterator[Heard]:
        """End the turn at once; raises Rejected with less than `MIN_COMMIT_MS` in the buffer."""
        buffered_ms = self._uncommitted / BYTES_PER_MS
        if buffered_ms < MIN_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {buffered_ms:.2f}ms of audio."
            )
            raise Rejected("input_audio_buffer_commit_empty", message)
        if self._turn is None:
            self._begin(new_id("item"), bytes(self._quiet))
        if self._detector:
            self._detector.reset()
        yield from self._end(detected=False)

    def clear(self) -> None:
        """Drop what was not committed."""
        self._uncommitted = 0
        self._backlog.clear()
        self._quiet.clear()
        if self._detector:
            self._detector.reset()
        self._drop_turn()

    def await_speech(self) -> None:
        """Count the time without speech from here: a reply is over."""
        self._idle_since = self._written

    def _process(self, pcm: bytes) -> Iterator[Heard]:
        self._written += len(pcm)
        if self._detection is None:
            if self._turn is None:
                self._begin(new_id("item"), b"")
            self._feed(pcm)
            return
        if self._turn:
            self._feed(pcm)
        else:
            self._quiet += pcm
            del self._quiet[: -QUIET_MS * BYTES_PER_MS]
        yield from self._detect(self._detection, pcm)

    def _detect(self, detection: TurnDetection, pcm: bytes) -> Iterator[Heard]:
        if self._detector is None:
            self._detector = self._new_detector(detection)
            self._detector_start = self._written - len(pcm)
        offset_ms = self._detector_start // BYTES_PER_MS
        for event in self._detector.process(pcm):
            match event:
                case SpeechStart(audio_start_ms) if self._turn is None:
                    yield from self._start(offset_ms + audio_start_ms)
                case SpeechEnd(audio_end_ms) if self._turn:
                    yield from self._stop(offset_ms + audio_end_ms)
        if self._turn and self._turn.bytes > MAX_BYTES:
            self._detector.reset()
            yield from self._stop(self._written // BYTES_PER_MS)
        if self._turn is None and self._idle_since is not None and detection.idle_timeout_ms is not None:
            yield from self._idle(self._idle_since, detection.idle_timeout_ms)

    def _start(self, start_ms: int) -> Iterator[Heard]:
        quiet_start = self._written - len(self._quiet)
        start = max(start_ms * BYTES_PER_MS, quiet_start)
        item_id = new_id("item")
        self._idle_since = None
        yield server.SpeechStarted(item_id, start // BYTES_PER_MS)
        self._begin(item_id, bytes(self._quiet[start - quiet_start :]))

    def _stop(self, end_ms: int) -> Iterator[Heard]:
        if self._turn:
            yield server.SpeechStopped(self._turn.item_id, end_ms)
            yield from self._end(detected=True)

    def _idle(self, since: int, timeout_ms: int) -> Iterator[Heard]:
        if self._written - since >= timeout_ms * BYTES_PER_MS:
            self._idle_since = None
            self._uncommitted = 0
            item_id = new_id("item")
            yield server.TimeoutTriggered(item_id, since // BYTES_PER_MS, self._written // BYTES_PER_MS)
            yield CommittedTurn(item_id, timeout_ms, None, detected=True)

    def _begin(self, item_id: str, pcm: bytes) -> None:
        self._turn = _OpenTurn(item_id, self._listen(item_id))
        self._quiet.clear()
        self._feed(pcm)

    def _feed(self, pcm: bytes) -> None:
        if self._turn and pcm:
            self._turn.bytes += len(pcm)
            self._turn.utterance.feed(pcm)

    def _end(self, *, detected: bool) -> Iterator[Heard]:
        turn, self._turn = self._turn, None
        self._uncommitted = len(self._backlog)
        if turn:
            yield CommittedTurn(turn.item_id, turn.bytes / BYTES_PER_MS, turn.utterance, detected)

    def _drop_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn:
            turn.utterance.cancel()
