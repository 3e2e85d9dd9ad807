"""The parts of the practice server besides the protocol: a recogniser, a voice, and a brain that answers.

Each is a small interface. PCM is the house's one format (`voice_ui.audio`); all calls are made on the event loop, and
none may block it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from voice_ui.images import Image
from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.vad import SpeechEnd, SpeechStart
from voice_ui.protocol import WireItem

log = logging.getLogger(__name__)


class RecognizerUnavailable(Exception):
    """Speech cannot be transcribed on this machine; the message is the reason."""


class DetectorUnavailable(RecognizerUnavailable):
    """Nobody finds out when somebody speaks on this machine; the message is the reason."""


class VoiceUnavailable(Exception):
    """Replies cannot be spoken on this machine; the message is the reason."""


class ReplyFailed(Exception):
    """No answer: the response fails with this error, and the session continues."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class ReplyCutOff(Exception):
    """There is no room for the rest of the answer: the response is incomplete, and the session goes on."""


class SpeechUtterance(Protocol):
    """One utterance being recognized."""

    def feed(self, pcm: bytes, /) -> None: ...

    async def finish(self) -> str:
        """Return its words, "" if there are none; raises RecognizerUnavailable."""

    def cancel(self) -> None:
        """Discard it; may be called at any time, also twice."""


class SpeechRecognizer(Protocol):
    """Turns speech into words."""

    async def warm(self) -> None:
        """Load everything now; raises RecognizerUnavailable."""

    def listen(self, on_delta: Callable[[str], None] | None = None) -> SpeechUtterance:
        """Begin an utterance; `on_delta` gets words that will not change any more, while the person speaks."""

    async def close(self) -> None: ...


class Detector(Protocol):
    """Detects speech in a stream of PCM; positions are milliseconds since its construction."""

    def process(self, pcm: bytes, /) -> list[SpeechStart | SpeechEnd]: ...

    def reset(self) -> None: ...


@dataclass(frozen=True)
class ReplyRequest:
    """What to answer."""

    items: tuple[WireItem, ...]
    """The conversation so far, oldest first."""
    now: datetime
    """Local time."""
    instructions: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] = "auto"
    language: str | None = None
    images: tuple[Image, ...] = ()
    """What was shown since the last reply, oldest first."""
    spoken: bool = False
    """Whether the reply is read aloud."""
    max_output_tokens: int | None = None

    @property
    def heard(self) -> str:
        """The text of the last user message."""
        return next((item.text for item in reversed(self.items) if item.role == "user"), "")

    @property
    def earlier(self) -> list[str]:
        """The texts of the replies so far, oldest first."""
        return [item.text for item in self.items if item.role == "assistant"]


@dataclass(frozen=True)
class Invocation:
    """A call of one of the session's functions."""

    name: str
    arguments: str
    """JSON text."""


@dataclass(frozen=True)
class Later:
    """Something to say in a response of its own, this much later, if the client is still there."""

    seconds: float
    text: str


@dataclass(frozen=True)
class NothingLater:
    """What was to be said later is not wanted any more."""


Piece = str | Invocation | Later | NothingLater


class Brain(Protocol):
    """Answers."""

    delta_seconds: float
    """Pause between two deltas of a written reply."""

    def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Yield the reply piece by piece; an async generator, closed early on interruption.

        Raises ReplyFailed and ReplyCutOff.
        """

    async def close(self) -> None: ...


class Voice(Protocol):
    """Reads replies aloud."""

    async def warm(self) -> None:
        """Load everything now; raises VoiceUnavailable."""

    def speak(self, pieces: AsyncIterator[str], *, speed: float) -> AsyncIterator[tuple[str, bytes]]:
        """Yield text and PCM of one sentence after the other; the texts joined are the pieces joined."""

    async def close(self) -> None: ...


@dataclass
class Parts:
    """The parts that all sessions of one server share. Nothing heavy is loaded before `warm()` or the first audio."""

    recognizer: SpeechRecognizer
    brain: Brain
    voice: Voice | None
    """None for written replies only."""
    detector: Callable[[TurnDetection], Detector]
    _loading: asyncio.Task[None] | None = None
    _loading_voice: asyncio.Task[None] | None = None

    async def warm(self) -> None:
        """Load everything the first turn needs except the voice; raises RecognizerUnavailable."""
        await self.detector_loaded()
        await self.recognizer.warm()

    async def detector_loaded(self) -> None:
        """Wait until making a detector costs next to nothing; importing its libraries takes half a second.

        Raises DetectorUnavailable.
        """
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._load), name="offline: load the voice detector")
        await asyncio.shield(self._loading)

    def expect_speech(self) -> None:
        """Load the voice in the background: a session asks for audio."""
        if self.voice and self._loading_voice is None:
            self._loading_voice = asyncio.create_task(self._load_voice(self.voice), name="offline: load the voice")

    async def close(self) -> None:
        """Close all parts."""
        if self._loading_voice:
            self._loading_voice.cancel()
        await self.recognizer.close()
        await self.brain.close()
        if self.voice:
            await self.voice.close()

    async def _load_voice(self, voice: Voice) -> None:
        try:
            await voice.warm()
        except VoiceUnavailable as error:
            log.warning("replies cannot be spoken: %s", error)

    def _load(self) -> None:
        self.detector(TurnDetection())  # and drop it: soxr complains of a stream that is left at exit
