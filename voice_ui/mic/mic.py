"""The microphone as a NiceGUI element: JavaScript owns the device, Python the state.

    mic = Mic(on_chunk=lambda chunk: recording.write(chunk.pcm))
    ui.button("Talk").on("click", js_handler=mic.js_toggle)

Each capture calls `on_starting`, `on_started` with the first audio, `on_chunk`, and `on_stopped`. `on_starting` and
`on_stopped` are always called, in this order. Input from the browser is not trusted: invalid messages are dropped and
counted, and never raise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from nicegui import ui
from nicegui.binding import BindableProperty
from nicegui.events import GenericEventArguments

from voice_ui import audio, tuning
from voice_ui.mic.controls import CHUNK_MS, Controls
from voice_ui.mic.events import Chunk, Device, MicProblem, Started, Stopped, StopReason
from voice_ui.mic.listeners import Callback, Listeners
from voice_ui.mic.pace import Pace
from voice_ui.mic.problems import HINTS, NOT_LIVE, STAYING, code_of
from voice_ui.mic.reception import Reception
from voice_ui.page_socket import DirectListener

RATES = range(8_000, 192_001)
"""Hertz: browsers must offer 8,000 to 96,000 (Web Audio API, createBuffer); studio devices run at up to twice that."""

MAX_CHARS = 51_200
"""Base64 of 100 ms of 16-bit samples at the highest rate."""

MAX_DEVICES = 50


class _Listener(DirectListener):
    """Handles one event of mic.js; see `tuning.deliver_directly`. Where that is not in force, NiceGUI calls it."""

    __signature__ = tuning.EVENT_SIGNATURE

    def __init__(self, handle: Callable[[Any], object]) -> None:
        self._handle = handle

    def __call__(self, event: GenericEventArguments) -> None:
        self._handle(event.args)

    def take(self, args: list[Any]) -> None:
        """Take the arguments as NiceGUI hands them over: one alone, or several in a list."""
        self._handle(args[0] if len(args) == 1 else args)


class Mic(
    Controls,
    Listeners,
    component="mic.js",
    dependencies=["mic_delivery.js", "mic_device.js", "mic_gate.js", "mic_release.js", "worklet/mic_frames.js"],
):
    """Captures audio in the browser. Invisible; its child elements can use the CSS variable `--mic-level`, 0 to 1."""

    live = BindableProperty()
    """Whether audio is coming in. False before the first frame, and while the device or the browser mutes it."""

    def __init__(
        self,
        *,
        on_chunk: Callback = None,
        on_starting: Callback = None,
        on_started: Callback = None,
        on_live: Callback = None,
        on_stopped: Callback = None,
        on_problem: Callback = None,
        on_cured: Callback = None,
        on_muted: Callback = None,
        on_held: Callback = None,
        on_released: Callback = None,
        on_devices: Callback = None,
        on_painted: Callback = None,
        rate: int = audio.SAMPLE_RATE,
        echo_cancellation: bool = True,
        noise_suppression: bool = True,
        auto_gain_control: bool = True,
        level_on: ui.element | None = None,
    ) -> None:
        """Create the microphone. It captures nothing until it is started.

        Callbacks may be coroutine functions, except for `on_chunk`; the methods of the same names add more. `rate` is
        in hertz. The browser may ignore `rate` and the three audio processing options. `level_on` is the element that
        gets `--mic-level`, see `show_level_on`.
        """
        super().__init__()
        self.on_chunk(on_chunk).on_starting(on_starting).on_started(on_started).on_live(on_live)
        self.on_stopped(on_stopped).on_problem(on_problem).on_cured(on_cured).on_muted(on_muted)
        self.on_held(on_held).on_released(on_released).on_devices(on_devices).on_painted(on_painted)
        self.live = False
        self.refused_ms = 0.0
        """How much audio was dropped because it arrived faster than real time, in milliseconds."""
        self._rate = 0
        self._capturing = self._muted = False
        self._pace = Pace(time.monotonic())
        self._standing: set[str] = set()
        self._props["rate"], self._props["by-hand"], self._props["chunk-ms"] = rate, False, audio.CHUNK_MS
        self.listen_with("", echo_cancellation, noise_suppression, auto_gain_control)
        if level_on:
            self.show_level_on(level_on)
        numbered: dict[str, Callable[[Any], bool]] = {
            "starting": self._handle_starting,
            "started": self._handle_started,
            "chunk": self._handle_chunk,
            "stopped": self._handle_stopped,
            "problem": self._handle_problem,
            "cured": self._handle_cured,
            "muted": self._handle_muted,
            "held": self._handle_held,
            "released": self._handle_released,
        }
        self._reception = Reception(numbered, self._frames_in, self._handle_gap)
        for name in numbered:
            self.on(name, _Listener(partial(self._reception.take, name)))
        self.on("several", _Listener(self._reception.take_several))
        self.on("hello", _Listener(self._handle_hello))
        self.on("devices", _Listener(self._handle_devices))
        self.on("painted", _Listener(self._handle_painted))

    @property
    def malformed(self) -> int:
        """How many invalid messages from the browser were dropped."""
        return self._reception.malformed

    # What the page says. Each handler returns whether the body was what it should be. NOTE: the bodies are those of
    # post(…) in mic.js and mic_gate.js.

    def _handle_hello(self, page: Any) -> None:
        """The page is new or connected again, and asks what has arrived. NOTE: see hello() in mic_delivery.js."""
        if self._reception.begin(page):
            self._end("reloaded")
            if self._muted:
                self._handle_muted(False)
        self.run_method("resendAfter", self._reception.last)

    def _frames_in(self, name: str, body: Any) -> int:
        if name != "chunk" or not self._rate or not isinstance(body, str):
            return 1
        return max(1, round(_milliseconds(body, self._rate) / audio.CHUNK_MS))

    def _handle_gap(self, frames: int) -> None:
        self._report("mic-gap", seconds=f"{frames * audio.CHUNK_MS / 1000:.1f}")

    def _handle_starting(self, _: Any) -> bool:
        self._capturing = True
        self._fire("starting")
        return True

    def _handle_started(self, body: Any) -> bool:
        match body:
            case {"rate": int(rate), "device": str(device)} if rate in RATES:
                for code in sorted(self._standing - STAYING):
                    self._cure(code)
                self._rate = rate
                self._fire("started", Started(rate, device[:200]))
                self._show_live()
                return True
        return False

    def _handle_chunk(self, body: Any) -> bool:
        if not isinstance(body, str) or not self._rate or len(body) > MAX_CHARS:
            return False
        duration_ms = _milliseconds(body, self._rate)
        if not 0 < duration_ms <= CHUNK_MS[-1] + 1:
            return False
        if not self._pace.take(duration_ms / 1000, time.monotonic()):
            self.refused_ms += duration_ms
            return True
        try:
            pcm = audio.decode(body)
        except ValueError:
            return False
        self._fire("chunk", Chunk(pcm, self._rate, self._reception.last))
        return True

    def _handle_stopped(self, body: Any) -> bool:
        known = body in get_args(StopReason)
        self._end(body if known else "failed")
        return known

    def _handle_problem(self, body: Any) -> bool:
        match body:
            case {"name": str(name), "detail": str(detail)}:
                facts = {key: bool(body[key]) for key in ("secure", "api", "allowed", "opened") if key in body}
                code = code_of(name, detail, permission=str(body.get("permission"))[:20], **facts)
                words = [word for word in (name, detail) if word and word not in HINTS]
                self._report(code, ": ".join(words)[:300])
                return True
        return False

    def _handle_cured(self, body: Any) -> bool:
        return isinstance(body, str) and self._cure(body)

    def _handle_muted(self, body: Any) -> bool:
        if not isinstance(body, bool):
            return False
        self._muted = body
        self._fire("muted", body)
        return True

    def _handle_held(self, _: Any) -> bool:
        self._fire("held")
        return True

    def _handle_released(self, _: Any) -> bool:
        self._fire("released")
        return True

    # Not numbered: said again, or of no use later.

    def _handle_devices(self, args: Any) -> None:
        known = []
        for device in (args if isinstance(args, list) else [])[:MAX_DEVICES]:
            match device:
                case {"id": str(id), "label": str(label), "inUse": bool(in_use)}:
                    known.append(Device(id[:200], label[:200], in_use))
                case _:
                    self._reception.malformed += 1
        self._fire("devices", known)

    def _handle_painted(self, args: Any) -> None:
        match args:
            case [int(seq), float() | int() as ms] if 0 <= ms < 120_000:
                self._fire("painted", seq, float(ms))
            case _:
                self._reception.malformed += 1

    def _fire(self, name: str, *args: Any) -> None:
        self._callbacks[name](*args)

    def _report(self, code: str, detail: str = "", **facts: str) -> None:
        self._standing.add(code)
        self._fire("problem", MicProblem(code, detail, facts))
        self._show_live()

    def _cure(self, code: str) -> bool:
        if standing := code in self._standing:
            self._standing.remove(code)
            self._fire("cured", code)
            self._show_live()
        return standing

    def _show_live(self) -> None:
        live = self._rate > 0 and not self._standing & NOT_LIVE
        if live != self.live:
            self.live = live
            self._fire("live", live)

    def _end(self, reason: StopReason) -> None:
        if self._capturing:
            self._capturing = False
            self._rate = 0
            for code in sorted(self._standing & STAYING):
                self._cure(code)
            self._show_live()
            self._fire("stopped", Stopped(reason))


def _milliseconds(base64: str, rate: int) -> float:
    """Return how long the PCM in base64 text plays."""
    return (len(base64) * 3 // 4 - base64[-2:].count("=")) * 1000 / (audio.SAMPLE_BYTES * rate)
