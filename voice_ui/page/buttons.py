"""The buttons of a panel: Start and Stop, mute, and one to hold while speaking."""

from __future__ import annotations

from nicegui import ui

from voice_ui.mic import Mic
from voice_ui.page.block import Block
from voice_ui.page.spoken_replies import SpokenReplies


class Buttons(Block):
    """A click calls the microphone in the browser directly; the server learns of it from there."""

    def __init__(self, mic: Mic) -> None:
        super().__init__()
        self.classes("vp-buttons").props("translate=no")
        self._mic = mic
        self._shown = (False, False, False)
        self.is_muted = False
        with self:
            self._hold = ui.button("Hold to talk", icon="mic", color=None).classes("vp-hold").props("data-testid=hold")
            self._hold.props("unelevated rounded no-caps").set_visibility(False)
            for event in ("pointerdown", "keydown.space.prevent"):
                self._hold.on(event, js_handler=mic.js_hold)
            for event in ("pointerup", "pointercancel", "pointerleave", "keyup.space.prevent", "blur"):
                self._hold.on(event, js_handler=mic.js_release)
            self._hold.on("contextmenu.prevent", js_handler="() => {}")  # a long touch opens a menu
            with ui.element("div").classes("vp-button-row"):
                with ui.element("div").classes("vp-beside"):
                    self.voice = SpokenReplies(mic)
                    self._image = ui.button(icon="add_photo_alternate", color=None).classes("vp-image-button")
                    self._image.props('flat round data-testid=image aria-label="Show an image"')
                self._talk = ui.button("Start", icon="mic", color=None).classes("vp-talk")
                self._talk.props("unelevated rounded no-caps data-testid=talk").on("click", js_handler=mic.js_toggle)
                # In the browser, so that it counts at once and without a connection, too.
                self._mute = ui.button(icon="mic", color=None).on("click", js_handler=mic.js_toggle_mute)
                self._mute.classes("vp-mute").props('flat round data-testid=mute aria-label="Mute" aria-pressed=false')
                self._mute.set_visibility(False)

    def offer_images(self, js_handler: str) -> None:
        """Call this in the browser when somebody wants to show an image."""
        self._image.on("click", js_handler=js_handler)

    def show(self, *, capturing: bool, held: bool, push_to_talk: bool) -> None:
        """Offer what can be done: `held` while the button for push to talk is down."""
        if (capturing, held, push_to_talk) == self._shown:
            return
        self._shown = capturing, held, push_to_talk
        self._talk.set_text("Stop" if capturing else "Start")
        self._talk.set_icon("stop" if capturing else "mic")
        self._talk.classes(add="vp-live") if capturing else self._talk.classes(remove="vp-live")
        self._hold.set_visibility(capturing and push_to_talk)
        self._hold.classes(add="vp-held") if held else self._hold.classes(remove="vp-held")
        by_hand = capturing and push_to_talk
        self.classes(add="vp-push-to-talk") if by_hand else self.classes(remove="vp-push-to-talk")
        self._mute.set_visibility(capturing and not push_to_talk)

    def show_muted(self, muted: bool) -> None:
        """Show whether the microphone is muted."""
        self.is_muted = muted
        self._mute.set_icon("mic_off" if muted else "mic")
        self._mute.props(f"aria-pressed={str(muted).lower()}")
        self.classes(add="vp-muted") if muted else self.classes(remove="vp-muted")
