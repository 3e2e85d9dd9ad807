"""The items of one conversation, in order. Pure.

Bounded: the oldest are forgotten, as a model forgets what no longer fits into its context. The `item_…` codes of what
is refused follow the one pattern the live service is known to use; not each of them was seen there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from voice_ui import audio
from voice_ui.offline.checks import Rejected

MAX_ITEMS = 500
MAX_CHARACTERS = 1_000_000
"""Of all texts of one conversation together."""

MAX_PCM_BYTES = 15 * 1024 * 1024
"""In one event (SDK input_audio_buffer_append_event.py)."""

ROOT = "root"
"""The `previous_item_id` of what shall come first."""


@dataclass
class Item:
    """One message, or one call of a tool or its output, which is kept and echoed as it came."""

    id: str
    type: str = "message"
    role: str = ""
    status: str = "completed"
    content: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    """What an item that is no message has instead of content."""
    audio_ms: float = 0
    """How long its spoken content is; the sound itself is not kept."""

    @property
    def text(self) -> str:
        """What is written in it, or was heard."""
        return " ".join(part.get("text") or part.get("transcript") or "" for part in self.content).strip()

    @property
    def size(self) -> int:
        """Characters, roughly."""
        return len(self.text) + sum(len(str(value)) for value in self.extra.values())

    def set_transcript(self, transcript: str) -> None:
        """Write down what was said in its spoken content."""
        self.content = [part | {"transcript": transcript} if "transcript" in part else part for part in self.content]

    def wire(self) -> dict[str, Any]:
        """Return the item as events show it."""
        start = {"id": self.id, "type": self.type, "status": self.status}
        if self.type != "message":
            return start | self.extra
        return start | {"role": self.role, "content": [dict(part) for part in self.content]}


class Items:
    """An ordered conversation."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def get(self, item_id: str) -> Item | None:
        """Return the item with this id."""
        return next((item for item in self._items if item.id == item_id), None)

    def before(self, item: Item) -> str | None:
        """Return the id of the item in front of `item`."""
        index = self._items.index(item)
        return self._items[index - 1].id if index else None

    def add(self, item: Item, previous_item_id: str | None = None) -> None:
        """Put `item` after another one, first if that is "root", last if it is None; raises Rejected."""
        if self.get(item.id):
            raise duplicate(item.id)
        self._items.insert(self._place_after(previous_item_id), item)
        while len(self._items) > MAX_ITEMS or sum(each.size for each in self._items) > MAX_CHARACTERS:
            oldest = 1 if self._items[0] is item else 0
            if oldest == len(self._items):
                break
            del self._items[oldest]

    def delete(self, item_id: str) -> None:
        """Take an item out; raises Rejected."""
        self._items.remove(self.find(item_id, "delete"))

    def find(self, item_id: str, purpose: str) -> Item:
        """Return the item a client names for a purpose (delete, retrieve, truncate); raises Rejected."""
        item = self.get(item_id)
        if item is None:
            gerund = {"delete": "deleting", "retrieve": "retrieving", "truncate": "truncating"}[purpose]
            message = f"Error {gerund} item: the item with id '{item_id}' does not exist."
            raise Rejected(f"item_{purpose}_invalid_item_id", message, "item_id")
        return item

    def _place_after(self, previous_item_id: str | None) -> int:
        if previous_item_id is None:
            return len(self._items)
        if previous_item_id == ROOT:
            return 0
        for index, item in enumerate(self._items):
            if item.id == previous_item_id:
                return index + 1
        message = f"Error adding item: the previous item with id '{previous_item_id}' does not exist."
        raise Rejected("item_create_invalid_previous_item_id", message, "previous_item_id")


def duplicate(item_id: str) -> Rejected:
    """Return the refusal of an item whose id is taken."""
    message = f"Error adding item: an item with id '{item_id}' already exists in the conversation."
    return Rejected("item_create_duplicate_item_id", message, "item.id")


def read_item(wire: dict[str, Any], new_id: Callable[[str], str]) -> tuple[Item, bytes]:
    """Return the item a client describes, checked before, and the PCM in it that nobody has a transcript of.

    Raises Rejected if that is not PCM.
    """
    item = Item(wire.get("id") or new_id("item"), wire["type"], status=wire.get("status") or "completed")
    if item.type != "message":
        extra: dict[str, Any] = {name: wire[name] for name in ("name", "arguments", "output") if name in wire}
        item.extra = extra | {"call_id": wire.get("call_id") or new_id("call")}
        return item, b""
    item.role = wire["role"]
    unheard = bytearray()
    for index, part in enumerate(wire["content"]):
        kept = {name: value for name, value in part.items() if name != "audio"}
        if "audio" in part:
            pcm = read_pcm(part["audio"], f"item.content[{index}].audio")
            item.audio_ms += audio.milliseconds(pcm)
            kept.setdefault("transcript", None)
            unheard += b"" if kept["transcript"] else pcm
        item.content.append(kept)
    return item, bytes(unheard)


def read_pcm(text: str, param: str) -> bytes:
    """Return the PCM in base64; raises Rejected for anything else, and for more than `MAX_PCM_BYTES`."""
    if len(text) * 3 // 4 > MAX_PCM_BYTES + 2:
        message = f"Invalid '{param}': audio too long. Expected at most {MAX_PCM_BYTES} bytes in one event."
        raise Rejected("string_above_max_length", message, param)
    try:
        return audio.decode(text)
    except ValueError as error:
        message = f"Invalid '{param}'. Expected base64-encoded 16-bit PCM, but got an invalid value: {error}."
        raise Rejected("invalid_value", message, param) from None
