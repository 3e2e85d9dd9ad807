"""The Python half of the microphone: what it makes of what a browser says, true or not."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from voice_ui import audio
from voice_ui.errors import CODES
from voice_ui.mic import Chunk, Device, Mic, MicProblem, Started, Stopped
from voice_ui.mic.problems import HINTS, NAMES, code_of

SOUND = audio.encode(bytes(range(240)) * 4)


class Browser:
    """Stands for the page: says what mic.js would say, and remembers what it was told to do and what came of it."""

    def __init__(self) -> None:
        self.client = Client(ui.page("/"))
        self.calls: list[tuple[Any, ...]] = []
        self.events: list[Any] = []
        with self.client:
            self.mic = TalkingMic(
                on_chunk=self.events.append,
                on_starting=lambda: self.events.append("starting"),
                on_started=self.events.append,
                on_stopped=self.events.append,
                on_problem=self.events.append,
                on_cured=self.events.append,
                on_muted=lambda muted: self.events.append(("muted", muted)),
                on_held=lambda: self.events.append("held"),
                on_released=lambda: self.events.append("released"),
                on_devices=self.events.append,
                on_painted=lambda seq, ms: self.events.append((seq, ms)),
            )
        self.mic.calls = self.calls

    def says(self, name: str, *args: Any) -> None:
        """As `$emit(name, …)`; a single argument arrives bare, as NiceGUI has it."""
        body = json.loads(json.dumps(args[0] if len(args) == 1 else args))
        listeners = [listener for listener in self.mic._event_listeners.values() if listener.type == name]
        for listener in listeners:
            assert listener.handler
            listener.handler(GenericEventArguments(sender=self.mic, client=self.client, args=body))

    def starts(self) -> None:
        self.says("starting", 1, None)
        self.says("started", 2, {"rate": 24_000, "device": "A microphone"})
        self.events.clear()


class TalkingMic(Mic):
    """Without a browser nobody hears what it calls: so it is written down."""

    calls: list[tuple[Any, ...]]

    def run_method(self, name: str, *args: Any, timeout: float = 1) -> Any:
        self.calls.append((name, *args))


@pytest.fixture
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.client.delete()


def test_a_capture_is_told_from_start_to_stop(browser: Browser) -> None:
    browser.says("starting", 1, None)
    browser.says("started", 2, {"rate": 44_100, "device": "A microphone"})
    browser.says("chunk", 3, SOUND)
    browser.says("stopped", 4, "asked")
    assert browser.events == [
        "starting",
        Started(44_100, "A microphone"),
        Chunk(audio.decode(SOUND), 44_100, 3),
        Stopped("asked"),
    ]
    assert browser.mic.garbled == 0


@pytest.mark.parametrize(
    "body",
    [None, 7, "", "not base64!", "QQ==", SOUND + "AAAA" * 200, "A" * 2_000_000, {"pcm": SOUND}, [SOUND]],
    ids=lambda body: str(body)[:12],
)
def test_a_garbled_chunk_is_dropped_and_counted(browser: Browser, body: Any) -> None:
    browser.starts()
    browser.says("chunk", 3, body)
    browser.says("chunk", 4, SOUND)
    assert [event.seq for event in browser.events] == [4]
    assert browser.mic.garbled == 1


@pytest.mark.parametrize("rate", [7_999, 192_001, 24_000.5, "24000", None, -1])
def test_sound_at_an_impossible_rate_is_not_taken(browser: Browser, rate: Any) -> None:
    browser.says("started", 1, {"rate": rate, "device": ""})
    browser.says("chunk", 2, SOUND)
    assert browser.events == []
    assert browser.mic.garbled == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMED = st.sampled_from(["hello", "starting", "started", "chunk", "stopped", "problem", "cured"])


@given(st.lists(st.tuples(NAMED, st.lists(JSON | st.just(SOUND) | st.integers(1, 9), min_size=1, max_size=3))))
def test_whatever_a_browser_says_nothing_is_raised_and_only_sound_gets_through(said: list[Any]) -> None:
    browser = Browser()
    browser.starts()
    for name, args in said:
        browser.says(name, *args)
    for event in browser.events:
        match event:
            case Chunk(pcm, rate):
                assert (pcm, rate) == (audio.decode(SOUND), 24_000)
            case MicProblem(code):
                assert code in CODES
    browser.client.delete()


def test_what_is_sent_again_is_taken_once(browser: Browser) -> None:
    browser.starts()
    for seq in (3, 4, 5, 3, 4, 5, 6):
        browser.says("chunk", seq, SOUND)
    assert [event.seq for event in browser.events] == [3, 4, 5, 6]


def test_a_page_that_is_connected_again_learns_what_arrived_and_a_new_one_begins_anew(browser: Browser) -> None:
    browser.says("hello", "first")
    browser.starts()
    browser.says("chunk", 3, SOUND)
    browser.says("hello", "first")
    browser.says("hello", "second")
    browser.says("starting", 1, None)
    assert browser.calls == [("resendAfter", 0), ("resendAfter", 3), ("resendAfter", 0)]
    assert browser.events[1:] == [Stopped("reloaded"), "starting"]


def test_a_gap_is_told_in_seconds(browser: Browser) -> None:
    browser.starts()
    browser.says("chunk", 3, SOUND)
    browser.says("chunk", 54, SOUND)
    assert browser.events[1] == MicProblem("mic-gap", facts={"seconds": "1.0"})


def test_a_problem_stands_until_it_is_cured_or_a_capture_begins(browser: Browser) -> None:
    browser.starts()
    browser.says("problem", 3, {"name": "mic-silent", "detail": ""})
    browser.says("cured", 4, "mic-silent")
    browser.says("cured", 5, "mic-silent")
    browser.says("problem", 6, {"name": "ended", "detail": "A microphone", "api": True, "opened": True})
    browser.says("stopped", 7, "device-lost")
    browser.says("starting", 8, None)
    browser.says("started", 9, {"rate": 24_000, "device": ""})
    assert browser.events == [
        MicProblem("mic-silent"),
        "mic-silent",
        MicProblem("mic-lost", "ended: A microphone"),
        Stopped("device-lost"),
        "starting",
        "mic-lost",
        Started(24_000, ""),
    ]


@pytest.mark.parametrize(
    ("name", "detail", "facts", "code"),
    [
        ("NotAllowedError", "Permission denied", {}, "mic-refused"),
        ("NotAllowedError", "The request is not allowed by the user agent or the platform", {}, "mic-refused"),
        ("NotAllowedError", "Permission dismissed", {}, "mic-dismissed"),
        ("NotAllowedError", "Permission denied by system", {}, "mic-blocked-by-policy"),
        ("NotAllowedError", "Permission denied", {"allowed": False}, "mic-blocked-by-policy"),
        ("SecurityError", "", {}, "mic-blocked-by-policy"),
        ("NotFoundError", "Requested device not found", {}, "mic-none"),
        ("OverconstrainedError", "", {}, "mic-none"),
        ("NotReadableError", "Could not start audio source", {}, "mic-busy"),
        ("AbortError", "Starting audioinput failed", {}, "mic-busy"),
        ("AbortError", "Unable to load a worklet's module.", {"opened": True}, "mic-failed"),
        ("TypeError", "undefined", {"secure": False, "api": False}, "mic-insecure-origin"),
        ("TypeError", "undefined", {"api": False}, "mic-unsupported"),
        ("TypeError", "undefined", {}, "mic-failed"),
        ("ended", "", {"opened": True}, "mic-lost"),
        ("mic-silent", "", {}, "mic-silent"),
    ],
)
def test_the_browsers_words_become_our_codes(name: str, detail: str, facts: dict[str, bool], code: str) -> None:
    assert code_of(name, detail, **facts) == code


def test_every_code_is_in_the_catalogue() -> None:
    assert {*HINTS, *NAMES.values(), "mic-gap", "mic-failed", "mic-dismissed", "mic-insecure-origin"} <= set(CODES)


def test_the_two_halves_agree_on_the_length_of_a_chunk() -> None:
    script = Mic.component.path.read_text(encoding="utf-8") if Mic.component else ""
    assert f"const FRAME_MS = {audio.CHUNK_MS};" in script


def test_the_documentation_names_everything_the_microphone_offers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "microphone.md").read_text(encoding="utf-8")
    arguments = [name for name in inspect.signature(Mic.__init__).parameters if name != "self"]
    public = {name: value for name, value in vars(Mic).items() if not name.startswith("_")}
    ours = [name for name, value in public.items() if callable(value) or isinstance(value, property)]
    assert [name for name in (*arguments, *ours, "garbled") if f"`{name}" not in text] == []


def test_held_and_released_come_in_order_with_the_sound_between_them(browser: Browser) -> None:
    browser.starts()
    for seq, (name, body) in enumerate([("held", None), ("chunk", SOUND), ("released", None), ("muted", True)], 3):
        browser.says(name, seq, body)
    browser.says("released", 5, None)  # sent again after a reconnect
    assert [type(event).__name__ if isinstance(event, Chunk) else event for event in browser.events] == [
        "held", "Chunk", "released", ("muted", True),
    ]  # fmt: skip


def test_devices_are_told_and_what_is_none_is_left_out(browser: Browser) -> None:
    browser.says("devices", [{"id": "a", "label": "Headset", "inUse": True}, {"id": 7}, "nonsense"])
    assert browser.events == [[Device("a", "Headset", True)]]
    assert browser.mic.garbled == 2


@pytest.mark.parametrize("args", [("x", 1), (1, -5), (1, float("inf")), (1, 10**9), (1,), ()])
def test_a_time_that_cannot_be_is_dropped(browser: Browser, args: tuple[Any, ...]) -> None:
    browser.says("painted", *args) if args else browser.says("painted", None)
    assert browser.events == [] and browser.mic.garbled == 1
    browser.says("painted", 3, 25.5)
    assert browser.events == [(3, 25.5)]
