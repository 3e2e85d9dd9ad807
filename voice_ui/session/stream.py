"""What was said, once: audio and marks in order, with three cursors, queued ≥ sent ≥ answered.

    answered               sent                queued
        │ kept: may be needed │ waits for a      │
        │ by the next         │ connection       │
        │ connection          │                  │

Sending moves `sent`, an answer moves `answered`, and a lost connection takes `sent` back to `answered`. A place is in
milliseconds of the audio sent over the current connection, as the wire counts (`audio_start_ms`).
"""

from __future__ import annotations

import asyncio
from collections import deque

from voice_ui import audio
from voice_ui.session.entries import Ask, Audio, Clear, Commit, EndOfPress, Message, Outputs, StreamEntry

WAITING_SECONDS = 75.0
"""Audio that may wait for a connection, 3.6 MB; more than an outage may last (`OUTAGE_SECONDS`)."""

KEPT_SECONDS = 60.0
"""Audio that was sent and may be needed again, 2.9 MB: the longest turn that can be said again."""


class Stream:
    """Filled by the session and read by one connection after the other; filling never waits."""

    def __init__(self) -> None:
        self.sent_ms = 0.0
        """Audio sent over the current connection."""
        self.asks = 0
        """Commits, messages and outputs of tools that are not answered."""
        self._sent: deque[StreamEntry] = deque()
        self._waiting: deque[StreamEntry] = deque()
        self.waiting_ms = 0.0
        """Audio that waits for a connection."""
        self._kept_ms = 0.0
        self._forgotten_ms = self._forgotten_until_ms = 0.0  # speech that was sent, is unanswered and no longer kept
        self._filled: asyncio.Future[None] | None = None  # what the reader waits for

    # What was said.

    def append_audio(self, pcm: bytes, captured: float, *, quiet: bool = False) -> float:
        """Queue PCM; return the milliseconds of speech dropped to make room. The oldest silence goes first."""
        if not pcm:
            return 0.0
        duration_ms = len(pcm) * 1000 / audio.BYTES_A_SECOND
        self._waiting.append(Audio(pcm, captured, duration_ms, quiet))
        self.waiting_ms += duration_ms
        if self._filled and not self._filled.done():  # as in `_wake`, which would be one more call for each chunk
            self._filled.set_result(None)
        dropped_ms = 0.0
        while self.waiting_ms > WAITING_SECONDS * 1000:
            dropped_ms += self._drop_oldest()
        return dropped_ms

    def append(self, entry: Ask | EndOfPress | Clear) -> None:
        """Queue a mark."""
        self._waiting.append(entry)
        self.asks += isinstance(entry, Ask)
        self._wake()

    @property
    def speech_ms(self) -> float:
        """Speech that may be unanswered."""
        return sum(entry.duration_ms for entry in self._all if isinstance(entry, Audio) and not entry.quiet)

    @property
    def is_empty(self) -> bool:
        """Whether all of it is answered."""
        return not self._sent and not self._waiting

    @property
    def is_sent(self) -> bool:
        """Whether nothing waits for a connection."""
        return not self._waiting

    @property
    def messages(self) -> list[Message]:
        """Messages that are not answered."""
        return [entry for entry in self._all if isinstance(entry, Message)]

    @property
    def waiting_asks(self) -> list[Commit | Message | Outputs]:
        """What waits for a connection and is going to ask for a reply."""
        return [entry for entry in self._waiting if isinstance(entry, Commit | Message | Outputs)]

    @property
    def outputs(self) -> list[Outputs]:
        """Outputs of tools that are not answered."""
        return [entry for entry in self._all if isinstance(entry, Outputs)]

    @property
    def _all(self) -> tuple[StreamEntry, ...]:
        return (*self._sent, *self._waiting)

    def holds(self, item_id: str) -> bool:
        """Whether the message of that item is not answered yet."""
        return any(message.item_id == item_id for message in self.messages)

    # `sent`.

    def filled(self) -> asyncio.Future[None]:
        """Return a future that is done when something waits to be sent; one reader.

        A future and no coroutine around an event: this is awaited once per chunk.
        """
        self._filled = asyncio.get_running_loop().create_future()
        if self._waiting:
            self._wake()
        return self._filled

    def _wake(self) -> None:
        if self._filled and not self._filled.done():
            self._filled.set_result(None)

    def send_next(self, now: float) -> StreamEntry:
        """Move `sent` over the next entry and return it, before it is sent: what a broken send held is still here."""
        entry = self._waiting.popleft()
        self._sent.append(entry)
        if isinstance(entry, Audio):
            entry.sent = now
            self.waiting_ms -= entry.duration_ms
            self._kept_ms += entry.duration_ms
            self.sent_ms += entry.duration_ms
            while self._kept_ms > KEPT_SECONDS * 1000:
                self._forget_oldest()
        entry.end_ms = self.sent_ms
        return entry

    def captured_at(self, place_ms: float) -> float | None:
        """Return when the audio at that place was captured; None if it is no longer kept."""
        at = None
        for entry in reversed(self._sent):
            if entry.end_ms < place_ms:
                break
            if isinstance(entry, Audio):
                at = entry.captured - (entry.end_ms - place_ms) / 1000
        return at

    def sent_before(self, moment: float) -> float:
        """Return the place up to which audio had been sent at that moment; 0 if that is no longer kept."""
        for entry in reversed(self._sent):
            if isinstance(entry, Audio) and entry.sent <= moment:
                return entry.end_ms
        return 0.0

    # `answered`.

    def trim(self, place_ms: float) -> None:
        """Let go of the audio before that place: it is answered, or nobody spoke in it."""
        while self._sent and self._sent[0].end_ms <= place_ms and isinstance(self._sent[0], Audio | EndOfPress | Clear):
            entry = self._sent.popleft()
            if isinstance(entry, Audio):
                self._kept_ms -= entry.duration_ms
        if place_ms >= self._forgotten_until_ms:
            self._forgotten_ms = 0.0

    def answer(self, entry: Ask) -> None:
        """Drop what requested a reply: the reply is complete, or no longer awaited."""
        for entries in (self._sent, self._waiting):
            if entry in entries:
                entries.remove(entry)
                self.asks -= 1

    def note_speech(self, start_ms: float, end_ms: float, *, is_attempt: bool) -> int:
        """The server heard speech here, however quiet it is; return how many connections had begun to reply to it."""
        attempts = 0
        for entry in self._sent:
            if isinstance(entry, Audio) and start_ms < entry.end_ms and entry.end_ms - entry.duration_ms < end_ms:
                entry.quiet = False
                entry.attempts += is_attempt
                attempts = max(attempts, entry.attempts)
        return attempts

    def write_down(self, end_ms: float, commit: Ask | None, message: Message | None) -> None:
        """Replace the audio before that place, and its commit, by what is known of it in writing; None: by nothing."""
        kept: deque[StreamEntry] = deque()
        written = message is None
        for entry in self._sent:
            if entry is commit:
                self.asks -= 1
                continue
            if isinstance(entry, Audio) and entry.end_ms <= end_ms:
                self._kept_ms -= entry.duration_ms
                continue
            if message and not written and (isinstance(entry, Audio) or entry.end_ms >= end_ms):
                kept.append(message)
                written = True
            kept.append(entry)
        if message and not written:
            kept.append(message)
        self.asks += message is not None
        self._sent = kept
        self._forgotten_ms = 0.0

    def rewind(self) -> float:
        """Take `sent` back to `answered`; return the milliseconds of speech in between that are no longer kept."""
        for entry in self._sent:
            entry.end_ms = 0.0
        self.waiting_ms += self._kept_ms
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._wake()
        lost_ms = self._forgotten_ms
        self.sent_ms = self._kept_ms = self._forgotten_ms = self._forgotten_until_ms = 0.0
        return lost_ms

    def clear(self) -> None:
        """Drop everything: it is answered, or given up."""
        self._sent.clear()
        self._waiting.clear()
        self.asks = 0
        self._kept_ms = self.waiting_ms = self._forgotten_ms = 0.0

    # Bounds.

    def _drop_oldest(self) -> float:
        sounds = [entry for entry in self._waiting if isinstance(entry, Audio)]
        oldest = next((entry for entry in sounds if entry.quiet), sounds[0])
        self._waiting.remove(oldest)
        self.waiting_ms -= oldest.duration_ms
        return 0.0 if oldest.quiet else oldest.duration_ms

    def _forget_oldest(self) -> None:
        oldest = next(entry for entry in self._sent if isinstance(entry, Audio))
        self._sent.remove(oldest)
        self._kept_ms -= oldest.duration_ms
        self._forgotten_ms += 0.0 if oldest.quiet else oldest.duration_ms
        self._forgotten_until_ms = oldest.end_ms
