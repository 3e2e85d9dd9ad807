"""What waits for the wire: in order, and bounded. When it is full, silence goes first, and is counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from voice_ui import audio
from voice_ui.protocol import SessionConfig

OUTBOX_SECONDS = 60.0
"""Audio kept while there is no connection, or a slow one: 2.9 MB; reconnecting is given up before it is full."""


@dataclass(frozen=True)
class Sound:
    """PCM at the wire's rate, and when its last sample came in."""

    pcm: bytes
    arrived: float
    quiet: bool = False
    """Nobody speaks in it."""


@dataclass(frozen=True)
class Commit:
    """The speaker ended the turn by hand, and awaits a reply."""


@dataclass(frozen=True)
class Message:
    """Something said in writing, which awaits a reply."""

    item_id: str
    text: str


@dataclass(frozen=True)
class Interrupt:
    """The reply that is being written is not wanted any more."""


@dataclass(frozen=True)
class Reconfigure:
    """The session is to go on in another way."""

    config: SessionConfig


@dataclass(frozen=True)
class Flush:
    """A mark: all that was put before it has been sent."""


Entry = Sound | Commit | Message | Interrupt | Reconfigure | Flush


class Outbox:
    """A queue with one reader; putting never waits."""

    def __init__(self, seconds: float = OUTBOX_SECONDS) -> None:
        self._limit_ms = seconds * 1000
        self._waiting: deque[Entry] = deque()
        self._filled = asyncio.Event()
        self.audio_ms = 0.0
        """Audio that waits."""
        self.dropped_ms = 0.0
        """Audio that was lost here, ever."""

    def put(self, entry: Entry) -> None:
        """Put something last in the queue; of more than fits, the oldest silence goes, then the oldest audio."""
        self._waiting.append(entry)
        self._filled.set()
        if isinstance(entry, Sound):
            self.audio_ms += audio.milliseconds(entry.pcm)
            while self.audio_ms > self._limit_ms:
                self._drop_oldest()

    def put_first(self, entries: Iterable[Entry]) -> None:
        """Put entries before everything that waits, in their order; they are not dropped for being too much."""
        entries = list(entries)
        self._waiting.extendleft(reversed(entries))
        self.audio_ms += sum(audio.milliseconds(entry.pcm) for entry in entries if isinstance(entry, Sound))
        self._filled.set()

    async def get(self) -> Entry:
        """Take what is first, waiting for something to be there."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        entry = self._waiting.popleft()
        if isinstance(entry, Sound):
            self.audio_ms -= audio.milliseconds(entry.pcm)
        return entry

    def _drop_oldest(self) -> None:
        sounds = [(place, entry) for place, entry in enumerate(self._waiting) if isinstance(entry, Sound)]
        place, oldest = next(((place, sound) for place, sound in sounds if sound.quiet), sounds[0])
        del self._waiting[place]
        lost = audio.milliseconds(oldest.pcm)
        self.audio_ms -= lost
        self.dropped_ms += lost
