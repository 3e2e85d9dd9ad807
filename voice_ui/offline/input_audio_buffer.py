"""What a client's microphone sends: which stretch of it is one turn, and where that begins and ends. Pure.

Sound goes to the recogniser while it is being spoken, so the buffer itself keeps only the last quiet seconds, for what
was said before the detector noticed. Positions are milliseconds of all audio appended in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from voice_ui import audio
from voice_ui.offline.checks import Rejected
from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.effects import Cancel, Effect, Feed, Listen
from voice_ui.offline.vad import SpeechStarted, SpeechStopped

BYTES_PER_MS = audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000

MAX_BYTES = 15 * 1024 * 1024
"""Of one turn, which makes 5.5 minutes; as much as OpenAI takes in one append."""

QUIET_MS = 6000
"""Quiet audio that is kept: more than the longest prefix padding and the detector's own delay."""

SLICE_MS = 100
"""Step of the detector within a long append: the precision with which a turn is cut."""

WORK_MS = 1000
"""Audio heard in one go, so that an append of minutes does not hold up everybody else."""

MIN_COMMIT_MS = 100


class VoiceActivity(Protocol):
    """A detector, fed with consecutive PCM; positions are milliseconds since its construction."""

    def process(self, pcm: bytes, /) -> list[SpeechStarted | SpeechStopped]: ...

    def reset(self) -> None: ...


VoiceActivityFactory = Callable[[TurnDetection], VoiceActivity]


@dataclass(frozen=True)
class TurnStarted:
    """Somebody began to speak."""

    item_id: str
    audio_start_ms: int


