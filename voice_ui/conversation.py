"""What was said, by whom, in which turn: `Conversation.apply(event)` and little else. Pure, never written to disk.

A turn is one utterance and everything that answers it. An item takes its place when it is committed, so what is
heard of it later lands there. Not everything a server repeats is said twice: see `_user`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from voice_ui.images import Image
from voice_ui.protocol import ServerEvent, WireItem, server, well_formed

MOST_ITEMS = 2000
"""Older items are forgotten here; the page keeps what it shows. A day of talk."""

MOST_CHARACTERS = 200_000
"""Of one part of an item; the rest of a reply that does not end is not kept."""

MOST_IMAGES = 10
"""Images that are kept, 4.5 MB; an older one is not shown again, and not given to the next connection."""

MOST_PARTS = 50
"""The highest index of a part; a server's index beyond reason makes no long list."""


@dataclass
class Item:
    """One message of the conversation."""

    id: str
    role: str
    """user, assistant or, for a `FunctionCall`, tool"""
    turn: int = 1
    """Counted from 1."""
    parts: list[str] = field(default_factory=list)
    """What was written, one text for each content part; what the server heard, for a spoken message."""
    status: str = "in_progress"
    """in_progress, completed, cancelled, incomplete, failed; lost: its connection was"""
    phase: str | None = None
    """`commentary` for a preamble to the answer (protocol facts, section 10.3)."""
    heard: int | None = None
    """Characters of `text` that were heard, of a spoken reply that was cut short; None: all of it."""
    image: Image | None = None
    """What the user showed along with the text."""
    verified: bool = True
    """Whether it is known to have been said: what a page brings back may be made up, and is only shown."""

    @property
    def text(self) -> str:
        """All parts, with a blank line between them."""
        return "\n\n".join(part for part in self.parts if part)

    @property
    def heard_text(self) -> str:
        """The text as far as it was heard."""
        return self.text[: self.heard]


@dataclass
class FunctionCall(Item):
    """A call of a tool, and what came of it. Its role is `tool`, its status one of these:

    waiting (a person has to approve it), running, done, failed, refused.
    """

    call_id: str = ""
    """Empty for the list of a hosted MCP server's tools, which nobody called for."""
    name: str = ""
    arguments: str = ""
    """JSON text, as the model wrote it."""
    result: str = ""
    """What the model is told: the value that was returned, or what went wrong."""
    seconds: float | None = None
    """How long it ran, once it is over."""
    event_number: int | None = None
    """Of the event that made the call, as the session's tracer counts; None without one."""
    server_label: str = ""
    """Of a hosted tool, which the realtime server itself runs: the MCP server that has it."""

    @property
    def is_over(self) -> bool:
        """Whether there is a result."""
        return self.status not in {"waiting", "running"}


@dataclass(frozen=True)
class TextDelta:
    """`text` was added to the end of a part of an item."""

    item_id: str
    part: int
    text: str


@dataclass(frozen=True)
class ItemChanged:
    """An item appeared, or its text or status changed."""

    item: Item
    """A copy."""


@dataclass(frozen=True)
class ItemRemoved:
    """An item is no longer part of the conversation: it will be said again, or the server deleted it."""

    item_id: str


Change = TextDelta | ItemChanged | ItemRemoved


