"""What was said in one turn: the utterance and everything that answers it. Pure."""

from __future__ import annotations

from voice_ui.conversation import FunctionCall, Item
from voice_ui.images import Image

MARKS = {"cancelled": "cut short", "incomplete": "incomplete", "failed": "failed", "lost": "connection lost"}
"""Shown beside a reply that is not whole, by its status."""


class TurnTexts:
    """Copies of a turn's items, in the order in which they appeared."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.items: dict[str, Item] = {}

    @property
    def heard(self) -> str:
        """What the user said or typed."""
        return "\n".join(item.text for item in self.items.values() if item.role == "user" and item.text)

    @property
    def image(self) -> Image | None:
        """What the user showed."""
        return next((item.image for item in self.items.values() if item.image), None)

    @property
    def replies(self) -> list[Item]:
        """The preamble, if there is one, and the answer."""
        return [item for item in self.items.values() if item.role == "assistant"]

    @property
    def calls(self) -> list[FunctionCall]:
        """The calls of tools."""
        return [item for item in self.items.values() if isinstance(item, FunctionCall)]

    def place(self, item_id: str) -> int:
        """Return the place of an item among those of the turn, counted from 1; 0 if it is not one of them."""
        return list(self.items).index(item_id) + 1 if item_id in self.items else 0

    @property
    def reply(self) -> str:
        """All that was replied."""
        return "\n\n".join(item.text for item in self.replies if item.text)

    def ends_with(self, item_id: str, part: int) -> bool:
        """Whether the reply ends with this part of this item."""
        last = next(reversed(self.items.values()), None)
        return last is not None and last.id == item_id and part == len(last.parts) - 1

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.heard and not self.image and not self.reply and not self.calls

    def mark(self, is_past: bool) -> str:
        """Return what to show beside the reply; empty for one that is complete or still being written."""
        replies = self.replies
        if self.image and not self.heard and not replies:
            return ""  # the question follows
        if not replies:
            return "no reply" if is_past and not any(not call.is_over for call in self.calls) else ""
        last = replies[-1]
        if not last.verified and last.status == "completed":
            return "not verified"
        if last.status == "completed" and not self.reply:
            return "empty reply"
        return MARKS["cancelled"] if last.heard is not None else MARKS.get(last.status, "")

    def append(self, item_id: str, part: int, text: str) -> bool:
        """Add text to a part of an item; False if there is no such item."""
        item = self.items.get(item_id)
        if item is None:
            return False
        item.parts.extend([""] * (part + 1 - len(item.parts)))
        item.parts[part] += text
        return True
