"""What a page can do with the microphone: start, stop, mute, push to talk, choose a device."""

from __future__ import annotations

from nicegui import ui

from voice_ui import audio

CHUNK_MS = (20, 40, 60, 100)
"""How long a chunk can be, in milliseconds."""


class Controls(ui.element):
    """Sets the props of mic.js and calls its methods."""

    @property
    def js_toggle(self) -> str:
        """The `js_handler` of a Start/Stop button: some browsers start a capture only inside a click handler."""
        return f"() => getElement({self.id}).toggle()"

    @property
    def js_start(self) -> str:
        """The `js_handler` of a Start button."""
        return f"() => getElement({self.id}).start()"

    @property
    def js_hold(self) -> str:
        """The `js_handler` for `pointerdown` or `keydown` on a push-to-talk button, see `by_hand`."""
        return f"(event) => getElement({self.id}).hold(event)"

    @property
    def js_release(self) -> str:
        """The `js_handler` of an event that ends push to talk early; releasing the pointer or key always ends it."""
        return f"() => getElement({self.id}).release()"

    @property
    def js_toggle_mute(self) -> str:
        """The `js_handler` of a mute button: it counts at once, also while the page has lost its connection."""
        pressed = f"getElement({self.id}).toggleMute()"
        return f'(event) => event.currentTarget.setAttribute("aria-pressed", {pressed})'

    @property
    def by_hand(self) -> bool:
        """Push to talk: send audio only while the button is held, plus the 200 ms before that."""
        return bool(self._props["by-hand"])

    @by_hand.setter
    def by_hand(self, value: bool) -> None:
        self._props["by-hand"] = value

    _chunk_ms = _least_chunk_ms = audio.CHUNK_MS

    @property
    def chunk_ms(self) -> int:
        """How long the chunks are, one of `CHUNK_MS`: longer ones cost the server less, and take longer to fill."""
        return self._chunk_ms

    @chunk_ms.setter
    def chunk_ms(self, value: int) -> None:
        if value not in CHUNK_MS:
            raise ValueError(f"chunk_ms must be one of {CHUNK_MS}, not {value}")
        self._chunk_ms = value
        self._show_chunk_ms()

    def stretch_chunks(self, least_ms: int) -> None:
        """Make the chunks at least this long, one of `CHUNK_MS`, while the server is busy."""
        self._least_chunk_ms = least_ms
        self._show_chunk_ms()

    def _show_chunk_ms(self) -> None:
        if (chunk_ms := max(self._chunk_ms, self._least_chunk_ms)) != self._props["chunk-ms"]:
            self._props["chunk-ms"] = chunk_ms

    def listen_with(
        self,
        device: str,
        echo_cancellation: bool = True,
        noise_suppression: bool = True,
        auto_gain_control: bool = True,
    ) -> None:
        """Switch to another device or other audio processing; an empty `device` means the browser's default."""
        self._props["device"] = device
        self._props["constraints"] = {
            "echoCancellation": echo_cancellation,
            "noiseSuppression": noise_suppression,
            "autoGainControl": auto_gain_control,
        }

    def show_level_on(self, element: ui.element) -> None:
        """Set `--mic-level` on this element of the same page instead."""
        self._props["level-on"] = element.id

    def mute(self, muted: bool = True) -> None:
        """Keep the microphone open but send no audio; `mute(False)` sends audio again."""
        self.run_method("mute", muted)

    def ask_when_painted(self, seq: int) -> None:
        """Ask how long after that chunk was captured the browser painted the latest change."""
        self.run_method("painted", seq)

    def start(self) -> None:
        """Start capturing. Without a click on the page, some browsers keep audio suspended; see `js_toggle`."""
        self.run_method("start")

    def stop(self) -> None:
        """Stop capturing. Audio captured so far still arrives before `on_stopped`."""
        self.run_method("stop")

    def toggle(self) -> None:
        """Stop if capturing, otherwise start."""
        self.run_method("toggle")
