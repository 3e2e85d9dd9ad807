"""What a page keeps of a conversation: read back whole, or not believed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given, strategies as st

from voice_ui.conversation import FunctionCall, Item
from voice_ui.snapshot import (
    CLOCK_SECONDS,
    INTERRUPTED,
    MOST_AGE_SECONDS,
    Owner,
    Seal,
    digest,
    item_of,
    text_of,
    unverified,
)
from voice_ui.usage import Usage

ADA, BOB = Owner("ada", "tab 1"), Owner("bob", "tab 1")
NOW = 1_800_000_000.0
ITEMS = [
    Item("u1", "user", 1, ["my name is Ada"], "completed"),
    Item("a1", "assistant", 1, ["Hello", "Ada."], "completed", heard=3),
    FunctionCall(
        "c1", "tool", 2, status="done", call_id="call", name="weather", arguments="{}", result="sunny", seconds=0.25
    ),
]
USED = Usage(text_in=3, audio_out=7)


def sealed(items: list[Item] = ITEMS, owner: Owner = ADA, seal: Seal | None = None) -> tuple[str, str, list[str]]:
    seal = seal or Seal(b"secret")
    head, texts = seal.head(owner, NOW, USED, 0.25), [text_of(item) for item in items]
    return head, seal.sign(head, map(digest, texts)), texts


def test_a_conversation_comes_back_as_it_was() -> None:
    snapshot = Seal(b"secret").open(*sealed(), ADA, NOW + 5)
    assert snapshot.items == ITEMS and [type(item) for item in snapshot.items] == [Item, Item, FunctionCall]
    assert (snapshot.usage, snapshot.dollars) == (USED, 0.25)


@pytest.mark.parametrize(
    "forge",
    [
        lambda head, signature, texts: (head, signature, [*texts[:1], texts[1].replace("Hello", "Howdy"), texts[2]]),
        lambda head, signature, texts: (head, signature, texts[:-1]),
        lambda head, signature, texts: (head, signature, texts[1:]),
        lambda head, signature, texts: (head, signature, texts[::-1]),
        lambda head, signature, texts: (head, signature, [*texts, texts[0]]),
        lambda head, signature, texts: (head.replace("0.25", "0.01"), signature, texts),
        lambda head, signature, texts: (head.replace("ada", "bob"), signature, texts),
        lambda head, signature, texts: (head, "", texts),
        lambda head, signature, texts: (head, "é\ud800", texts),
        lambda head, signature, texts: ("", signature, texts),
        lambda head, signature, texts: sealed(seal=Seal(b"another")),
        lambda head, signature, texts: sealed(owner=BOB),
        lambda head, signature, texts: sealed(owner=Owner("ada", "tab 2")),
    ],
)
def test_what_was_changed_or_is_somebody_elses_is_refused(forge) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        Seal(b"secret").open(*forge(*sealed()), ADA, NOW)


@pytest.mark.parametrize("later", [MOST_AGE_SECONDS + 1, -CLOCK_SECONDS - 1])
def test_what_is_too_old_or_of_tomorrow_is_refused(later: float) -> None:
    with pytest.raises(ValueError, match="too old"):
        Seal(b"secret").open(*sealed(), ADA, NOW + later)


def test_items_and_digests_cannot_trade_places() -> None:
    seal = Seal(b"secret")
    head, texts = seal.head(ADA, NOW, USED, 0.0), ["one", "two"]
    assert seal.sign(head, map(digest, texts)) != seal.sign(head + "\n", map(digest, texts))
    assert seal.sign(head, map(digest, texts)) != seal.sign(head, [digest("onetwo")])


def test_a_call_that_ran_and_a_reply_that_was_written_are_over() -> None:
    call = FunctionCall("c1", "tool", 1, status="running", call_id="call", name="f", event_number=7)
    assert item_of(text_of(call)) == replace(call, status="failed", result=INTERRUPTED, event_number=None)
    assert item_of(text_of(Item("a", "assistant", 1, ["to be"]))).status == "lost"


def test_an_item_of_a_server_with_long_ids_comes_back() -> None:
    item = Item("i" * 1000, "user", 1, ["Hello."], "completed")
    assert item_of(text_of(item)) == item


@given(st.text(), st.lists(st.text(st.characters(codec="utf-8"), max_size=50), max_size=5))
def test_any_words_survive(item_id: str, parts: list[str]) -> None:
    item = Item(f"i{item_id}"[:200].encode("utf-8", "replace").decode(), "user", 3, parts, "completed")
    assert item_of(text_of(item)) == item


NOT_ITEMS = [
    "", "[]", "null", '"item"', "{}", '{"id": "a"}', "{" * 5000, '{"id": "a", "role": "system", "parts": []}',
    '{"id": "a", "role": "assistant", "turn": -1}', '{"id": "a", "role": "assistant", "turn": 1e9}',
    '{"id": "a", "role": "assistant", "status": "<b>"}', '{"id": "", "role": "assistant"}',
    '{"id": "a", "role":"tool", "status": "done"}', '{"id": "a", "role": "user", "parts": "text"}',
    '{"id": "a", "role": "user", "parts": ["\\ud800"]}', '{"id": "a", "role": "user", "parts": [1]}',
    json.dumps({"id": "a", "role": "user", "parts": [""] * 1000}), '{"id": "a", "role": "user", "heard": -3}',
    '{"id": "a", "role": "tool", "status": "completed"}', '{"id": "a", "role": "tool", "seconds": "NaN"}',
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_ITEMS)
def test_what_is_no_item_is_left_out(text: str) -> None:
    with pytest.raises(ValueError):
        item_of(text)
    assert unverified([text, text_of(ITEMS[0])]) == [replace(ITEMS[0], verified=False)]


def test_nobody_makes_an_item_verified_by_saying_so() -> None:
    assert [item.verified for item in unverified([json.dumps({**asdict(ITEMS[0]), "verified": True})])] == [False]
    shown = replace(ITEMS[0], verified=False)
    assert not Seal(b"secret").open(*sealed([shown]), ADA, NOW).items[0].verified, "not by a second restart either"
