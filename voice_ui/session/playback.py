"""How much of a spoken reply was received and how much was played, with the matching text. Pure.

The server assumes that all audio it sent was heard, unless it gets `conversation.item.truncate`; over a websocket
nobody else tells it (protocol facts, section 10.4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from voice_ui import audio
from voice_ui.session.events import ReplyHeard

UNPLAYED_SECONDS = 300.0
"""Audio that may wait to be played, 14 MB. Servers send replies faster than real time."""

SILENCED = 20
"""How many interrupted items to remember, because audio of them may still arrive."""


@dataclass(slots=True)
class Spoken:
    """One spoken item."""

    item_id: str
    received_ms: float = 0.0
    played_ms: float = 0.0
    is_complete: bool = False
    """Its audio is complete."""
    text_at: list[tuple[int, float]] = field(default_factory=list)
    """Characters of its transcript that had come by then, and the audio received by then, in milliseconds."""

    @property
    def is_over(self) -> bool:
        return self.is_complete and self.played_ms >= self.received_ms


@dataclass(frozen=True)
class Cut:
    """A spoken item that was cut short: `heard_ms` of its audio were played, with the words of this many characters."""

    item_id: str
    heard_ms: int
    heard_characters: int


class Playback:
    """The spoken replies of one connection that are not played to their end."""

    def __init__(self, *, is_reported: bool = True) -> None:
        """Unless it `is_reported` what is played, everything counts as heard at once."""
        self._is_reported = is_reported
        self._spoken: dict[str, Spoken] = {}  # by item, in the order in which they are played
        self._silenced: deque[str] = deque(maxlen=SILENCED)
        self._cutting: set[str] = set()  # those of them that `cut` has not returned yet
        self._left_over: set[str] = set()  # of a connection that was lost

    @property
    def is_playing(self) -> bool:
        """Whether audio was received that was not played."""
        return any(spoken.received_ms > spoken.played_ms for spoken in self._spoken.values())

    def take_left_over(self) -> set[str]:
        """Return the items still played that a lost connection had begun, and that are going to be said again."""
        left_over, self._left_over = self._left_over.intersection(self._spoken), set()
        return left_over

    @property
    def is_cutting(self) -> bool:
        """Whether something was silenced of which it is not known how much was heard."""
        return bool(self._cutting)

    @property
    def unplayed_ms(self) -> float:
        """Audio received but not played."""
        return sum(spoken.received_ms - spoken.played_ms for spoken in self._spoken.values())

    def receive(self, item_id: str, pcm: bytes) -> bool:
        """Take in audio of an item; return False if it is dropped: the item was interrupted or is too long."""
        if not self._is_reported:
            return True
        if item_id in self._silenced or self.unplayed_ms > UNPLAYED_SECONDS * 1000:
            return False
        spoken = self._spoken.setdefault(item_id, Spoken(item_id))
        spoken.received_ms += audio.milliseconds(pcm)
        return True

    def take_text(self, item_id: str, characters: int) -> None:
        """The transcript of an item is this long by now."""
        if not self._is_reported:
            return
        spoken = self._spoken.setdefault(item_id, Spoken(item_id))
        if spoken.text_at and spoken.text_at[-1][1] == spoken.received_ms:
            spoken.text_at.pop()
        spoken.text_at.append((characters, spoken.received_ms))

    def complete(self, item_id: str | None = None) -> None:
        """The audio of this item is complete; None: of all items."""
        for spoken in list(self._spoken.values()):
            if item_id in {None, spoken.item_id}:
                spoken.is_complete = True
                self._tidy(spoken)

    def play(self, item_id: str, played_ms: float) -> ReplyHeard | None:
        """Note how much of an item the browser has played; return how much of its text was heard."""
        if (spoken := self._spoken.get(item_id)) is None:
            return None
        spoken.played_ms = min(max(played_ms, spoken.played_ms), spoken.received_ms)
        self._tidy(spoken)
        return ReplyHeard(item_id, None if spoken.is_over else self._heard_characters(spoken))

    def lose_connection(self) -> None:
        """No more audio comes of what there is."""
        self._left_over = {spoken.item_id for spoken in self._spoken.values() if not spoken.is_complete}
        self.complete()

    def silence(self, items: Iterable[str] | None = None) -> None:
        """Nothing more of these items is to be played, or of any; what still comes of them is dropped."""
        silenced = list(self._spoken if items is None else items)
        self._cutting.update(silenced)
        self._silenced.extend(item_id for item_id in silenced if item_id not in self._silenced)

    def cut(self, item_id: str = "") -> list[Cut]:
        """Play no further what was silenced, or else anything; return what was cut short, with what was heard of it.

        `item_id` is the item in which the browser stopped; if that was cut before, its report comes too late.
        """
        if item_id and item_id not in self._spoken and item_id not in self._cutting:
            return []
        if not self._cutting:
            self.silence()
        spoken = [self._spoken.pop(item_id) for item_id in list(self._spoken) if item_id in self._cutting]
        self._cutting.clear()
        return [
            Cut(each.item_id, int(each.played_ms), self._heard_characters(each))
            for each in spoken
            if each.received_ms and not each.is_over
        ]

    def _heard_characters(self, spoken: Spoken) -> int:
        """Estimate what was heard of the text: what came of it is spoken evenly in the audio that came after it."""
        if not spoken.text_at:  # some servers send the transcript after the audio, or none
            return 0
        heard = before = 0
        ends = [start_ms for _, start_ms in spoken.text_at[1:]] + [spoken.received_ms]
        for (characters, start_ms), end_ms in zip(spoken.text_at, ends, strict=True):
            share = (spoken.played_ms - start_ms) / (end_ms - start_ms) if end_ms > start_ms else 1.0
            heard = before + round(min(max(share, 0.0), 1.0) * (characters - before))
            if share < 1:
                break
            before = characters
        return heard

    def _tidy(self, spoken: Spoken) -> None:
        if spoken.is_over:
            del self._spoken[spoken.item_id]
