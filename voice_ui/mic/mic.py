"""The microphone as a NiceGUI element: JavaScript owns the device, Python the state.

    mic = Mic(on_chunk=lambda chunk: recording.write(chunk.pcm))
    ui.button("Talk").on("click", js_handler=mic.js_toggle)

Every attempt to capture is `on_starting`, `on_started` with the first sound, chunks, and `on_stopped`: the first and
the last always come, in this order. Nothing that comes from the browser is trusted: what is not what it should be
is dropped and counted, never raised.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from nicegui import ui
from nicegui.events import GenericEventArguments

from voice_ui import audio

RATES = range(8_000, 192_001)
"""Hertz: browsers must offer 8,000 to 96,000 (Web Audio API, createBuffer); studio devices run at up to twice that."""

MAX_CHARS = 10_240
"""Base64 of 20 ms of 16-bit samples at the highest rate."""

StopReason = Literal["asked", "failed", "device-lost", "server-lost", "reloaded"]
"""`failed` and `device-lost` follow a problem; `server-lost`: a minute without us; `reloaded`: the page began anew."""

HINTS = ("mic-prompt-pending", "mic-no-frames", "mic-suspended", "mic-silent")
"""Problems that need not end the capture; mic.js names them by their code."""

NAMES = {
    "NotAllowedError": "mic-refused",
    "SecurityError": "mic-blocked-by-policy",
    "NotFoundError": "mic-none",
    "OverconstrainedError": "mic-none",
    "NotReadableError": "mic-busy",
    "AbortError": "mic-busy",
    "ended": "mic-lost",
}
"""The browser's name (Media Capture and Streams, getUserMedia; `ended` is an event of tracks) and our code for it."""


def code_of(
    name: str, detail: str = "", *, secure: bool = True, api: bool = True, allowed: bool = True, opened: bool = False
) -> str:
    """Return our code for the browser's name and message of an error.

    What else decides: whether the page is `secure`, has the `api`, is `allowed` the microphone by the policy it was
    served with, and had `opened` the device already.
    """
    if name in HINTS:
        return name
    if not api:
        return "mic-unsupported" if secure else "mic-insecure-origin"
    if opened and name != "ended":
        return "mic-failed"
    code = NAMES.get(name, "mic-failed")
    if code == "mic-refused":
        # Chromium's words: "Permission denied", "Permission dismissed", "Permission denied by system".
        if "dismissed" in detail.lower():
            return "mic-dismissed"
        if "by system" in detail.lower() or not allowed:
            return "mic-blocked-by-policy"
    return code


@dataclass(frozen=True, slots=True)
class Chunk:
    """20 ms of sound; less at the end of a capture."""

    pcm: bytes
    """16-bit little-endian, mono."""
    rate: int
    """Hertz."""
    seq: int
    """Grows; the microphone's other events count too, so it may skip."""


@dataclass(frozen=True)
class Started:
    """Sound comes in."""

    rate: int
    """Hertz; the one asked for, or the device's own where the browser refuses another."""
    device: str
    """The browser's name for the microphone; may be empty."""


@dataclass(frozen=True)
class Stopped:
    """The device was let go, or never had."""

    reason: StopReason


@dataclass(frozen=True)
class MicProblem:
    """Something is wrong; if it ends the capture, `Stopped` follows. `on_cured` takes it back by its code."""

    code: str
    detail: str = ""
    """The browser's words."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For `mic-gap`: `seconds` of sound that could not be kept while the page had no server."""


def _ignore(*_: Any) -> None:
    pass


class _Listener:
    """Handles one kind of `post(name, body)` of mic.js.

    Carries its signature, because NiceGUI asks for it at every event: that is 25 µs of 210 per chunk (60 tabs).
    """

    __signature__ = inspect.signature(lambda event: None)

    def __init__(self, arrived: Callable[[Any, Callable[[Any], bool]], None], handle: Callable[[Any], bool]) -> None:
        self._arrived = arrived
        self._handle = handle

    def __call__(self, event: GenericEventArguments) -> None:
        self._arrived(event.args, self._handle)


