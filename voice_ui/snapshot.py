"""A conversation as its page keeps it for another process: a text for each item, and one signature over all. Pure.

The signature covers the visitor, the browser tab, the place, the time and every item in order, so that no
word of the assistant can be forged, left out, or handed in by somebody else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from voice_ui.conversation import MOST_ITEMS, MOST_PARTS, FunctionCall, Item
from voice_ui.usage import Usage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_BYTES = 400_000
"""Of all items together; the oldest are left out. As JSON inside JSON they fit into one request of a page."""

MOST_AGE_SECONDS = 24 * 3600.0
"""Older conversations are shown, but not given to the model."""

CLOCK_SECONDS = 60.0
"""How far the clocks of two machines may be apart."""

MOST_TURN = 1_000_000

LONGEST_ID = 4_000
"""Of an item, in characters; OpenAI's have 32, and nobody bounds a server's."""

ROLES = {"user", "assistant", "tool"}
STATUSES = {"in_progress", "completed", "cancelled", "incomplete", "failed", "lost"}
CALL_STATUSES = {"waiting", "running", "done", "failed", "refused"}

INTERRUPTED = "Error: the program was restarted before the call came to an end."
"""The result of a call that ran when the process ended."""


@dataclass(frozen=True)
class Owner:
    """Whose conversation it is."""

    visitor: str
    """Empty if nobody tells visitors apart."""
    tab: str
    """Id of the browser tab."""
    place: str = ""
    """Where in the tab: a page, and which of its panels."""


@dataclass(frozen=True)
class Snapshot:
    """A conversation, read back."""

    items: list[Item]
    usage: Usage
    dollars: float


class Seal:
    """Signs and verifies; the key is shared by all processes that may take over from each other."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"voice-ui conversation 1", hashlib.sha256).digest()

    def head(self, owner: Owner, now: float, usage: Usage, dollars: float) -> str:
        """Return the text that is signed with the items; `now` in seconds since 1970."""
        return json.dumps({**vars(owner), "at": round(now), "usage": vars(usage), "dollars": dollars})

    def sign(self, head: str, digests: Iterable[bytes]) -> str:
        """Return the signature of a head and of the digests of all items, in order."""
        return hmac.new(self._key, head.encode() + b"\n" + b"".join(digests), hashlib.sha256).hexdigest()

    def open(self, head: str, signature: str, texts: Sequence[str], owner: Owner, now: float) -> Snapshot:
        """Read a conversation back; raises ValueError unless it is what was signed for this owner, and not too old."""
        wanted = self.sign(head, map(digest, texts))
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            raise ValueError("the signature does not fit")
        signed = json.loads(head)
        if Owner(signed["visitor"], signed["tab"], signed["place"]) != owner:
            raise ValueError("it belongs to somebody else")
        if not -CLOCK_SECONDS <= now - signed["at"] <= MOST_AGE_SECONDS:
            raise ValueError("it is too old")
        return Snapshot([item_of(text) for text in texts], Usage(**signed["usage"]), signed["dollars"])


def digest(text: str) -> bytes:
    """Return what the signature is made of."""
    return hashlib.sha256(text.encode()).digest()


def text_of(item: Item) -> str:
    """Write an item down."""
    defaults = _defaults(is_call=isinstance(item, FunctionCall)).items()
    written = {name: value for name, default in defaults if (value := getattr(item, name)) != default}
    return json.dumps(written, ensure_ascii=False)


@cache
def _defaults(*, is_call: bool) -> dict[str, Any]:
    return {field.name: field.default for field in fields(FunctionCall if is_call else Item) if field.name != "image"}


def item_of(text: str) -> Item:
    """Read an item; raises ValueError for what is none, whoever wrote it."""
    is_call = '"role": "tool"' in text
    item: Item = _reader(FunctionCall if is_call else Item).validate_json(text, strict=True)
    known = (
        item.role in ROLES
        and (item.role == "tool") is is_call
        and item.status in (CALL_STATUSES if is_call else STATUSES)
        and 0 < len(item.id) <= LONGEST_ID
        and 0 < item.turn <= MOST_TURN
        and len(item.parts) <= MOST_PARTS + 1
        and (item.heard is None or item.heard >= 0)
        and item.image is None
    )
    if not known:
        raise ValueError("an item has a value that none can have")
    item.text.encode()  # raises for half a character
    if isinstance(item, FunctionCall):
        seconds = item.seconds if item.seconds is not None and isfinite(item.seconds) else None
        item = replace(item, event_number=None, seconds=seconds)
        return item if item.is_over else replace(item, status="failed", result=INTERRUPTED)
    return replace(item, status="lost") if item.status == "in_progress" and item.role == "assistant" else item


def unverified(texts: Sequence[str]) -> list[Item]:
    """Return what can be read of items that nobody vouches for: to be shown, never to be given to a model."""
    items = []
    for text in texts[-MOST_ITEMS:]:
        try:
            items.append(replace(item_of(text), verified=False))
        except ValueError:
            continue
    return items


@cache
def _reader(kind: type[Item]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # takes a while to load, and most pages never come from another process

    return TypeAdapter(kind)
