"""The elements of a panel, and how they show the state of a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from weakref import WeakSet

from nicegui import Client, ui

from voice_ui.errors import Problem
from voice_ui.mic import Mic
from voice_ui.page import messages
from voice_ui.page.block import Block
from voice_ui.page.buttons import Buttons
from voice_ui.page.composer import Composer, OnMessage
from voice_ui.page.error_card import ErrorCard
from voice_ui.page.status import Status
from voice_ui.page.tool_calls import CallActions, Decide
from voice_ui.page.transcript import Transcript
from voice_ui.session import Phase, State

STYLE = (Path(__file__).parent / "panel.css").read_text(encoding="utf-8")

TO_THE_END = "e => e.currentTarget.closest('.voice-panel').querySelector('.vp-conversation').scrollTo({ top: 0 })"

MARK_SCROLLED = "e => e.target.classList.toggle('vp-scrolled-up', e.target.scrollTop < -80)"

_styled: WeakSet[Client] = WeakSet()  # clients whose page has the styles


class View:
    """Builds the elements in the current slot."""

    def __init__(
        self,
        mic: Callable[[], Mic],
        *,
        notice: str,
        typing: bool,
        about: Callable[[], str],
        on_message: OnMessage,
        on_dismiss: Callable[[], object],
        on_decide: Decide,
    ) -> None:
        """`notice` is shown above the conversation; `about` names server and model in a report."""
        client = ui.context.client
        if client not in _styled:
            _styled.add(client)
            ui.add_css(STYLE)
        # Focusable, so that it can be scrolled with the keyboard.
        conversation = Block().classes("vp-conversation").props('role=region aria-label="Conversation" tabindex=0')
        conversation.on("scroll", js_handler=MARK_SCROLLED)
        with conversation, Block():
            self.notice = Block().classes("vp-notice")
            with self.notice:
                self._notice = ui.label().props("data-testid=notice")
            self.show_notice(notice)
            self.call_actions = CallActions(on_decide)
            self.transcript = Transcript(self.call_actions)
        with Block().classes("vp-foot"):
            newest = ui.button("Newest", icon="arrow_downward", color=None).classes("vp-newest")
            newest.props("rounded no-caps size=sm").on("click", js_handler=TO_THE_END)
            with ui.element("div").classes("vp-errors"):
                errors = ui.context.slot
                silent = Problem("program-silent")
                label = ui.label(f"{messages.cause(silent)} {messages.fix(silent)}").classes("vp-program-silent")
                label.props("role=alert data-testid=silent")
            with Block():
                self.status = Status()
            self.mic = mic()
            with self.mic:
                self.buttons = Buttons(self.mic)
            with errors:
                self.error = ErrorCard(retry=self.mic.js_start, on_dismiss=on_dismiss, about=about)
            self.composer = Composer(on_message, lambda code: self.error.show(Problem(code)))
            self.composer.show_line(typing)
            self.buttons.offer_images(self.composer.js_choose)

    def show_notice(self, notice: str) -> None:
        """Show what is said above the conversation; an empty text takes it away."""
        self._notice.set_text(notice)
        self.notice.set_visibility(bool(notice))

    def show_state(self, state: State, attempt: int = 0, *, opening: bool = False) -> str:
        """Show a state, and return the word for it; `opening` while the microphone was asked for but is not live."""
        push_to_talk = self.mic.by_hand
        word = state.shown
        if opening and state.phase in {Phase.IDLE, Phase.CONNECTING, Phase.LISTENING}:
            word = "opening"
        buttons = self.buttons
        self.status.show(word, attempt, push_to_talk=push_to_talk, muted=buttons.is_muted, aloud=buttons.voice.is_on)
        capturing = state.microphone or word == "opening"
        held = capturing and push_to_talk and state.phase is Phase.HEARING
        buttons.show(capturing=capturing, held=held, push_to_talk=push_to_talk)
        self.error.show_at_rest(state.at_rest)
        return word

    def stop(self) -> None:
        """Stop the timers."""
        self.status.stop()
        self.error.stop()
