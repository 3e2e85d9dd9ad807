"""The buttons one speaks with: Start and Stop, mute, and one to hold while speaking."""

from __future__ import annotations

from nicegui import ui

from voice_ui.mic import Mic
from voice_ui.state import State


class Stage(ui.element):
    """Pressed, they reach the microphone in the browser itself: the server hears of it from there."""

    def __init__(self, mic: Mic) -> None:
        super().__init__("div")
        self.classes("stage")
        self._mic = mic
        self._muted = False
        with self:
            self._hold = ui.button("Hold to talk", icon="mic", color=None).classes("hold").props("data-testid=hold")
            self._hold.props("unelevated rounded no-caps").set_visibility(False)
            self._hold.on("pointerdown", js_handler=mic.js_hold)
            for event in ("pointerup", "pointercancel", "pointerleave"):
                self._hold.on(event, js_handler=mic.js_release)
            self._hold.on("contextmenu.prevent", js_handler="() => {}")  # a long touch asks for one
            with ui.element("div").classes("stage-row"):
                self._talk = ui.button("Start", icon="mic", color=None).classes("talk")
                self._talk.props("unelevated rounded no-caps data-testid=talk").on("click", js_handler=mic.js_toggle)
                self._mute = ui.button(icon="mic", color=None, on_click=lambda: mic.mute(not self._muted))
                self._mute.classes("mute").props('flat round data-testid=mute aria-label="Mute"')

    def show(self, state: State, *, by_hand: bool) -> None:
        """Offer what can be done in a state; `by_hand`: sound goes out only while the button is held."""
        live = state.capturing
        self._talk.set_text("Stop" if live else "Start")
        self._talk.set_icon("stop" if live else "mic")
        self._talk.classes(add="live") if live else self._talk.classes(remove="live")
        self._hold.set_visibility(live and by_hand)
        held = live and by_hand and state is State.HEARING
        self._hold.classes(add="held") if held else self._hold.classes(remove="held")
        self.classes(add="by-hand") if live and by_hand else self.classes(remove="by-hand")
        self._mute.set_visibility(live and not by_hand)

    def show_muted(self, muted: bool) -> None:
        """Show whether the microphone lets sound out."""
        self._muted = muted
        self._mute.set_icon("mic_off" if muted else "mic")
        self._mute.props(f'aria-label="{"Unmute" if muted else "Mute"}" aria-pressed={str(muted).lower()}')
        self.classes(add="muted") if muted else self.classes(remove="muted")
