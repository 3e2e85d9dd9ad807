"""Every conversation is on one list from its birth to its end, and a page with a live socket keeps its own."""

from __future__ import annotations

import pytest

from tests.patience import until
from voice_ui.page.conversations import LONGEST_TAB_ID, Conversations
from voice_ui.servers import Endpoint
from voice_ui.session import RealtimeSession
from voice_ui.snapshot import Owner

TAB = Owner("", "a tab")


class Page:
    """A panel on a page, as far as conversations are concerned."""

    def __init__(self, *, connected: bool = True) -> None:
        self.is_connected = connected
        self.released = 0
        self.chunk_ms = 0

    def stretch(self, chunk_ms: int) -> None:
        self.chunk_ms = chunk_ms

    def release(self) -> None:
        self.released += 1


class Session(RealtimeSession):
    """Remembers that it was closed."""

    def __init__(self) -> None:
        super().__init__(Endpoint("a server", "ws://127.0.0.1:9", "a model"))
        self.closed = False

    async def close(self) -> None:
        await super().close()
        self.closed = True


def short() -> Conversations:
    """Where nothing is kept for longer than a moment."""
    return Conversations(away_seconds=0.01, left_seconds=0.01)


async def test_a_page_whose_old_socket_dies_late_is_connected_all_the_same() -> None:
    conversations, page = short(), Page()
    conversation = conversations.join(page, TAB, Session)
    conversations.went_away(conversation)  # the old socket; the page has a new one
    other = conversations.join(Page(), Owner("", "another tab"), Session)
    conversations.went_away(other)
    other.holder.is_connected = False  # type: ignore[union-attr, misc]
    conversations.went_away(other)
    await until(lambda: len(conversations) == 1)
    assert conversation in list(conversations)
    assert not conversation.session.closed  # type: ignore[attr-defined]


async def test_a_page_that_is_loaded_again_finds_its_conversation_before_the_old_socket_is_noticed_dead() -> None:
    conversations, before, after = short(), Page(), Page()
    conversation = conversations.join(before, TAB, Session)
    assert conversations.join(after, TAB, Session) is conversation
    assert (before.released, after.released) == (1, 0)
    conversations.went_away(conversation)  # the old socket, at last
    assert conversation.holder is after
    assert len(conversations) == 1


async def test_who_comes_as_somebody_else_or_to_another_place_has_a_conversation_of_their_own() -> None:
    conversations = short()
    owners = [Owner(visitor, tab, place) for visitor in ("", "ada") for tab in ("1", "2") for place in ("/ 0", "/ 1")]
    first = [conversations.join(Page(), owner, Session) for owner in owners]
    again = [conversations.join(Page(), owner, Session) for owner in owners]
    assert first == again
    assert len(conversations) == len(owners)
    await conversations.close_all()


async def test_a_conversation_waits_for_its_page_and_is_closed_when_nobody_comes() -> None:
    conversations, page = short(), Page()
    conversation = conversations.join(page, TAB, Session)
    page.is_connected = False
    conversations.went_away(conversation)
    await until(lambda: not len(conversations))
    assert conversation.session.closed  # type: ignore[attr-defined]
    assert not conversations.knows(conversation.id)
    assert page.released == 1
    assert conversations.join(Page(), TAB, Session) is not conversation


async def test_a_page_that_is_back_in_time_stops_the_clock() -> None:
    conversations, page = short(), Page()
    conversation = conversations.join(page, TAB, Session)
    page.is_connected = False
    conversations.went_away(conversation)
    page.is_connected = True
    conversations.came_back(conversation)
    other = conversations.join(Page(connected=False), Owner("", "another tab"), Session)
    conversations.went_away(other)
    await until(lambda: len(conversations) == 1)
    assert conversations.knows(conversation.id)


@pytest.mark.parametrize("tab_id", ["", "x" * (LONGEST_TAB_ID + 1)])
async def test_without_a_tab_each_page_has_a_conversation_of_its_own_and_all_are_on_the_list(tab_id: str) -> None:
    conversations = short()
    first, second = (conversations.join(Page(), Owner("", tab_id), Session) for _ in range(2))
    assert first is not second
    assert list(conversations) == [first, second]
    await conversations.close_all()
    assert len(conversations) == 0
    assert first.session.closed and second.session.closed  # type: ignore[attr-defined]


async def test_the_same_tab_in_two_live_pages_is_one_session_and_it_is_on_the_list() -> None:
    conversations = short()
    pages = [Page(), Page(), Page()]
    joined = {conversations.join(page, TAB, Session) for page in pages}
    assert len(joined) == len(conversations) == 1
    assert [page.released for page in pages] == [1, 1, 0]


async def test_a_conversation_that_cannot_be_closed_properly_is_off_the_list_and_the_others_are_closed() -> None:
    class Stubborn(Session):
        async def close(self) -> None:
            raise OSError("too many open files")

    conversations = short()
    conversations.join(Page(), None, Stubborn)
    good = conversations.join(Page(), None, Session)
    await conversations.close_all()
    assert len(conversations) == 0
    assert good.session.closed  # type: ignore[attr-defined]


async def test_every_page_learns_how_long_chunks_should_be_also_one_that_comes_later() -> None:
    conversations, first, second = short(), Page(), Page()
    conversations.join(first, None, Session)
    assert first.chunk_ms == 20
    conversations.load.chunk_ms = 60
    conversations.load._on_change(60)
    conversations.join(second, None, Session)
    assert first.chunk_ms == second.chunk_ms == 60
    await conversations.close_all()
    assert conversations.load._timer is None and conversations.load.chunk_ms == 20
