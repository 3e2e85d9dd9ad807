"""What was sent and may be needed again: kept until it is answered, bounded. Pure."""

from __future__ import annotations

from collections import deque
from itertools import dropwhile

from voice_ui import audio
from voice_ui.session.outbox import Commit, Sound

TAPE_SECONDS = 60.0
"""The longest stretch that can be said again after a lost connection: 2.9 MB."""


class Tape:
    """The last sound of one connection, and the commits between, by their place in the stream."""

    def __init__(self, seconds: float = TAPE_SECONDS) -> None:
        self._limit_ms = seconds * 1000
        self._entries: deque[tuple[float, Sound | Commit]] = deque()  # where each ends, in ms of the stream
        self.end_ms = 0.0
        """How much sound was recorded, ever."""

    def record(self, entry: Sound | Commit) -> None:
        """Keep what was just sent; the oldest goes where that is more than fits."""
        if isinstance(entry, Sound):
            self.end_ms += audio.milliseconds(entry.pcm)
        self._entries.append((self.end_ms, entry))
        self.forget_until(self.end_ms - self._limit_ms)

    def forget_until(self, stream_ms: float) -> None:
        """Let go of what lies wholly before that place."""
        while self._entries and self._entries[0][0] <= stream_ms:
            self._entries.popleft()

    def since(self, stream_ms: float) -> tuple[list[Sound | Commit], float]:
        """Return what was sent from that place on, and how many milliseconds of it are no longer here."""
        kept = list(dropwhile(lambda entry: entry[0] <= stream_ms, self._entries))
        sound_ms = sum(audio.milliseconds(entry.pcm) for _, entry in kept if isinstance(entry, Sound))
        return [entry for _, entry in kept], max(0.0, self.end_ms - stream_ms - sound_ms)
