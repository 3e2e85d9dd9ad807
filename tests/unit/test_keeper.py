"""What a page is given to keep: the items that are whole, signed together, and no more than it can hand in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from voice_ui import snapshot
from voice_ui.conversation import Item, ItemChanged, ItemRemoved
from voice_ui.page.keeper import BEGUN_SECONDS, Keeper
from voice_ui.servers import Endpoint
from voice_ui.session import RealtimeSession
from voice_ui.snapshot import Owner, Seal, item_of

ADA = Owner("ada", "tab 1")


class Page:
    """Keeps what it is given, as panel.js does."""

    def __init__(self, items: list[Item] | None = None) -> None:
        self.session = RealtimeSession(Endpoint.compatible("ws://127.0.0.1:1/v1", "test-model"))
        self.session.conversation.restore(items or [])
        self.texts: dict[str, str] = {}
        self.messages = 0
        self.keeper = Keeper(self.session, Seal(b"secret"), ADA, self._keep)

    def _keep(self, changes: list[tuple[str, str | None]], head: str, sign: str, drafts: list[dict[str, Any]]) -> None:
        self.messages += 1
        for item_id, text in changes:
            if text is None:
                del self.texts[item_id]
            else:
                self.texts[item_id] = text
        self.head, self.signature, self.drafts = head, sign, drafts

    async def note(self, *items: Item) -> None:
        for item in items:
            self.keeper.note(ItemChanged(item))
        await asyncio.sleep(2 * BEGUN_SECONDS)

    @property
    def handed_in(self) -> list[Item]:
        """What another process reads."""
        texts, now = list(self.texts.values()), snapshot.json.loads(self.head)["at"]
        return Seal(b"secret").open(self.head, self.signature, texts, ADA, now).items


def user(number: int, text: str = "hello", status: str = "completed") -> Item:
    return Item(f"u{number}", "user", number, [text], status)


async def test_items_are_kept_as_soon_as_they_are_whole() -> None:
    page = Page()
    await page.note(user(1, "he", "in_progress"))
    assert page.handed_in == [] and [draft["id"] for draft in page.drafts] == ["u1"]
    await page.note(user(1), Item("a1", "assistant", 1, ["Go"]))
    assert page.handed_in == [user(1)] and [draft["id"] for draft in page.drafts] == ["a1"]
    await page.note(Item("a1", "assistant", 1, ["Good day."], "completed"))
    assert [item.text for item in page.handed_in] == ["hello", "Good day."] and page.drafts == []


async def test_a_transcript_that_grows_is_not_sent_again_and_again() -> None:
    page = Page()
    for length in range(1, 50):
        await page.note(user(1, "x" * length, "in_progress"))
    assert page.messages <= 2


async def test_what_changes_or_is_said_again_is_kept_as_it_is_now() -> None:
    page = Page([user(1), user(2)])
    await asyncio.sleep(2 * BEGUN_SECONDS)
    assert page.handed_in == [user(1), user(2)]
    page.keeper.note(ItemRemoved("u1"))
    await page.note(user(2, "something else"), user(1, "again"))
    assert page.handed_in == [user(1, "again"), user(2, "something else")]
    page.keeper.note(ItemRemoved("u1"))
    await asyncio.sleep(2 * BEGUN_SECONDS)
    assert page.handed_in == [user(2, "something else")]
    await page.note(user(1, "later"))
    assert page.handed_in == [user(2, "something else"), user(1, "later")], "the page and the signature agree on order"


async def test_of_a_long_conversation_the_newest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST_BYTES", 1000)
    page = Page()
    for number in range(1, 60):
        await page.note(user(number, f"number {number}"))
    assert 5 < len(page.handed_in) < 20
    assert page.handed_in[-1] == user(59, "number 59")
    assert sum(len(text) for text in page.texts.values()) <= 1000
    await page.note(user(60, "x" * 5000))
    assert page.handed_in == [], "it does not fit at all"
    await page.note(user(61))
    assert [item_of(text) for text in page.texts.values()] == [user(61)]


async def test_nothing_is_sent_after_its_end() -> None:
    page = Page()
    await asyncio.sleep(2 * BEGUN_SECONDS)
    page.keeper.note(ItemChanged(user(1)))
    page.keeper.stop()
    await asyncio.sleep(2 * BEGUN_SECONDS)
    assert page.messages == 1