@dataclass(frozen=True)
class TurnStopped:
    """They were silent for long enough."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True)
class TurnCommitted:
    """The turn is whole, and with it the utterance that goes by its id."""

    item_id: str
    duration_ms: float
    """Of the audio that belongs to it, the padding before and the silence after included."""
    detected: bool = False
    """Whether its end was detected, not said by the client."""
    spoken: bool = True
    """False for a silence: there is no utterance then."""


@dataclass(frozen=True)
class IdleTimeout:
    """Nobody began to speak for as long as the session waits for it; the silence becomes an item."""

    item_id: str
    audio_start_ms: int
    audio_end_ms: int


Heard = TurnStarted | TurnStopped | TurnCommitted | IdleTimeout | Effect


@dataclass
class _Turn:
    item_id: str
    bytes: int = 0


class InputAudioBuffer:
    """The `input_audio_buffer` of one session."""

    def __init__(self, new_item_id: Callable[[], str], voice_activity: VoiceActivityFactory) -> None:
        self._new_item_id = new_item_id
        self._voice_activity = voice_activity
        self._detection: TurnDetection | None = None
        self._detector: VoiceActivity | None = None
        self._detector_start = 0
        self._backlog = bytearray()
        self._written = 0
        self._uncommitted = 0
        self._quiet = bytearray()
        self._turn: _Turn | None = None
        self._idle_since: int | None = None

    @property
    def busy(self) -> bool:
        """Whether appended audio still waits for `work()`."""
        return bool(self._backlog)

    def configure(self, detection: TurnDetection | None) -> Iterator[Heard]:
        """Detect turns in this way from now on; a turn half heard in another way is dropped."""
        if detection == self._detection:
            return
        self._detection, self._detector = detection, None
        yield from self._drop_turn()

    def append(self, pcm: bytes) -> None:
        """Take in audio; nothing is heard before `work()`. Raises Rejected if the buffer is full."""
        if self._detection is None and self._uncommitted + len(pcm) > MAX_BYTES:
            message = f"The input audio buffer is full: it takes {MAX_BYTES} bytes. Commit or clear it."
            raise Rejected("input_audio_buffer_full", message, "audio")
        self._backlog += pcm
        self._uncommitted += len(pcm)

    def work(self) -> Iterator[Heard]:
        """Hear up to `WORK_MS` of what was appended."""
        portion = bytes(self._backlog[: WORK_MS * BYTES_PER_MS])
        del self._backlog[: len(portion)]
        step = SLICE_MS * BYTES_PER_MS
        for start in range(0, len(portion), step):
            yield from self._hear(portion[start : start + step])

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
            yield from self._begin(self._new_item_id(), bytes(self._quiet))
        if self._detector:
            self._detector.reset()
        yield from self._end(detected=False)

    def clear(self) -> Iterator[Heard]:
        """Throw away what was not committed."""
        self._uncommitted = 0
        self._quiet.clear()
        if self._detector:
            self._detector.reset()
        yield from self._drop_turn()

    def await_speech(self) -> None:
        """Count the time without speech from here: a reply is over."""
        self._idle_since = self._written

    def _hear(self, pcm: bytes) -> Iterator[Heard]:
        self._written += len(pcm)
        if self._detection is None:
            if self._turn is None:
                yield from self._begin(self._new_item_id(), b"")
            yield from self._feed(pcm)
            return
        if self._turn:
            yield from self._feed(pcm)
        else:
            self._quiet += pcm
            del self._quiet[: -QUIET_MS * BYTES_PER_MS]
        yield from self._detect(self._detection, pcm)

    def _detect(self, detection: TurnDetection, pcm: bytes) -> Iterator[Heard]:
        if self._detector is None:
            self._detector = self._voice_activity(detection)
            self._detector_start = self._written - len(pcm)
        offset_ms = self._detector_start // BYTES_PER_MS
        for event in self._detector.process(pcm):
            match event:
                case SpeechStarted(audio_start_ms) if self._turn is None:
                    yield from self._start(offset_ms + audio_start_ms)
                case SpeechStopped(audio_end_ms) if self._turn:
                    yield from self._stop(offset_ms + audio_end_ms)
        if self._turn and self._turn.bytes > MAX_BYTES:
            self._detector.reset()
            yield from self._stop(self._written // BYTES_PER_MS)
        if self._turn is None and self._idle_since is not None and detection.idle_timeout_ms is not None:
            yield from self._idle(self._idle_since, detection.idle_timeout_ms)

    def _start(self, start_ms: int) -> Iterator[Heard]:
        quiet_start = self._written - len(self._quiet)
        start = max(start_ms * BYTES_PER_MS, quiet_start)
        item_id = self._new_item_id()
        self._idle_since = None
        yield TurnStarted(item_id, start // BYTES_PER_MS)
        yield from self._begin(item_id, bytes(self._quiet[start - quiet_start :]))

    def _stop(self, end_ms: int) -> Iterator[Heard]:
        turn = self._turn
        assert turn is not None
        yield TurnStopped(turn.item_id, end_ms)
        yield from self._end(detected=True)

    def _idle(self, since: int, timeout_ms: int) -> Iterator[Heard]:
        if self._written - since >= timeout_ms * BYTES_PER_MS:
            self._idle_since = None
            self._uncommitted = 0
            item_id = self._new_item_id()
            yield IdleTimeout(item_id, since // BYTES_PER_MS, self._written // BYTES_PER_MS)
            yield TurnCommitted(item_id, timeout_ms, detected=True, spoken=False)

    def _begin(self, item_id: str, pcm: bytes) -> Iterator[Heard]:
        self._turn = _Turn(item_id)
        self._quiet.clear()
        yield Listen(item_id)
        yield from self._feed(pcm)

    def _feed(self, pcm: bytes) -> Iterator[Heard]:
        if self._turn and pcm:
            self._turn.bytes += len(pcm)
            yield Feed(self._turn.item_id, pcm)

    def _end(self, *, detected: bool) -> Iterator[Heard]:
        turn, self._turn = self._turn, None
        self._uncommitted = len(self._backlog)
        if turn:
            yield TurnCommitted(turn.item_id, turn.bytes / BYTES_PER_MS, detected)

    def _drop_turn(self) -> Iterator[Heard]:
        turn, self._turn = self._turn, None
        if turn:
            yield Cancel(turn.item_id)
