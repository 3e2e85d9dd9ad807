"""Replies aloud: the button beside Start, and the speaker, which is loaded only when first used."""

from __future__ import annotations

import re
from collections.abc import Callable

from nicegui import ui
from nicegui.events import GenericEventArguments

from voice_ui.conversation import Item
from voice_ui.mic import Mic
from voice_ui.page.block import Block
from voice_ui.servers import Endpoint
from voice_ui.session import RealtimeSession
from voice_ui.speaker import Output, Speaker, SpeakerProblem

ECHO_SHARE = 0.7
"""If this share of an interruption's words occurs in the interrupted reply, the model heard itself."""

ECHOES = 2
"""After this many in a row, half duplex is offered."""


class Silencer(ui.element, component="barge_in.js"):
    """Silences the speaker in the browser, before any round trip, when somebody speaks, presses Escape or stops."""

    def __init__(self, mic: Mic, speaker: Speaker, on_interrupt: Callable[[], object]) -> None:
        super().__init__()
        self._props["mic"], self._props["speaker"] = mic.id, speaker.id
        self.on("interrupt", lambda: on_interrupt())


class SpokenReplies(Block):
    """Plays replies while it is switched on."""

    def __init__(self, mic: Mic) -> None:
        super().__init__()
        self.speaker: Speaker | None = None
        """None until replies are wanted aloud."""
        self.is_on = False
        self.on_switch: Callable[[bool], object] = lambda on: None
        self.on_interrupt: Callable[[], object] = lambda: None
        self.on_begin: Callable[[str], object] = lambda item_id: None
        """Called when audio of another item comes."""
        self.on_sound: Callable[[str], object] = lambda item_id: None
        """Called when another item is to be heard."""
        self.on_timed: Callable[[int, float], object] = lambda seq, ms: None
        """Answers `time_first_sound`, in milliseconds."""
        self.on_problem: Callable[[SpeakerProblem], object] = lambda problem: None
        self.on_cured: Callable[[str], object] = lambda code: None
        self.on_outputs: Callable[[list[Output]], object] = lambda outputs: None
        self._mic = mic
        self._barge_in: Silencer | None = None
        self._silencing = {
            "active": False,
            "half-duplex": False,
            "gives-way": True,
            "pending": False,
        }  # props of barge_in.js
        self._device = ""
        self.session: RealtimeSession | None = None
        """Learns what was heard."""
        self._begun = self._sounding = self._cut_item = ""  # items; audio of the one that was cut may still come
        self._replied: set[str] | None = None  # the words of the reply that was spoken over
        self._echoes = 0
        self.classes("vp-voice")
        with self:
            self._switch = ui.button(icon="volume_off", color=None).classes("vp-voice-switch")
            self._switch.props('flat round data-testid=voice role=switch aria-checked=false aria-label="Replies aloud"')
            self._switch.on("click", lambda: self.on_switch(not self.is_on))
            self._shown = ui.element("span").props("hidden data-testid=speaker data-state=off data-played-ms=0")

    def show(self, on: bool, endpoint: Endpoint | None) -> None:
        """Turn playback on or off."""
        self._switch.props(f"aria-checked={str(on).lower()}")
        self._switch.props["title"] = f"Replies aloud: {'on' if on else 'off'}. {price_of(endpoint)}".strip()
        self._switch.set_icon("volume_up" if on else "volume_off")
        self._switch.update()
        if on and self.speaker is None:
            self._open()
        if self.is_on and not on:
            self.stop()
        self.is_on = on
        self._tell_barge_in("active", on)

    def show_half_duplex(self, half_duplex: bool) -> None:
        """Keep the microphone silent while a reply is played, or not."""
        self._tell_barge_in("half-duplex", half_duplex)

    def give_way(self, gives_way: bool) -> None:
        """Let a reply fall silent at the first sign of speech, or not."""
        self._tell_barge_in("gives-way", gives_way)

    @property
    def device(self) -> str:
        """The id of the speaker to use; empty for the browser's default."""
        return self._device

    @device.setter
    def device(self, device: str) -> None:
        self._device = device
        if self.speaker:
            self.speaker.device = device

    def hold(self, held: bool) -> None:
        """Keep the reply silent while it is open whether speech cuts it short; then go on where it was."""
        self._tell_barge_in("pending", held)

    def play(self, item_id: str, pcm: bytes) -> None:
        """Play audio of a reply; what nobody wants to hear counts as cut short."""
        if not self.is_on or self.speaker is None:
            self._drop()
        elif item_id != self._cut_item:
            if item_id != self._begun:
                self._begun = item_id
                self.on_begin(item_id)
            self.speaker.play(pcm, item_id)

    def stop(self) -> None:
        """Stop playing; the session is informed how much was heard."""
        if self.speaker:
            self.speaker.stop()
        else:
            self._drop()

    def time_first_sound(self, seq: int) -> None:
        """Ask how long after a chunk of the microphone was captured the sound began; see `on_timed`."""
        if self._barge_in:
            self._barge_in.run_method("timeSound", seq)

    # The model may hear itself.

    def note_cut(self, reply: str) -> None:
        """The server heard speech over this reply."""
        self._replied = _words(reply)

    def is_echo(self, item: Item) -> bool:
        """Whether this utterance is one more that the model only said itself, and it is time to offer half duplex."""
        if self._replied is None or item.role != "user" or item.status == "in_progress":
            return False
        words, replied, self._replied = _words(item.text), self._replied, None
        repeats = item.status == "completed" and len(words & replied) >= ECHO_SHARE * len(words)
        self._echoes = self._echoes + 1 if repeats else 0
        return self._echoes == ECHOES and not self._silencing["half-duplex"]

    # The speaker.

    def _open(self) -> None:
        with self:
            self.speaker = Speaker(
                on_played=self._handle_played,
                on_stopped=lambda item_id, ms: self._handle_stopped(item_id, ms) if item_id else None,
                on_state=self._show_state,
                on_problem=lambda problem: self.on_problem(problem),
                on_cured=lambda code: self.on_cured(code),
                on_outputs=lambda outputs: self.on_outputs(outputs),
                device=self._device,
            )
            self._barge_in = Silencer(self._mic, self.speaker, lambda: self.on_interrupt())
            self._barge_in._props.update(self._silencing)
        self._barge_in.on("sounded", self._handle_sounded)

    def _tell_barge_in(self, prop: str, value: bool) -> None:
        self._silencing[prop] = value
        if self._barge_in:
            self._barge_in._props[prop] = value

    def _handle_played(self, item_id: str, ms: int) -> None:
        self._shown.props(f"data-played-ms={ms}")
        if item_id != self._sounding:
            self._sounding = item_id
            self.on_sound(item_id)
        if self.session:
            self.session.take_played(item_id, ms)

    def _handle_stopped(self, item_id: str, ms: int) -> None:
        self._cut_item = item_id
        if self.session:
            self.session.take_played(item_id, ms, stopped=True)

    def _drop(self) -> None:
        """Nothing is played here."""
        if self.session:
            self.session.take_played("", 0, stopped=True)

    def _show_state(self, state: str) -> None:
        self._shown.props(f"data-state={state}")

    def _handle_sounded(self, event: GenericEventArguments) -> None:
        match event.args:
            case [int(seq), float() | int() as ms] if 0 <= ms < 120_000:
                self.on_timed(seq, float(ms))


def price_of(endpoint: Endpoint | None) -> str:
    """Return about how much dearer a spoken reply is, in words; empty where the price is unknown or nothing."""
    if endpoint is None or endpoint.prices is None or endpoint.prices.is_free:
        return ""
    spoken, written = endpoint.prices.spoken_minute
    times = f"about {spoken / written:.0f} times as much as written ones"
    return f"With {endpoint.model}, spoken replies cost {times}: ${spoken:.2f} a minute."


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