class Conversation:
    """The items of one conversation; a new connection goes on with the same one."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._alias: dict[str, str] = {}  # a second id of the same utterance (LocalAI) -> the first
        self._announced: set[str] = set()  # user items of which the server sent the item itself
        self._turn = 0
        self._replied = False  # whether a response belongs to the newest turn
        self._responses: dict[str, int] = {}  # of the running ones: the turn that each answers
        self._written: dict[str, list[str]] = {}  # of the running responses: the items that each writes
        self._half: dict[tuple[str, int], str] = {}  # the first half of a character, until the second comes
        self._whole: set[tuple[str, int]] = set()  # parts of which all was told; more deltas would say it twice

    @property
    def items(self) -> list[Item]:
        """All items: turn by turn, in each the utterance first."""
        return sorted(self._items.values(), key=lambda item: (item.turn, item.role != "user"))

    @property
    def known(self) -> list[Item]:
        """The items a new connection can be given, because all of what they say is known in writing."""
        return [item for item in self.items if item.verified and (isinstance(item, FunctionCall) or _is_whole(item))]

    def is_known(self, item_id: str) -> bool:
        """Whether what was said in a user item is known in writing."""
        item = self._find(item_id)
        return item is not None and bool(item.text) and item.status == "completed"

    def is_transcribing(self, item_id: str) -> bool:
        """Whether a user item's transcript is still to come, or not all of it has."""
        item = self._find(item_id)
        return item is not None and item.role == "user" and item.status == "in_progress"

    def text_of(self, item_id: str) -> str:
        """Return the text of an item, empty if there is none."""
        item = self._find(item_id)
        return item.text if item else ""

    def turn_of(self, item_id: str) -> int:
        """Return the turn of an item, or of a response that runs; 0 if there is none."""
        item = self._find(item_id)
        return item.turn if item else 0

    def phase_of(self, item_id: str) -> str | None:
        """Return the phase of a reply's item, as far as the server names it."""
        item = self._items.get(item_id)
        return item.phase if item else None

    def _find(self, item_id: str) -> Item | None:
        """Return an item by its id, or by a second id of the same utterance."""
        return self._items.get(self._alias.get(item_id, item_id))

    # What we do.

    def restore(self, items: Iterable[Item]) -> None:
        """Take in the items of an earlier process, before anything else is said."""
        self._items = {item.id: item for item in items}
        self._turn = max((item.turn for item in self._items.values()), default=0)
        self._replied = any(item.turn == self._turn and item.role == "assistant" for item in self._items.values())

    def write(self, item_id: str, text: str, image: Image | None = None) -> ItemChanged:
        """Take in what the user says in writing, or shows."""
        item = self._begin_turn(item_id)
        item.parts, item.status, item.image = [text], "completed", image
        if image:
            shown = [item for item in self._items.values() if item.image]
            for old in shown[:-MOST_IMAGES]:
                old.image = None
        return ItemChanged(replace(item))

    def forget_images(self) -> None:
        """Give no image to the next connection."""
        for item in self._items.values():
            item.image = None

    def fail(self, item_id: str) -> list[Change]:
        """What the user wrote could not be sent."""
        if (item := self._items.get(item_id)) is None:
            return []
        item.status = "failed"
        return [_changed(item)]

    def cut_short(self, item_id: str, heard: int) -> list[Change]:
        """A spoken reply was heard this far only, in characters."""
        if (item := self._items.get(item_id)) is None:
            return []
        item.heard = heard
        return [_changed(item)]

    def break_off(self) -> list[Change]:
        """The connection is gone: what was being written will not be finished."""
        self._responses.clear()
        self._written.clear()
        self._half.clear()
        self._whole.clear()
        lost = [item for item in self._items.values() if item.role == "assistant" and item.status == "in_progress"]
        for item in lost:
            item.status = "lost"
        return [_changed(item) for item in lost]

    def forget(self, item_id: str) -> list[Change]:
        """Take out an item that will be said again."""
        item_id = self._alias.get(item_id, item_id)
        return [ItemRemoved(item_id)] if self._items.pop(item_id, None) else []

    def begin_response(self, response_id: str, item_id: str | None) -> None:
        """A response begins that answers this item; None: the server goes on by itself.

        It goes on in the newest turn if that has no answer yet, or only a preamble to one. Where a lost connection has
        left a piece of an earlier reply to it, this one stands in a turn of its own.
        """
        asked = self._find(item_id) if item_id else None
        turn = asked.turn if asked else max(self._turn, 1)
        replies = [item for item in self._items.values() if item.turn == turn and item.role == "assistant"]
        if asked is None and any(item.phase != "commentary" for item in replies):
            turn += 1
        elif any(item.status == "lost" for item in replies):
            turn = max(self._turn, turn) + 1
        self._turn = max(self._turn, turn)
        self._replied = self._replied or turn == self._turn
        self._responses[response_id] = turn

    # Calls of tools. NOTE: only session/tools.py and session/hosted_tools.py change them.

    def begin_call(self, response_id: str, call: FunctionCall) -> Change:
        """Take in a call that a response makes, in the turn that the response answers."""
        call.turn = self._responses.get(response_id, max(self._turn, 1))
        while call.id in self._items:  # a new connection may count from the beginning
            call.id += "_"
        self._items[call.id] = call
        self._bound()
        return ItemChanged(replace(call))

    def change_call(self, call: FunctionCall) -> Change:
        """The status of a call has changed."""
        return ItemChanged(replace(call))

    # What the server does.

    def apply(self, event: ServerEvent) -> list[Change]:
        """Take in one event; return what it changed, in order (most events: nothing or one thing)."""
        match event:
            case server.ReplyTextDelta():
                return self.append(event)
            case server.ReplyTextDone(response_id, item_id, part, text):
                return self._finish_part(response_id, item_id, part, text)
            case server.SpeechStopped(item_id) | server.Committed(item_id) if item_id:
                return self._commit(item_id)
            case server.ItemAdded(wire) | server.ItemDone(wire) if wire.type == "message":
                return self._take(wire)
            case server.ItemDeleted(item_id):
                return self.forget(item_id)
            case server.TranscriptionDelta(item_id, delta) if item_id and delta:
                item = self._user(item_id)
                if (room := MOST_CHARACTERS - len(text := item.text)) <= 0:
                    return []
                item.parts = [text + self._joined(item.id, 0, delta)[:room]]
                return [_changed(item)]
            case server.TranscriptionCompleted(item_id, transcript):
                item = self._user(item_id)
                heard = well_formed(transcript).strip() or item.text  # some send all of it in deltas only
                item.parts, item.status = [heard[:MOST_CHARACTERS]], "completed"
                self._half.pop((item.id, 0), None)
                return [_changed(item)]
            case server.TranscriptionFailed(item_id):
                item = self._user(item_id)
                item.status = "failed"
                return [_changed(item)]
            case server.OutputItemAdded(response_id, wire):
                return self._take_output(response_id, wire)
            case server.OutputItemDone(response_id, wire):
                return self._take_output(response_id, wire, is_whole=True)
            case server.ResponseDone():
                return self._finish(event)
        return []

    # Replies.

    def append(self, event: server.ReplyTextDelta) -> list[Change]:
        """Take in more text of a reply; `apply` does the same."""
        if not (delta := event.delta):
            return []
        part = event.content_index
        item = self._items.get(event.item_id)
        written = self._written.get(event.response_id)
        if item is None or not written or written[-1] != item.id or not 0 <= part < len(item.parts):
            item, part = self._reply(event.response_id, event.item_id, part)
        if self._whole and (item.id, part) in self._whole:
            return []
        is_new = not item.parts[part] and not item.text
        if self._half or not delta.isascii():
            delta = self._joined(item.id, part, delta)
        if (room := MOST_CHARACTERS - len(item.parts[part])) < len(delta):
            delta = delta[:room]
        item.parts[part] += delta
        if is_new:
            return [_changed(item)]
        return [TextDelta(item.id, part, delta)] if delta else []

    def _joined(self, item_id: str, part: int, delta: str) -> str:
        """Return the delta with the half of an emoji that came before, and without the half whose other is to come."""
        delta = self._half.pop((item_id, part), "") + delta
        if "\ud800" <= delta[-1] <= "\udbff":  # an emoji in two halves, as Python writes JSON
            self._half[item_id, part], delta = delta[-1], delta[:-1]
        return well_formed(delta)

    def _finish_part(self, response_id: str, item_id: str, part: int, text: str) -> list[Change]:
        """The whole text of a part, whatever deltas came before."""
        text = well_formed(text[:MOST_CHARACTERS])
        if not text:
            return []
        item, part = self._reply(response_id, item_id, part)
        if self._responses:
            self._whole.add((item.id, part))
        if item.parts[part] == text:
            return []
        self._half.pop((item.id, part), None)
        item.parts[part] = text
        return [_changed(item)]

    def _take_output(self, response_id: str, wire: WireItem, *, is_whole: bool = False) -> list[Change]:
        if wire.type != "message" or not (wire.id or wire.text):
            return []
        if wire.id not in self._items and not wire.text and not wire.phase:
            return []
        item, _ = self._reply(response_id, wire.id, 0)
        return self._fill(item, wire, is_whole=is_whole)

    def _fill(self, item: Item, wire: WireItem, *, is_whole: bool = False) -> list[Change]:
        """Take from an item what was not written in deltas; `is_whole`: nothing more is to come."""
        before = replace(item)
        item.phase = wire.phase or item.phase
        text = well_formed(wire.text)[:MOST_CHARACTERS]
        if text and (not item.text or (is_whole and len(item.parts) == 1 and text.startswith(item.text))):
            item.parts = [text]
            self._half = {place: half for place, half in self._half.items() if place[0] != item.id}
        if text and is_whole and self._responses:
            self._whole.update((item.id, part) for part in range(len(item.parts)))
        return [_changed(item)] if item != before and item.text else []

    def _finish(self, event: server.ResponseDone) -> list[Change]:
        changes: list[Change] = []
        for wire in event.output:
            changes += self._take_output(event.response_id, wire)
        self._responses.pop(event.response_id, None)
        for item_id in self._written.pop(event.response_id, ()):
            item = self._items.get(item_id)
            for place in [place for place in self._half if place[0] == item_id]:
                del self._half[place]
                if item and place[1] < len(item.parts):
                    item.parts[place[1]] += "\N{REPLACEMENT CHARACTER}"
            if item and item.text:
                if item.status == "in_progress":
                    item.status = event.status
                    changes.append(_changed(item))
            else:
                self._items.pop(item_id, None)  # announced, and nothing came of it
        if not self._responses:
            self._whole.clear()
        return changes

    def _reply(self, response_id: str, item_id: str, part: int) -> tuple[Item, int]:
        """Return the item that a response writes, and the index of a part that is in it."""
        item_id = item_id or f"{response_id} reply"  # a server that names none writes one
        if isinstance(self._items.get(item_id), FunctionCall):
            item_id = f"{item_id} reply"
        if item_id not in self._items:
            if response_id not in self._responses:
                self.begin_response(response_id, None)
            self._items[item_id] = Item(item_id, "assistant", self._responses[response_id])
            self._bound()
        if response_id in self._responses:
            written = self._written.setdefault(response_id, [])
            if item_id not in written:
                written.append(item_id)
        item = self._items[item_id]
        part = max(0, min(part, MOST_PARTS))
        item.parts += [""] * (part + 1 - len(item.parts))
        return item, part

    # Utterances.

    def _commit(self, item_id: str) -> list[Change]:
        return [] if self._find(item_id) else [_changed(self._begin_turn(item_id))]

    def _take(self, wire: WireItem) -> list[Change]:
        if wire.role == "assistant":
            if wire.id in self._items:
                return self._fill(self._items[wire.id], wire)
            running = next(reversed(self._responses), None)
            return self._take_output(running, wire) if running is not None and wire.id else []
        if wire.role != "user" or not wire.id:
            return []
        is_new = self._find(wire.id) is None
        item = self._user(wire.id, wire.text, announces=True)
        self._announced.add(item.id)
        before = replace(item)
        if wire.text and not item.text:
            item.parts = [well_formed(wire.text)[:MOST_CHARACTERS]]
            is_written = any(part.type == "input_text" for part in wire.content)
            item.status = "completed" if is_written else item.status
        return [_changed(item)] if is_new or item != before else []

    def _user(self, item_id: str, text: str = "", *, announces: bool = False) -> Item:
        """Return the user item of that id.

        LocalAI commits an utterance under one id and sends the item under another: where the newest utterance was
        committed and not announced, and the texts do not contradict, both are one. A server that commits nothing
        names an utterance only after its reply has begun: it belongs to the turn of that reply.
        """
        if known := self._find(item_id):
            return known
        item_id = self._alias.get(item_id, item_id)
        newest = next((item for item in reversed(self._items.values()) if item.role == "user"), None)
        is_newest = newest is not None and newest.turn == self._turn
        if newest and is_newest and announces and newest.id not in self._announced:
            if not text or not newest.text or newest.text == text.strip():
                self._alias[item_id] = newest.id
                return newest
        if self._replied and not is_newest and (self._responses or not announces):
            self._items[item_id] = item = Item(item_id, "user", self._turn)
            return item
        return self._begin_turn(item_id)

    def _begin_turn(self, item_id: str) -> Item:
        self._turn += 1
        self._replied = False
        self._items[item_id] = item = Item(item_id, "user", self._turn)
        self._bound()
        return item

    def _bound(self) -> None:
        while len(self._items) > MOST_ITEMS:
            oldest = next(iter(self._items))
            del self._items[oldest]
            self._announced.discard(oldest)
        while len(self._alias) > MOST_ITEMS:
            del self._alias[next(iter(self._alias))]
        while len(self._responses) > MOST_ITEMS:
            gone = next(iter(self._responses))
            del self._responses[gone]
            self._written.pop(gone, None)
        if len(self._whole) > MOST_ITEMS:  # of a server whose responses never end
            self._whole.clear()


def _is_whole(item: Item) -> bool:
    return bool(item.heard_text or item.image) and item.status not in {"in_progress", "failed", "lost"}


def _changed(item: Item) -> ItemChanged:
    return ItemChanged(replace(item, parts=list(item.parts)))
