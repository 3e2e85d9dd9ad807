"""Text that grows: each addition travels once, at its place, and what is sent again changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import Client, ui

from tests.patience import until
from voice_ui.page.running_text import MESSAGE, RunningText


class Screen:
    """Does with messages what running_text.js does."""

    def __init__(self) -> None:
        self.client = Client(ui.page("/"))
        with self.client:
            self.text = RunningText()
        self.client.outbox.messages.clear()
        self.client.outbox.updates.clear()
        self.shown = ""
        self.sent: list[dict[str, Any]] = []

    async def tick(self) -> None:
        """What waits is sent."""
        await asyncio.sleep(0)
        for _, name, message in self.client.outbox.messages:
            assert name == MESSAGE and message["id"] == self.text.id
            self.sent.append(message)
            self.put(message)
        self.client.outbox.messages.clear()

    def put(self, message: dict[str, Any]) -> None:
        """Show a message; places are counted in the units of JavaScript."""
        units = self.shown.encode("utf-16-le")[: 2 * message["at"]]
        self.shown = (units + message["text"].encode("utf-16-le")).decode("utf-16-le")


async def test_only_what_is_added_travels() -> None:
    screen = Screen()
    for word in ("One", " two", " three"):
        screen.text.append(word)
        await screen.tick()
    assert [message["text"] for message in screen.sent] == ["One", " two", " three"]
    assert screen.shown == screen.text.written == "One two three"


async def test_the_first_word_waits_for_nothing_and_later_ones_of_one_moment_travel_together() -> None:
    screen = Screen()
    for word in ("One", " two", " three"):
        screen.text.append(word)
        assert len(screen.client.outbox.messages) == 1
    await screen.tick()
    assert [message["text"] for message in screen.sent] == ["One", " two three"]
    screen.text.append(" four")
    await screen.tick()
    assert screen.shown == "One two three four"


async def test_what_comes_twice_changes_nothing() -> None:
    screen = Screen()
    for word in ("Ein 🎤", " und noch", " eins 👩‍👩‍👧", "."):
        screen.text.append(word)
        await screen.tick()
    for message in screen.sent[1:]:
        screen.put(message)
    assert screen.shown == "Ein 🎤 und noch eins 👩‍👩‍👧."


async def test_another_text_replaces_the_first_and_a_longer_one_goes_on() -> None:
    screen = Screen()
    for text in ("Seven", "Seven plus five", "Twelve", ""):
        screen.text.set_text(text)
        await screen.tick()
        assert screen.shown == text
    assert [message["text"] for message in screen.sent][:2] == ["Seven", " plus five"]


async def test_several_texts_of_one_moment_end_with_the_last() -> None:
    screen = Screen()
    screen.text.append("One")
    screen.text.set_text("Two")
    screen.text.append(" three")
    await screen.tick()
    assert screen.shown == "Two three"


async def test_an_element_that_is_sent_whole_has_all_of_its_text() -> None:
    screen = Screen()
    screen.text.append("All of it")
    assert screen.text._to_dict()["props"]["text"] == "All of it"


async def test_while_the_program_is_busy_all_but_the_first_words_wait_for_each_other() -> None:
    screen = Screen()
    screen.text.coalesce_ms = 20
    for number in range(30):
        screen.text.append(f" word {number}")
        await screen.tick()
    first = len(screen.sent)
    assert screen.sent[0]["text"] == " word 0" and 80 < len(screen.shown) < 100 and first <= 12
    await until(lambda: len(screen.client.outbox.messages) > 0)
    await screen.tick()
    assert len(screen.sent) == first + 1 and screen.shown == screen.text.written
    screen.text.append(" The end.")
    screen.text.flush()
    await screen.tick()
    assert screen.shown.endswith(" The end.")
