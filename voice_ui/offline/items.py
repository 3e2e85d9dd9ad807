"""The items of one conversation, in order. Pure.

Bounded: the oldest are dropped, as a model drops what no longer fits its context. The `item_…` codes follow the one
pattern the live service is known to use; not each of them was seen there.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from voice_ui.images import Image
from voice_ui.protocol import Part, WireItem
from voice_ui.protocol.client import Rejected

MAX_ITEMS = 500
MAX_IMAGES = 10
MAX_CHARACTERS = 1_000_000
"""Of all texts of one conversation together."""

ROOT = "root"
"""The `previous_item_id` of what goes to the first place."""


def new_id(prefix: str) -> str:
    """Return a new id in the format of the live service."""
    return f"{prefix}_{uuid.uuid4().hex[:21]}"


@dataclass(eq=False)
class Entry:
    """One item, with internal data that the wire does not show."""

    item: WireItem
    audio_ms: float = 0
    """How long its spoken content is; the audio itself is not kept."""
    marks: list[tuple[float, int]] = field(default_factory=list)
    """Of a spoken reply: milliseconds of audio, and how many characters of the transcript they speak."""
    image: Image | None = None
    """The newest in it; the item itself only says that there is one."""
    failure: str | None = None
    """Why its transcription failed."""
    waiting: asyncio.Event | None = None
    """Set as soon as its words are known, or known to be lost; None if there is nothing to wait for."""

    @property
    def id(self) -> str:
        """The id of the item."""
        return self.item.id

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.item.text) + len(self.item.arguments) + len(self.item.output)

    def set_transcript(self, transcript: str) -> None:
        """Set the transcript of its spoken content."""
        spoken = [replace(part, transcript=transcript) if _is_spoken(part) else part for part in self.item.content]
        self.item = replace(self.item, content=tuple(spoken))

    def truncate(self, audio_end_ms: float) -> None:
        """Cut the transcript of a spoken reply to the words that were heard until then."""
        heard = max((characters for ms, characters in self.marks if ms <= audio_end_ms), default=0)
        self.set_transcript(self.item.text[:heard])
        self.audio_ms = audio_end_ms


class Items:
    """An ordered conversation."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def get(self, item_id: str) -> Entry | None:
        """Return the item with this id."""
        return next((entry for entry in self._entries if entry.id == item_id), None)

    def before(self, entry: Entry) -> str | None:
        """Return the id of the item in front of `entry`."""
        index = self._entries.index(entry)
        return self._entries[index - 1].id if index else None

    def add(self, entry: Entry, previous_item_id: str | None = None) -> None:
        """Put `entry` after another one, first if that is "root", last if it is None; raises Rejected."""
        if self.get(entry.id):
            message = f"Error adding item: an item with id '{entry.id}' already exists in the conversation."
            raise Rejected("item_create_duplicate_item_id", message, "item.id")
        self._entries.insert(self._place_after(previous_item_id), entry)
        for old in [each for each in self._entries if each.image][:-MAX_IMAGES]:
            old.image = None
        while len(self._entries) > MAX_ITEMS or sum(each.size for each in self._entries) > MAX_CHARACTERS:
            oldest = 1 if self._entries[0] is entry else 0
            if oldest == len(self._entries):
                break
            del self._entries[oldest]

    def delete(self, item_id: str) -> None:
        """Remove an item; raises Rejected."""
        self._entries.remove(self.find(item_id, "delete", "deleting"))

    def find(self, item_id: str, purpose: str, gerund: str) -> Entry:
        """Return the item a client names, to delete, retrieve or truncate it; raises Rejected."""
        entry = self.get(item_id)
        if entry is None:
            message = f"Error {gerund} item: the item with id '{item_id}' does not exist."
            raise Rejected(f"item_{purpose}_invalid_item_id", message, "item_id")
        return entry

    def _place_after(self, previous_item_id: str | None) -> int:
        if previous_item_id is None:
            return len(self._entries)
        if previous_item_id == ROOT:
            return 0
        for index, entry in enumerate(self._entries):
            if entry.id == previous_item_id:
                return index + 1
        message = f"Error adding item: the previous item with id '{previous_item_id}' does not exist."
        raise Rejected("item_create_invalid_previous_item_id", message, "previous_item_id")


def _is_spoken(part: Part) -> bool:
    return part.type.endswith("_audio")
