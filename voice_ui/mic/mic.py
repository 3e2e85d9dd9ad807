"""The microphone as a NiceGUI element: JavaScript owns the device, Python the state.

    mic = Mic(on_chunk=lambda chunk: recording.write(chunk.pcm))
    ui.button("Talk").on("click", js_handler=mic.js_toggle)

Every attempt to capture is `on_starting`, `on_started` with the first sound, chunks, and `on_stopped`: the first and
the last always come, in this order. Nothing that comes from the browser is trusted: what is not what it should be
is dropped and counted, never raised.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args

from nicegui import ui
from nicegui.events import GenericEventArguments

from voice_ui import audio
from voice_ui.mic.events import Chunk, Device, MicProblem, Started, Stopped, StopReason
from voice_ui.mic.problems import HINTS, code_of

RATES = range(8_000, 192_001)
"""Hertz: browsers must offer 8,000 to 96,000 (Web Audio API, createBuffer); studio devices run at up to twice that."""

MAX_DEVICES = 50

MAX_CHARS = 10_240
"""Base64 of 20 ms of 16-bit samples at the highest rate."""


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


class Mic(ui.element, component="mic.js", dependencies=["mic_delivery.js", "worklet/mic_frames.js"]):
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
        on_muted: Callable[[bool], object] = _ignore,
        on_held: Callable[[], object] = _ignore,
        on_released: Callable[[], object] = _ignore,
        on_devices: Callable[[list[Device]], object] = _ignore,
        on_painted: Callable[[int, float], object] = _ignore,
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
        self.on_muted, self.on_held, self.on_released = on_muted, on_held, on_released
        self.on_devices, self.on_painted = on_devices, on_painted
        self.garbled = 0
        """How many messages of the browser were not what they should be."""
        self._page = ""
        self._last = 0
        self._rate = 0
        self._capturing = False
        self._standing: set[str] = set()
        self._props["rate"], self._props["level-on"] = rate, level_on
        self._props["by-hand"] = False
        self.listen_with("", echo_cancellation, noise_suppression, auto_gain_control)
        self.on("hello", self._handle_hello)
        self.on("starting", _Listener(self._arrived, self._handle_starting))
        self.on("started", _Listener(self._arrived, self._handle_started))
        self.on("chunk", _Listener(self._arrived, self._handle_chunk))
        self.on("stopped", _Listener(self._arrived, self._handle_stopped))
        self.on("problem", _Listener(self._arrived, self._handle_problem))
        self.on("cured", _Listener(self._arrived, self._handle_cured))
        self.on("muted", _Listener(self._arrived, self._handle_muted))
        self.on("held", _Listener(self._arrived, self._handle_held))
        self.on("released", _Listener(self._arrived, self._handle_released))
        self.on("devices", self._handle_devices)
        self.on("painted", self._handle_painted)

    @property
    def js_toggle(self) -> str:
        """The `js_handler` of a button that starts and stops: browsers want to see the click that starts a capture."""
        return f"() => getElement({self.id}).toggle()"

    def listen_with(
        self,
        device: str,
        echo_cancellation: bool = True,
        noise_suppression: bool = True,
        auto_gain_control: bool = True,
    ) -> None:
        """Listen in another way, from now on; `device` is the id of one, empty for the one the browser prefers."""
        self._props["device"] = device
        self._props["constraints"] = {
            "echoCancellation": echo_cancellation,
            "noiseSuppression": noise_suppression,
            "autoGainControl": auto_gain_control,
        }
        self.update()

    @property
    def js_start(self) -> str:
        """The `js_handler` of a button that only starts."""
        return f"() => getElement({self.id}).start()"

    @property
    def by_hand(self) -> bool:
        """Whether sound comes only while `hold()` holds, with what was spoken in the 200 ms before."""
        return bool(self._props["by-hand"])

    @by_hand.setter
    def by_hand(self, value: bool) -> None:
        self._props["by-hand"] = value
        self.update()

    @property
    def js_hold(self) -> str:
        """The `js_handler` of what a person presses to speak, see `by_hand`."""
        return f"() => getElement({self.id}).hold()"

    @property
    def js_release(self) -> str:
        """The `js_handler` of letting go."""
        return f"() => getElement({self.id}).release()"

    def mute(self, muted: bool = True) -> None:
        """Keep the microphone open, but let no sound out; or let it out again."""
        self.run_method("mute", muted)

    def ask_when_painted(self, seq: int) -> None:
        """Ask for the time from the capture of that chunk to when the screen shows what was changed just now."""
        self.run_method("painted", seq)

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
        """The page half is new, or connected again, and asks what arrived. NOTE: see hello() in mic_delivery.js."""
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

    def _handle_muted(self, body: Any) -> bool:
        if not isinstance(body, bool):
            return False
        self.on_muted(body)
        return True

    def _handle_held(self, _: Any) -> bool:
        self.on_held()
        return True

    def _handle_released(self, _: Any) -> bool:
        self.on_released()
        return True

    # Not numbered: told again, or of no use later.

    def _handle_devices(self, event: GenericEventArguments) -> None:
        devices = event.args if isinstance(event.args, list) else []
        known = []
        for device in devices[:MAX_DEVICES]:
            match device:
                case {"id": str(id), "label": str(label), "inUse": bool(in_use)}:
                    known.append(Device(id[:200], label[:200], in_use))
                case _:
                    self.garbled += 1
        self.on_devices(known)

    def _handle_painted(self, event: GenericEventArguments) -> None:
        match event.args:
            case [int(seq), float() | int() as ms] if 0 <= ms < 120_000:
                self.on_painted(seq, float(ms))
            case _:
                self.garbled += 1

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
