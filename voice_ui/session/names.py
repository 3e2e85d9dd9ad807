"""The ids of a connection's items, made unique in the conversation: a server may use one twice. Pure.

Some count from the beginning on each connection, and some count what they hear apart from what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from voice_ui.protocol import ServerEvent, WireItem, server

MOST_NAMES = 2000
"""More items than a conversation keeps."""

_OF_SPEECH = (
    server.SpeechStarted,
    server.SpeechStopped,
    server.Committed,
    server.TranscriptionDelta,
    server.TranscriptionCompleted,
    server.TranscriptionFailed,
)

_OF_A_REPLY = (server.ReplyTextDelta, server.ReplyTextDone, server.AudioDelta, server.AudioDone)


class Names:
    """What the items of one connection are called in the conversation."""

    def __init__(self) -> None:
        self.doubtful: set[str] = set()
        """Ids that do not stand for a reply, or not under that name."""
        self._used: set[str] = set()
        self._names: dict[tuple[bool, str], str] = {}  # by whether it is a reply, and the server's id

    def reserve(self, ids: Iterable[str]) -> None:
        """These stand for items that there are."""
        reserved = set(ids)
        self._used |= reserved
        self.doubtful |= reserved

    def named(self, event: ServerEvent) -> ServerEvent:
        """Return the event with the name of each message in it."""
        match event:
            case server.ResponseDone(output=output) if output:
                items = tuple(self._item(item) for item in output)
                return event if items == output else replace(event, output=items)
            case server.OutputItemAdded(item=item) | server.OutputItemDone(item=item):
                named = self._item(item)
                return event if named is item else replace(event, item=named)
            case server.ItemAdded(item=item) | server.ItemDone(item=item):
                named = self._item(item)
                return event if named is item else replace(event, item=named)
            case server.ItemDeleted(item_id):
                name = self._names.get((False, item_id)) or self._names.get((True, item_id)) or item_id
                return event if name == item_id else replace(event, item_id=name)
        if isinstance(event, _OF_SPEECH + _OF_A_REPLY):
            name = self._name(event.item_id, is_reply=isinstance(event, _OF_A_REPLY))
            return event if name == event.item_id else replace(event, item_id=name)
        return event

    def wire_id(self, name: str) -> str:
        """Return what the server calls an item."""
        return next((item_id for (_, item_id), known in self._names.items() if known == name), name)

    def _item(self, item: WireItem) -> WireItem:
        if item.type != "message" or item.role not in {"user", "assistant"}:
            if item.type != "message" and item.id:
                self.reserve([item.id])  # its own id is what its calls and approvals are told by
            return item
        name = self._name(item.id, is_reply=item.role == "assistant")
        return item if name == item.id else replace(item, id=name)

    def _name(self, item_id: str, *, is_reply: bool) -> str:
        if not item_id:
            return ""
        if name := self._names.get((is_reply, item_id)):
            return name
        name = item_id
        while name in self._used:
            name += "_"
        self._names[is_reply, item_id] = name
        self._used.add(name)
        if name != item_id or not is_reply:
            self.doubtful.add(item_id)
        if len(self._names) > MOST_NAMES:
            oldest = next(iter(self._names))
            self._used.discard(self._names.pop(oldest))
            self.doubtful.discard(oldest[1])
        return name