class Mic(ui.element, component="mic.js", dependencies=["worklet/mic_frames.js"]):
    """Captures what is spoken in the browser. Shows nothing itself; its children see `--mic-level`, from 0 to 1."""

    def __init__(
        self,
        *,
        on_chunk: Callable[[Chunk], object],
        on_starting: Callable[[], object] = _ignore,
        on_started: Callable[[Started], object] = _ignore,
        on_stopped: Callable[[Stopped], object] = _ignore,
        on_problem: Callable[[MicProblem], object] = _ignore,
        on_cured: Callable[[str], object] = _ignore,
        rate: int = audio.SAMPLE_RATE,
        echo_cancellation: bool = True,
        noise_suppression: bool = True,
        auto_gain_control: bool = True,
        level_on: str | None = None,
    ) -> None:
        """Create the microphone; it captures nothing before it is started.

        The callbacks are plain functions, because coroutines could overtake each other. `rate` is in hertz, and a
        wish, as are the three switches. `level_on` selects (as CSS does) another element to carry `--mic-level`.
        """
        super().__init__()
        self.on_chunk, self.on_starting, self.on_started = on_chunk, on_starting, on_started
        self.on_stopped, self.on_problem, self.on_cured = on_stopped, on_problem, on_cured
        self.garbled = 0
        """How many messages of the browser were not what they should be."""
        self._page = ""
        self._last = 0
        self._rate = 0
        self._capturing = False
        self._standing: set[str] = set()
        self._props["rate"], self._props["level-on"] = rate, level_on
        self._props["constraints"] = {
            "echoCancellation": echo_cancellation,
            "noiseSuppression": noise_suppression,
            "autoGainControl": auto_gain_control,
        }
        self.on("hello", self._handle_hello)
        self.on("starting", _Listener(self._arrived, self._handle_starting))
        self.on("started", _Listener(self._arrived, self._handle_started))
        self.on("chunk", _Listener(self._arrived, self._handle_chunk))
        self.on("stopped", _Listener(self._arrived, self._handle_stopped))
        self.on("problem", _Listener(self._arrived, self._handle_problem))
        self.on("cured", _Listener(self._arrived, self._handle_cured))

    @property
    def js_toggle(self) -> str:
        """The `js_handler` of a button that starts and stops: browsers want to see the click that starts a capture."""
        return f"() => getElement({self.id}).toggle()"

    def start(self) -> None:
        """Start; without a click on the page some browsers keep the sound suspended, see `js_toggle`."""
        self.run_method("start")

    def stop(self) -> None:
        """Stop; what was spoken until now still arrives before `on_stopped`."""
        self.run_method("stop")

    def toggle(self) -> None:
        """Stop if a capture is under way, else start."""
        self.run_method("toggle")

    def _handle_hello(self, event: GenericEventArguments) -> None:
        """The page half is new, or connected again, and wants to know what arrived. NOTE: see hello() in mic.js."""
        if event.args != self._page:
            self._page, self._last = str(event.args)[:40], 0
            self._end("reloaded")
        self.run_method("resendAfter", self._last)

    def _arrived(self, args: Any, handle: Callable[[Any], bool]) -> None:
        """Let through what is numbered: in order, each once. What is missing between two numbers was sound."""
        match args:
            case [int(seq), body] if seq > self._last:
                missing, self._last = seq - self._last - 1, seq
                if missing:
                    self._report("mic-gap", seconds=f"{missing * audio.CHUNK_MS / 1000:.1f}")
                self.garbled += not handle(body)
            case [int(), _]:
                pass  # sent again after a reconnect, though it had arrived
            case _:
                self.garbled += 1

    # Each returns whether the body was what it should be. NOTE: the bodies are those of post(…) in mic.js.

    def _handle_starting(self, _: Any) -> bool:
        self._capturing = True
        self.on_starting()
        return True

    def _handle_started(self, body: Any) -> bool:
        match body:
            case {"rate": int(rate), "device": str(device)} if rate in RATES:
                self._rate = rate
                for code in sorted(self._standing):
                    self._cure(code)
                self.on_started(Started(rate, device[:200]))
                return True
        return False

    def _handle_chunk(self, body: Any) -> bool:
        if not isinstance(body, str) or len(body) > MAX_CHARS:
            return False
        try:
            pcm = audio.decode(body)
        except ValueError:
            return False
        if not self._rate or not 0 < audio.milliseconds(pcm, self._rate) <= audio.CHUNK_MS + 1:
            return False
        self.on_chunk(Chunk(pcm, self._rate, self._last))
        return True

    def _handle_stopped(self, body: Any) -> bool:
        known = body in get_args(StopReason)
        self._end(body if known else "failed")
        return known

    def _handle_problem(self, body: Any) -> bool:
        match body:
            case {"name": str(name), "detail": str(detail)}:
                facts = {key: bool(body[key]) for key in ("secure", "api", "allowed", "opened") if key in body}
                words = [word for word in (name, detail) if word and word not in HINTS]
                self._report(code_of(name, detail, **facts), ": ".join(words)[:300])
                return True
        return False

    def _handle_cured(self, body: Any) -> bool:
        return isinstance(body, str) and self._cure(body)

    def _report(self, code: str, detail: str = "", **facts: str) -> None:
        self._standing.add(code)
        self.on_problem(MicProblem(code, detail, facts))

    def _cure(self, code: str) -> bool:
        if standing := code in self._standing:
            self._standing.remove(code)
            self.on_cured(code)
        return standing

    def _end(self, reason: StopReason) -> None:
        if self._capturing:
            self._capturing = False
            self._rate = 0
            self.on_stopped(Stopped(reason))
