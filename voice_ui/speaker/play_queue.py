"""The audio that is to be played: one stream with three cursors, queued, sent and played. Pure.

Positions are samples from the begin of the stream. A stream ends when it is stopped; what follows belongs to the next.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from voice_ui import audio

QUEUE_SECONDS = 300.0
"""Audio that may wait to be played, 14 MB: the longest reply a model gives (4,096 tokens) takes less."""

AHEAD_SECONDS = 3.0
"""How much the browser has in advance: enough for a stalled connection, little enough to throw away."""

MESSAGE_SAMPLES = audio.SAMPLE_RATE // 5
"""The longest message: 200 ms, 9,600 bytes."""

PER_MS = audio.SAMPLE_RATE // 1000


@dataclass(slots=True)
class Piece:
    """Audio of one item, as it was given."""

    item_id: str
    start: int
    pcm: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // audio.SAMPLE_BYTES


@dataclass(slots=True)
class Track:
    """One item of the stream."""

    item_id: str
    number: int
    """Counts the items of a stream: for the browser, which need not know ids."""
    start: int
    end: int
    reported_ms: int = 0


@dataclass(frozen=True)
class Packet:
    """What goes to the browser in one message."""

    start: int
    number: int
    pcm: bytes


@dataclass(frozen=True)
class Played:
    """How much of an item has been played."""

    item_id: str
    ms: int


class PlayQueue:
    """Keeps what has not been played."""

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque()
        self._items: deque[Track] = deque()
        self._numbers = 0
        self.queued = self.sent = self.played = 0

    @property
    def is_over(self) -> bool:
        """Whether everything was played."""
        return self.played == self.queued

    def add(self, item_id: str, pcm: bytes) -> bool:
        """Queue audio; False if too much is waiting, and this was not taken."""
        samples = len(pcm) // audio.SAMPLE_BYTES
        if self.queued + samples - self.played > QUEUE_SECONDS * audio.SAMPLE_RATE:
            return False
        if not self._items or self._items[-1].item_id != item_id:
            self._numbers += 1
            self._items.append(Track(item_id, self._numbers, self.queued, self.queued))
        if samples:
            self._pieces.append(Piece(item_id, self.queued, pcm))
        self.queued += samples
        self._items[-1].end = self.queued
        return True

    def next(self) -> Packet | None:
        """Return what the browser is to get now, and move `sent`; None while it has enough."""
        if self.sent >= self.queued or self.sent - self.played >= AHEAD_SECONDS * audio.SAMPLE_RATE:
            return None
        item = next(item for item in self._items if item.start <= self.sent < item.end)
        start, end = self.sent, min(self.sent + MESSAGE_SAMPLES, item.end)
        parts = [
            piece.pcm[max(0, start - piece.start) * audio.SAMPLE_BYTES : (end - piece.start) * audio.SAMPLE_BYTES]
            for piece in self._pieces
            if piece.start < end and piece.end > start
        ]
        self.sent = end
        return Packet(start, item.number, b"".join(parts))

    def rewind(self, received: int) -> None:
        """The browser has this much; what was sent after it is sent again."""
        self.sent = min(max(received, self.played), self.sent)

    def play(self, position: int) -> list[Played]:
        """The browser has played this much; return what is news. A browser cannot have played what it was not sent."""
        self.played = min(max(position, self.played), self.sent)
        while self._pieces and self._pieces[0].end <= self.played:
            self._pieces.popleft()
        news = []
        for item in self._items:
            ms = (min(self.played, item.end) - item.start) // PER_MS
            if ms > item.reported_ms:
                item.reported_ms = ms
                news.append(Played(item.item_id, ms))
        while len(self._items) > 1 and self._items[0].end <= self.played:
            self._items.popleft()
        return news

    @property
    def current(self) -> Track | None:
        """The item that is being played, or is next."""
        return next((item for item in self._items if item.end > self.played), self._items[-1] if self._items else None)
