"""The Python half of the speaker: what it sends, and what it makes of what a browser says, true or not."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from nicegui import Client, core, ui
from nicegui.events import GenericEventArguments

from tests.patience import until
from voice_ui.errors import CODES
from voice_ui.speaker import Output, Speaker, SpeakerProblem
from voice_ui.speaker.speaker import EVENT, PROBLEMS

TENTH = bytes(4_800)
"""100 ms."""


class SilentSpeaker(Speaker):
    """Without a browser nobody hears what it calls: so it is written down."""

    calls: list[tuple[Any, ...]]

    def run_method(self, name: str, *args: Any, timeout: float = 1) -> Any:
        self.calls.append((name, *args))


class Browser:
    """Stands for the page: says what speaker.js would say, and remembers what it was sent and what came of it."""

    def __init__(self) -> None:
        self.client = Client(ui.page("/"))
        self.events: list[Any] = []
        with self.client:
            self.speaker = SilentSpeaker(
                on_played=lambda item_id, ms: self.events.append((item_id, ms)),
                on_stopped=lambda item_id, ms: self.events.append(("stopped", item_id, ms)),
                on_state=self.events.append,
                on_problem=self.events.append,
                on_cured=self.events.append,
                on_outputs=self.events.append,
            )
        self.calls = self.speaker.calls = []
        self.messages: list[tuple[Any, ...]] = []

    async def emit(self, event: str, data: tuple[Any, ...], room: str) -> None:
        assert (event, data[0], room) == (EVENT, self.speaker.id, self.client.id)
        self.messages.append(data[1:])

    def says(self, name: str, *args: Any) -> None:
        """As `$emit(name, …)`; a single argument arrives bare, as NiceGUI has it."""
        body = json.loads(json.dumps(args[0] if len(args) == 1 else args))
        for listener in self.speaker._event_listeners.values():
            if listener.type == name:
                assert listener.handler
                listener.handler(GenericEventArguments(sender=self.speaker, client=self.client, args=body))


@pytest.fixture
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    monkeypatch.setattr(core, "loop", asyncio.get_running_loop())
    browser = Browser()
    monkeypatch.setattr(core.sio, "emit", browser.emit)
    monkeypatch.setattr(type(browser.client), "has_socket_connection", True)
    yield browser
    browser.client.delete()


async def test_audio_is_sent_and_what_was_heard_is_reported(browser: Browser) -> None:
    browser.says("hello", "page", 0, 0)
    browser.says("opened", True)
    assert browser.speaker.play(TENTH * 5, "item")
    await until(lambda: len(browser.messages) == 3)
    assert [(number, start, item, len(pcm)) for number, start, item, pcm in browser.messages] == [
        (1, 0, 1, 9_600), (1, 4_800, 1, 9_600), (1, 9_600, 1, 4_800),
    ]  # fmt: skip
    browser.says("played", 1, 4_800, "playing")
    assert (browser.speaker.state, browser.speaker.played_ms, browser.speaker.unplayed_ms) == ("playing", 200, 300)
    browser.says("played", 1, 12_000, "empty")
    assert browser.events == ["idle", ("item", 200), "playing", ("item", 500), "idle"]


async def test_stop_forgets_what_is_queued_and_reports_how_much_was_heard(browser: Browser) -> None:
    browser.says("hello", "page", 0, 0)
    browser.speaker.play(TENTH * 100, "long")
    await until(lambda: len(browser.messages) == 15)  # three seconds
    browser.speaker.stop()
    assert browser.calls == [("stop", 1)]
    assert browser.speaker.unplayed_ms == 0
    browser.speaker.play(TENTH, "next")
    await until(lambda: len(browser.messages) == 16)
    assert browser.messages[-1][:3] == (2, 0, 1)
    browser.says("played", 1, 7_200, "playing")  # too late
    browser.says("played", 1, 7_200, "stopped")
    browser.says("played", 1, 7_200, "stopped")  # twice
    assert browser.events == [("long", 300), ("stopped", "long", 300), "idle"]


async def test_a_stop_by_a_click_on_the_page_forgets_what_is_queued(browser: Browser) -> None:
    browser.says("hello", "page", 0, 0)
    browser.speaker.play(TENTH * 100, "long")
    await until(lambda: len(browser.messages) == 15)
    browser.says("played", 1, 7_200, "stopped")
    assert browser.speaker.unplayed_ms == 0
    assert browser.events == [("long", 300), ("stopped", "long", 300), "idle"]


async def test_what_a_page_does_not_have_is_sent_again_when_it_says_hello(browser: Browser) -> None:
    browser.says("hello", "page", 0, 0)
    browser.speaker.play(TENTH * 4, "item")
    await until(lambda: len(browser.messages) == 2)
    browser.says("played", 1, 2_400, "playing")
    browser.says("hello", "page", 1, 4_800)  # connected again
    await until(lambda: len(browser.messages) == 3)
    assert browser.messages[-1][1] == 4_800
    browser.says("hello", "another page", 0, 0)
    await until(lambda: len(browser.messages) == 5)
    assert browser.messages[-2][1] == 2_400
    assert browser.speaker.state == "off"


async def test_problems_and_outputs_are_reported_and_what_is_none_is_left_out(browser: Browser) -> None:
    browser.says("problem", "speaker-blocked", "suspended")
    browser.says("problem", "nonsense", "")
    browser.says("cured", "speaker-blocked")
    browser.says("cured", ["nonsense"])
    browser.says("outputs", [{"id": "a", "label": "Headset", "inUse": True}, {"id": 7}, "nonsense"])
    assert browser.events == [
        SpeakerProblem("speaker-blocked", "suspended"), "speaker-blocked", [Output("a", "Headset", True)],
    ]  # fmt: skip
    assert browser.speaker.malformed == 3
    assert set(PROBLEMS) <= set(CODES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
REPORTS = st.tuples(st.integers(-1, 3), st.integers(-10, 20_000), st.sampled_from(["playing", "empty", "stopped"]))
NAMED = st.sampled_from(["hello", "played", "opened", "problem", "cured", "outputs"])


@given(st.lists(st.tuples(NAMED, st.one_of(JSON, st.lists(JSON, min_size=3, max_size=3), REPORTS))))
def test_whatever_a_browser_says_nothing_is_raised(said: list[Any]) -> None:
    async def talk() -> None:
        core.loop = asyncio.get_running_loop()
        browser = Browser()
        browser.speaker.play(TENTH, "item")
        for name, args in said:
            browser.says(name, args)
        assert browser.speaker.played_ms in range(101)
        browser.client.delete()

    asyncio.run(talk())


def test_the_documentation_names_everything_the_speaker_offers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "speaker.md").read_text(encoding="utf-8")
    arguments = [name for name in inspect.signature(Speaker.__init__).parameters if name != "self"]
    ours = [name for name in vars(Speaker) if not name.startswith("_") and name not in vars(ui.element)]
    assert [name for name in (*arguments, *ours, "malformed") if f"`{name}" not in text] == []
