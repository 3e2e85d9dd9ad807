"""All conversations of the program, and which panel shows each.

A conversation of a browser tab outlives the page it was begun on: a page that was out of touch, or is loaded again by
the same person, finds it. All others end with their page. Nothing is on no list: what is replaced is either handed over
or closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import uuid4

from voice_ui.page.load import Load
from voice_ui.session import RealtimeSession
from voice_ui.snapshot import Owner

AWAY_SECONDS = 60.0
"""How long a conversation is kept, in memory, for a tab that has lost its connection."""

LEFT_SECONDS = 5.0
"""How long it is kept after the user leaves the page; a reload comes back at once."""

MOST_TYPED = 100
"""Messages; a page sends again what it has sent since it was last connected."""

LONGEST_TAB_ID = 100
"""Characters; NiceGUI's ids have 36. Longer ones do not come from a browser."""

_log = logging.getLogger("voice_ui.page")


class Holder(Protocol):
    """What shows a conversation."""

    @property
    def is_connected(self) -> bool:
        """Whether its page has a live socket, whatever became of older ones."""

    def release(self) -> None:
        """Stop showing it: another page does, or it has ended."""

    def stretch(self, chunk_ms: int) -> None:
        """Take chunks of at least this length, and send as seldom: the program is busy, or no longer."""

    def reconnect(self) -> None:
        """Have the page look for another process: this one is about to end."""


@dataclass(eq=False)
class LiveConversation:
    """A session, and who it belongs to."""

    session: RealtimeSession
    holder: Holder | None
    owner: Owner | None = None
    """Whose it is; None if no other page can take it over."""
    address: str = ""
    """Of the visitor; empty for the owner, or if unknown."""
    id: str = field(default_factory=lambda: uuid4().hex)
    """The page remembers it, to notice when the conversation is gone."""
    since: datetime = field(default_factory=datetime.now)
    typed: deque[str] = field(default_factory=partial(deque, maxlen=MOST_TYPED))
    """Ids of the messages that its pages have sent: one may come again."""
    was_left: bool = False
    """The user has left the page."""

    @property
    def is_connected(self) -> bool:
        """Whether a page with a live socket shows it."""
        return self.holder is not None and self.holder.is_connected

    @property
    def is_talking(self) -> bool:
        """Whether a connection to the model is open or wanted."""
        return not self.session.state.at_rest


class Conversations:
    """The list of all conversations. Not thread-safe: use it on the event loop."""

    def __init__(self, away_seconds: float = AWAY_SECONDS, left_seconds: float = LEFT_SECONDS) -> None:
        self._away_seconds, self._left_seconds = away_seconds, left_seconds
        self._all: dict[LiveConversation, asyncio.TimerHandle | None] = {}  # with its end timer, while its page is away
        self._by_owner: dict[Owner, LiveConversation] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.load = Load(self._stretch)
        """How busy the program is, while there are conversations."""

    def __iter__(self) -> Iterator[LiveConversation]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def knows(self, conversation_id: str) -> bool:
        """Whether the conversation with this id still exists."""
        return any(conversation.id == conversation_id for conversation in self._all)

    def join(
        self, holder: Holder, owner: Owner | None, open_session: Callable[[], RealtimeSession], address: str = ""
    ) -> LiveConversation:
        """Return the conversation of `owner` for `holder` to show, or a new one.

        Called whenever a page connects. The tab's previous page may still look alive, if its network went away: the
        newer page has the conversation. Without an owner there is always a new one.
        """
        if owner and not 0 < len(owner.tab) <= LONGEST_TAB_ID:
            owner = None
        conversation = self._by_owner.get(owner) if owner else None
        if conversation is None:
            conversation = LiveConversation(open_session(), holder, owner, address)
            self._all[conversation] = None
            self.load.begin()
            if owner:
                self._by_owner[owner] = conversation
        elif conversation.holder is not holder:
            before, conversation.holder = conversation.holder, holder
            if before:
                before.release()
        holder.stretch(self.load.chunk_ms)
        self.came_back(conversation)
        return conversation

    def came_back(self, conversation: LiveConversation) -> None:
        """Its page has connected or reconnected."""
        conversation.was_left = False
        self._schedule_end(conversation, None)

    def went_away(self, conversation: LiveConversation) -> None:
        """A socket of its page is gone; perhaps an old one, and the page has another."""
        if conversation in self._all and not conversation.is_connected and conversation.owner:
            self._schedule_end(conversation, self._left_seconds if conversation.was_left else self._away_seconds)

    def _schedule_end(self, conversation: LiveConversation, seconds: float | None) -> None:
        if conversation not in self._all:
            return
        if timer := self._all[conversation]:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._all[conversation] = None if seconds is None else loop.call_later(seconds, self._give_up, conversation)

    def _give_up(self, conversation: LiveConversation) -> None:
        if conversation in self._all and not conversation.is_connected:
            self.end(conversation)

    def end(self, conversation: LiveConversation) -> None:
        """Close it, in the background."""
        task = asyncio.get_running_loop().create_task(self.close(conversation), name="close conversation")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self, conversation: LiveConversation) -> None:
        """Close it, and wait until its tasks have ended."""
        self._schedule_end(conversation, None)
        if conversation.owner and self._by_owner.get(conversation.owner) is conversation:
            del self._by_owner[conversation.owner]
        holder, conversation.holder = conversation.holder, None
        try:
            if holder:
                holder.release()
            await conversation.session.close()
        except Exception:
            _log.exception("a conversation could not be closed properly")
        finally:
            self._all.pop(conversation, None)
            if not self._all:
                self.load.end()

    def _stretch(self, chunk_ms: int) -> None:
        _log.info("chunks of %d ms: %.0f %% of a core in use", chunk_ms, 100 * self.load.busy)
        for conversation in self:
            if conversation.holder:
                conversation.holder.stretch(chunk_ms)

    async def close_all(self) -> None:
        """Close all conversations; the program is ending."""
        await asyncio.gather(*(self.close(conversation) for conversation in self))
        await asyncio.gather(*self._closing, return_exceptions=True)
