"""A conversation is what was said, in order, whatever order the events come in."""

from __future__ import annotations

from voice_ui.conversation import Conversation, Item
from voice_ui.protocol import ServerEvent, server


def told(*events: ServerEvent) -> list[tuple[str, str, str]]:
    conversation = Conversation()
    for event in events:
        conversation.apply(event)
    return [(item.role, item.text, item.status) for item in conversation.items]


def test_a_spoken_turn_is_two_items_that_grow() -> None:
    assert told(
        server.Committed("u"),
        server.ItemAdded("u", "user", "", None),
        server.ItemAdded("a", "assistant", "", "u"),
        server.TextDelta("r", "a", "Hel"),
        server.TranscriptionDelta("u", "Good "),
        server.TextDelta("r", "a", "lo."),
        server.TranscriptionCompleted("u", " Good morning.\n"),
        server.ResponseDone("r", "completed"),
    ) == [("user", "Good morning.", "completed"), ("assistant", "Hello.", "completed")]


def test_a_reply_that_was_cut_off_keeps_its_words_and_says_so() -> None:
    assert told(server.TextDelta("r", "a", "Once upon"), server.ResponseDone("r", "cancelled")) == [
        ("assistant", "Once upon", "cancelled")
    ]


def test_an_item_finds_its_place_after_the_one_it_names() -> None:
    items = told(
        server.ItemAdded("a", "assistant", "first", None),
        server.ItemAdded("c", "user", "third", "a"),
        server.ItemAdded("b", "assistant", "second", "a"),
    )
    assert [text for _, text, _ in items] == ["first", "second", "third"]


def test_the_whole_text_at_the_end_mends_what_the_deltas_missed() -> None:
    assert told(server.TextDelta("r", "a", "Hlo"), server.TextDone("r", "a", "Hello"))[0][1] == "Hello"


def test_what_was_deleted_is_gone() -> None:
    assert told(server.Committed("u"), server.ItemDeleted("u"), server.ItemDeleted("never")) == []


def test_only_what_changed_is_reported() -> None:
    conversation = Conversation()
    conversation.apply(server.Committed("u"))
    assert conversation.apply(server.TextDelta("r", "a", "x")) == [Item("a", "assistant", "x")]
    assert conversation.apply(server.Unknown("rate_limits.updated")) == []


def test_calls_of_tools_and_system_messages_are_not_shown() -> None:
    assert told(server.ItemAdded("f", "", "", None), server.ItemAdded("s", "system", "secret", None)) == []
