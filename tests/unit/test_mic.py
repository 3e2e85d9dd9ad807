"""The Python half of the microphone: what it makes of what a browser says, true or not."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from nicegui import Client, app, core, ui
from nicegui.events import GenericEventArguments

from tests.patience import until
from voice_ui import audio
from voice_ui.errors import CODES
from voice_ui.mic import Chunk, Device, Mic, MicProblem, Started, Stopped, pace
from voice_ui.mic.controls import Controls
from voice_ui.mic.listeners import Listeners
from voice_ui.mic.problems import HINTS, NAMES, code_of
from voice_ui.mic.reception import MAX_SEQ

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
                on_live=lambda live: self.events.append(("live", live)),
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

    def told(self, *types: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, types)]


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
        ("live", True),
        Chunk(audio.decode(SOUND), 44_100, 3),
        ("live", False),
        Stopped("asked"),
    ]
    assert browser.mic.malformed == 0


@pytest.mark.parametrize(
    "body",
    [None, 7, "", "not base64!", "QQ==", "AAAA" * 2_000, "A" * 2_000_000, {"pcm": SOUND}, [SOUND]],
    ids=lambda body: str(body)[:12],
)
def test_a_malformed_chunk_is_dropped_and_counted(browser: Browser, body: Any) -> None:
    browser.starts()
    browser.says("chunk", 3, body)
    browser.says("chunk", 4, SOUND)
    assert [chunk.seq for chunk in browser.told(Chunk)] == [4]
    assert browser.mic.malformed == 1


@pytest.mark.parametrize("rate", [7_999, 192_001, 24_000.5, "24000", None, -1])
def test_sound_at_an_impossible_rate_is_not_taken(browser: Browser, rate: Any) -> None:
    browser.says("started", 1, {"rate": rate, "device": ""})
    browser.says("chunk", 2, SOUND)
    assert browser.events == []
    assert browser.mic.malformed == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMED = st.sampled_from(["hello", "starting", "started", "chunk", "stopped", "problem", "cured", "several"])


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
    assert browser.events[1:] == [("live", False), Stopped("reloaded"), "starting"]


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
        ("live", False),
        Stopped("device-lost"),
        "starting",
        "mic-lost",
        Started(24_000, ""),
        ("live", True),
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
        ("ended", "", {"opened": True, "permission": "granted"}, "mic-lost"),
        ("withdrawn", "", {"opened": True, "permission": "denied"}, "mic-permission-withdrawn"),
        ("NotAllowedError", "Permission denied", {"permission": "prompt"}, "mic-refused"),
        ("NotAllowedError", "The request is not allowed by the user agent", {"permission": "prompt"}, "mic-dismissed"),
        ("NotAllowedError", "The request is not allowed by the user agent", {"permission": "denied"}, "mic-refused"),
        ("mic-silent", "", {}, "mic-silent"),
    ],
)
def test_the_browsers_words_become_our_codes(name: str, detail: str, facts: dict[str, Any], code: str) -> None:
    assert code_of(name, detail, **facts) == code


def test_every_code_is_in_the_catalogue() -> None:
    assert {*HINTS, *NAMES.values(), "mic-gap", "mic-failed", "mic-dismissed", "mic-insecure-origin"} <= set(CODES)


def test_the_two_halves_agree_on_the_length_of_a_chunk() -> None:
    folder = Path(inspect.getfile(Mic)).parent
    for script in ("mic.js", "mic_gate.js"):
        assert f"const FRAME_MS = {audio.CHUNK_MS};" in (folder / script).read_text(encoding="utf-8")


def test_the_documentation_names_everything_the_microphone_offers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "microphone.md").read_text(encoding="utf-8")
    arguments = [name for name in inspect.signature(Mic.__init__).parameters if name != "self"]
    public = {name: value for kind in (Mic, Controls, Listeners) for name, value in vars(kind).items()}
    ours = [name for name in public if not name.startswith("_") and name not in vars(ui.element)]
    assert [name for name in (*arguments, *ours, "refused_ms") if f"`{name}" not in text] == []


def test_held_and_released_come_in_order_with_the_sound_between_them(browser: Browser) -> None:
    browser.starts()
    for seq, (name, body) in enumerate([("held", None), ("chunk", SOUND), ("released", None), ("muted", True)], 3):
        browser.says(name, seq, body)
    browser.says("released", 5, None)  # sent again after a reconnect
    assert [type(event).__name__ if isinstance(event, Chunk) else event for event in browser.events] == [
        "held", "Chunk", "released", ("muted", True),
    ]  # fmt: skip


def test_events_that_travelled_together_are_taken_one_by_one(browser: Browser) -> None:
    browser.starts()
    browser.says("several", [["held", 3, None], ["chunk", 4, SOUND], ["nonsense", 5, 0], 7, ["chunk", 5, SOUND]])
    browser.says("several", [["chunk", 5, SOUND], ["chunk", 6, SOUND], ["released", 7, None]])
    assert [chunk.seq for chunk in browser.told(Chunk)] == [4, 5, 6]
    assert browser.events[0] == "held" and browser.events[-1] == "released"
    assert browser.mic.malformed == 2


@pytest.mark.parametrize("args", [7, "nonsense", None, {"0": 1}, [["chunk", 3, SOUND]] * 5_000])
def test_a_message_that_holds_no_events_is_dropped(browser: Browser, args: Any) -> None:
    browser.starts()
    browser.says("several", args)
    assert browser.events == [] and browser.mic.malformed == 1


@pytest.mark.parametrize("seq", [MAX_SEQ + 1, 10**400])
def test_a_number_that_no_page_counts_to_is_dropped(browser: Browser, seq: int) -> None:
    browser.starts()
    browser.says("chunk", seq, SOUND)
    browser.says("chunk", 3, SOUND)
    assert [chunk.seq for chunk in browser.events] == [3]


def test_a_longer_chunk_takes_a_number_for_every_20_ms(browser: Browser) -> None:
    browser.starts()
    for seq, frames in ((7, 5), (8, 1), (10, 2), (15, 3)):
        browser.says("chunk", seq, audio.encode(audio.decode(SOUND) * frames))
    assert [len(chunk.pcm) // 960 for chunk in browser.told(Chunk)] == [5, 1, 2, 3]
    assert browser.told(MicProblem) == [MicProblem("mic-gap", facts={"seconds": "0.0"})]  # 40 ms before the last


def test_only_some_lengths_can_be_asked_for(browser: Browser) -> None:
    browser.mic.chunk_ms = 100
    assert browser.mic.chunk_ms == 100
    with pytest.raises(ValueError, match="one of"):
        browser.mic.chunk_ms = 30


def test_chunks_are_stretched_for_a_while_and_then_as_long_as_was_asked_for(browser: Browser) -> None:
    browser.mic.chunk_ms = 40
    for least_ms, sent_ms in ((20, 40), (100, 100), (60, 60), (20, 40)):
        browser.mic.stretch_chunks(least_ms)
        assert (browser.mic._props["chunk-ms"], browser.mic.chunk_ms) == (sent_ms, 40)


def test_sound_faster_than_time_is_refused_and_counted(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    browser.mic._pace = pace.Pace(now)
    browser.starts()
    browser.says("several", [["chunk", seq, SOUND] for seq in range(3, 1503)])  # half a minute that was kept
    assert len(browser.events) == 1500
    for seq in range(1503, 3503):  # and forty times as much as fits into one second
        now += 0.0005
        browser.says("chunk", seq, SOUND)
    passed_s = (len(browser.events) - 1500) / 50
    assert passed_s <= pace.BACKLOG_SECONDS - 30 + pace.FASTEST
    assert browser.mic.refused_ms == pytest.approx(40_000 - passed_s * 1000)
    for seq in range(3503, 3603):  # in time again
        now += 0.02
        browser.says("chunk", seq, SOUND)
    assert [event.seq for event in browser.events][-95:] == list(range(3508, 3603))


def test_it_is_live_from_the_first_sound_on_and_only_while_sound_comes_in(browser: Browser) -> None:
    label = None
    with browser.client:
        label = ui.label().bind_text_from(browser.mic, "live", str)
    seen = []
    for seq, (name, body) in enumerate(
        [
            ("starting", None),
            ("problem", {"name": "mic-muted", "detail": ""}),
            ("started", {"rate": 24_000, "device": ""}),
            ("cured", "mic-muted"),
            ("problem", {"name": "mic-silent", "detail": ""}),  # it still comes in
            ("problem", {"name": "mic-no-frames", "detail": ""}),
            ("problem", {"name": "mic-suspended", "detail": ""}),
            ("cured", "mic-no-frames"),
            ("cured", "mic-suspended"),
            ("problem", {"name": "mic-muted", "detail": ""}),
            ("stopped", "asked"),
            ("starting", None),
            ("started", {"rate": 24_000, "device": ""}),  # muted or not, mic.js says it anew
        ],
        1,
    ):
        browser.says(name, seq, body)
        seen.append(browser.mic.live)
        assert label.text == str(browser.mic.live)
    assert seen == [False] * 3 + [True] * 2 + [False] * 3 + [True] + [False] * 3 + [True]
    assert [event for event in browser.told(tuple) if event[0] == "live"] == [
        ("live", live) for live in (True, False, True, False, True)
    ]


def test_callbacks_are_added_and_called_in_order_even_if_one_fails(browser: Browser) -> None:
    heard: list[Any] = []
    errors: list[Exception] = []
    app.on_exception(errors.append)

    def fail(_: Chunk) -> None:
        raise RuntimeError("first")

    assert browser.mic.on_chunk(fail).on_chunk(lambda chunk: heard.append(chunk.seq)) is browser.mic
    browser.mic.on_chunk(lambda: heard.append("without arguments"))
    browser.starts()
    browser.says("chunk", 3, SOUND)
    assert heard == [3, "without arguments"]
    assert [str(error) for error in errors] == ["first"]
    app._exception_handlers.remove(errors.append)


async def test_callbacks_may_be_coroutine_functions_except_for_chunks(browser: Browser) -> None:
    heard: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append((event, ui.context.client is browser.client))

    async def hear_nothing() -> None: ...

    core.loop = asyncio.get_running_loop()
    browser.mic.on_started(hear)
    with pytest.raises(TypeError, match="overtake"):
        browser.mic.on_chunk(hear)
    browser.starts()
    await until(lambda: heard == [(Started(24_000, "A microphone"), True)])


def test_devices_are_told_and_what_is_none_is_left_out(browser: Browser) -> None:
    browser.says("devices", [{"id": "a", "label": "Headset", "inUse": True}, {"id": 7}, "nonsense"])
    assert browser.events == [[Device("a", "Headset", True)]]
    assert browser.mic.malformed == 2


@pytest.mark.parametrize("args", [("x", 1), (1, -5), (1, float("inf")), (1, 10**9), (1,), ()])
def test_a_time_that_cannot_be_is_dropped(browser: Browser, args: tuple[Any, ...]) -> None:
    browser.says("painted", *args) if args else browser.says("painted", None)
    assert browser.events == [] and browser.mic.malformed == 1
    browser.says("painted", 3, 25.5)
    assert browser.events == [(3, 25.5)]
