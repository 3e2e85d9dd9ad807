"""The visitors from the network and their conversations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import Client, background_tasks

from voice_ui.page.conversations import Conversations, LiveConversation
from voice_ui.page.usage_words import costs_in_words
from voice_ui.session import Accounts

LEAVE_SECONDS = 1.0
"""A page has this long to reload by itself."""

_log = logging.getLogger("voice_ui.page")


@dataclass(frozen=True)
class Visit:
    """Whatever one visitor has open."""

    id: str
    number: int
    """In the order in which visitors came; the log knows them by it."""
    conversations: Sequence[LiveConversation]
    """At least one; the newest last."""

    @property
    def address(self) -> str:
        """Where the visitor came from last."""
        return self.conversations[-1].address

    @property
    def is_talking(self) -> bool:
        """Whether a connection to the model is open or wanted."""
        return any(conversation.is_talking for conversation in self.conversations)

    def in_words(self, spent: float) -> str:
        """Return since when, how long, and what it cost."""
        budgets = [conversation.session.budget for conversation in self.conversations]
        minutes = sum(conversation.session.open_seconds for conversation in self.conversations) / 60
        is_known = spent or all(budget.cost is not None for budget in budgets)
        cost = costs_in_words(spent if is_known else None, all(budget.is_exact for budget in budgets))
        since, tokens = min(one.since for one in self.conversations), sum(budget.usage.total for budget in budgets)
        return " · ".join(filter(None, (f"since {since:%H:%M}", f"{minutes:.1f} min", f"{tokens:,} tokens", cost)))


class Visitors:
    """All visitors from the network, and their conversations."""

    def __init__(self, conversations: Conversations, accounts: Accounts) -> None:
        self._conversations = conversations
        self.accounts = accounts
        self._pages: dict[Client, str] = {}
        self._numbers: dict[str, int] = {}

    def enter(self, client: Client, visitor: str) -> None:
        """A visitor has opened a page."""
        number = self._numbers.setdefault(visitor, len(self._numbers) + 1)
        if visitor not in self._pages.values():
            _log.info("visitor %d came", number)
        self._pages[client] = visitor
        client.on_delete(lambda: self._leave(client))

    def _leave(self, client: Client) -> None:
        visitor = self._pages.pop(client, None)
        if visitor is not None and visitor not in self._pages.values():
            _log.info("visitor %d left", self._numbers[visitor])

    @property
    def _all(self) -> list[LiveConversation]:
        return [one for one in self._conversations if not one.session.budget.account.is_owner]

    @property
    def here(self) -> list[Visit]:
        """Those whose page is connected, or for whom something still runs; first come first."""
        found: dict[str, list[LiveConversation]] = {}
        for one in self._all:
            if one.is_connected or one.is_talking:
                found.setdefault(one.session.budget.account.visitor, []).append(one)
        return [Visit(visitor, self._numbers.get(visitor, 0), open_) for visitor, open_ in found.items()]

    def stop(self, visitor: str) -> None:
        """End what runs for a visitor, and let nothing begin until `allow`."""
        self.accounts.stop(visitor)
        for conversation in self._all:
            if conversation.session.budget.account.visitor == visitor:
                conversation.session.cut_off("stopped-by-owner")
        _log.info("visitor %d was stopped", self._numbers.get(visitor, 0))

    def allow(self, visitor: str) -> None:
        """Let a visitor start again."""
        self.accounts.allow(visitor)
        _log.info("visitor %d may go on", self._numbers.get(visitor, 0))

    def send_away(self) -> None:
        """End everything that runs for visitors, and close their pages."""
        for conversation in self._all:
            conversation.session.abort()
            self._conversations.end(conversation)
        for client in list(self._pages):
            background_tasks.create(_send_away(client), name="send away")


async def _send_away(client: Client) -> None:
    client.run_javascript("location.reload()")  # the guard then shows why
    await asyncio.sleep(LEAVE_SECONDS)
    if not client.is_deleted:
        client.delete()  # a page that does not reload can no longer do anything
