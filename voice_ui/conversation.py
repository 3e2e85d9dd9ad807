"""What was said, by whom, in which order: `Conversation.apply(event)` and nothing else. Pure, never written to disk."""

from __future__ import annotations

from dataclasses import dataclass

from voice_ui.protocol import ServerEvent, server


@dataclass
class Item:
    """One message of the conversation."""

    id: str
    role: str
    """user or assistant"""
    text: str = ""
    """What was written; for a spoken message what the server heard, empty until it says."""
    status: str = "in_progress"
    """in_progress, completed, cancelled, incomplete, failed; lost: its connection was"""


class Conversation:
    """The ordered items of one conversation; a new realtime session goes on with the same one."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._order: list[str] = []
        self._running: dict[str, set[str]] = {}  # response id -> ids of the items it writes

    @property
    def items(self) -> list[Item]:
        """All items, oldest first."""
        return [self._items[item_id] for item_id in self._order]

    @property
    def known(self) -> list[Item]:
        """The items a new session can be given, because all of what they say is known in writing."""
        return [item for item in self.items if item.text and item.status not in {"in_progress", "failed", "lost"}]

    def break_off(self) -> list[Item]:
        """The connection is gone: what was being written will not be finished. Return the items this ends."""
        lost = [item for item in self.items if item.role == "assistant" and item.status == "in_progress"]
        for item in lost:
            item.status = "lost"
        self._running.clear()
        return lost

    def forget(self, item_id: str) -> None:
        """Take an item out: it will be said again."""
        if self._items.pop(item_id, None):
            self._order.remove(item_id)

    def write(self, item_id: str, text: str) -> Item:
        """Take in what the user says in writing."""
        item = self._item(item_id, "user")
        item.text, item.status = text, "completed"
        return item

    def apply(self, event: ServerEvent) -> list[Item]:
        """Take in one event; return the items it changed, in order (most events: none or one)."""
        match event:
            case server.Committed(item_id):
                return [self._item(item_id, "user")]
            case server.ItemAdded(item_id, role, text, previous_item_id) if role in {"user", "assistant"}:
                item = self._item(item_id, role, previous_item_id)
                item.text = item.text or text
                return [item]
            case server.ItemDeleted(item_id) if item_id in self._items:
                self._order.remove(item_id)
                return [self._items.pop(item_id)]
            case server.TranscriptionDelta(item_id, delta):
                item = self._item(item_id, "user")
                item.text += delta
                return [item]
            case server.TranscriptionCompleted(item_id, transcript):
                item = self._item(item_id, "user")
                item.text, item.status = transcript.strip(), "completed"
                return [item]
            case server.TranscriptionFailed(item_id):
                item = self._item(item_id, "user")
                item.status = "failed"
                return [item]
            case server.TextDelta(response_id, item_id, delta):
                item = self._written(response_id, item_id)
                item.text += delta
                return [item]
            case server.TextDone(response_id, item_id, text) if text:
                item = self._written(response_id, item_id)
                item.text = text
                return [item]
            case server.ResponseDone(response_id, status):
                items = [self._items[id] for id in self._running.pop(response_id, ()) if id in self._items]
                for item in items:
                    item.status = status
                return items
        return []

    def _written(self, response_id: str, item_id: str) -> Item:
        self._running.setdefault(response_id, set()).add(item_id)
        return self._item(item_id, "assistant")

    def _item(self, item_id: str, role: str, previous_item_id: str | None = None) -> Item:
        if item_id not in self._items:
            self._items[item_id] = Item(item_id, role)
            after = self._order.index(previous_item_id) + 1 if previous_item_id in self._items else len(self._order)
            self._order.insert(after, item_id)
        return self._items[item_id]
