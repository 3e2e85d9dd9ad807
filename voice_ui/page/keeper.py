"""Has a page keep its conversation, signed, in its own memory: another process can go on with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from voice_ui import snapshot
from voice_ui.conversation import FunctionCall, Item, ItemChanged, ItemRemoved
from voice_ui.session import RealtimeSession, SessionEvent, UsageCounted
from voice_ui.snapshot import Owner, Seal

BEGUN_SECONDS = 0.05
"""What has begun is reported after this time: the first words of a reply travel before it. What is finished is kept at
once, or a process that is killed now would take it along."""

Keep = Callable[[list[tuple[str, str | None]], str, str, list[dict[str, Any]]], object]
"""Takes the items that changed (id and text; None: no longer kept), head and signature of all, and what is still being
written. NOTE: keep(…) in panel.js."""


class Keeper:
    """Follows one conversation, for one page."""

    def __init__(self, session: RealtimeSession, seal: Seal, owner: Owner, keep: Keep) -> None:
        self._session, self._seal, self._owner, self._keep = session, seal, owner, keep
        self._kept: dict[str, tuple[bytes, int]] = {}  # digest and size by id, in the order in which the page has them
        self._bytes = 0
        self._changed: dict[str, Item | None] = {item.id: item for item in session.conversation.items}
        self._drafts: dict[str, Item] = {}
        self._scheduled: asyncio.Handle | None = None
        self._schedule()

    def note(self, event: SessionEvent) -> None:
        """Take in what the session reports."""
        match event:
            case ItemChanged(item):
                if item.status == "in_progress" and item.id in self._drafts:
                    return
                self._changed[item.id] = item
                if item.status == "in_progress":
                    return self._schedule(BEGUN_SECONDS)
            case ItemRemoved(item_id):
                self._changed[item_id] = None
            case UsageCounted():
                pass
            case _:
                return
        self._schedule()

    def stop(self) -> None:
        """Send nothing more."""
        if self._scheduled:
            self._scheduled.cancel()

    def _schedule(self, seconds: float = 0.0) -> None:
        if self._scheduled and seconds:
            return  # what changes together travels together
        self.stop()
        self._scheduled = asyncio.get_running_loop().call_later(seconds, self._send)

    def _send(self) -> None:
        self._scheduled = None
        changes: list[tuple[str, str | None]] = []
        for item_id, item in self._changed.items():
            self._drafts.pop(item_id, None)
            if item is None or (item.status == "in_progress" and not isinstance(item, FunctionCall)):
                if item is not None:
                    self._drafts[item_id] = item
                if item_id in self._kept:
                    changes.append(self._drop(item_id))
            else:
                changes += self._take(item)
        self._changed.clear()
        while self._bytes > snapshot.MOST_BYTES:
            changes.append(self._drop(next(iter(self._kept))))
        budget = self._session.budget
        head = self._seal.head(self._owner, time.time(), budget.usage, budget.dollars)
        signature = self._seal.sign(head, (digest for digest, _ in self._kept.values()))
        drafts = [
            {"id": item.id, "role": item.role, "turn": item.turn, "phase": item.phase} for item in self._drafts.values()
        ]
        self._keep(changes, head, signature, drafts)

    def _take(self, item: Item) -> list[tuple[str, str | None]]:
        text = snapshot.text_of(item)
        digest, size = snapshot.digest(text), len(text.encode("utf-8", "replace"))
        before, before_size = self._kept.get(item.id, (b"", 0))
        if digest == before:
            return []
        self._kept[item.id] = digest, size
        self._bytes += size - before_size
        return [(item.id, text)]

    def _drop(self, item_id: str) -> tuple[str, str | None]:
        _, size = self._kept.pop(item_id)
        self._bytes -= size
        return item_id, None
