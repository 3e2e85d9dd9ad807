"""One browser tab: the microphone goes into its session, what the session tells goes onto the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from nicegui import background_tasks, ui

from voice_ui.conversation import Item
from voice_ui.errors import CATALOGUE, Problem
from voice_ui.mic import Chunk, Mic, MicProblem, Stopped
from voice_ui.page.error_card import ErrorCard
from voice_ui.page.parking import LEFT_SECONDS, PARKING_SECONDS, Parking
from voice_ui.page.transcript import Transcript
from voice_ui.session import (
    ItemChanged,
    ItemForgotten,
    Limits,
    ProblemRaised,
    RealtimeSession,
    StateChanged,
    Target,
    TurnTimed,
    UsageCounted,
)
from voice_ui.state import State

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

WORDS = {
    "idle": "Press Start and speak",
    "connecting": "Connecting…",
    "listening": "Listening – speak now",
    "hearing": "I hear you…",
    "thinking": "Thinking…",
    "answering": "Answering",
    "reconnecting": "Reconnecting…",
    "error": "Stopped",
}

TELL_OF_THE_TAB = """
addEventListener("pagehide", () => emitEvent("goodbye"));
document.addEventListener("visibilitychange", () => emitEvent("sight", !document.hidden));
"""
"""A tab that is closed says so; one that only lost its connection has time to come back."""

RUN = uuid4().hex
"""Tells one run of the program from another."""

WHICH_RUN_BEFORE = f"""
const before = sessionStorage.getItem("voice-ui-run");
sessionStorage.setItem("voice-ui-run", "{RUN}");
return before;
"""

CURED_BY_CONNECTING = {code for code, entry in CATALOGUE.items() if entry.where in {"connection", "server", "limits"}}
CURED_BY_A_REPLY = {code for code, entry in CATALOGUE.items() if entry.where == "reply"} | {"server-error"}
CURED_BY_A_REPLY.remove("transcription-failed")


@dataclass(frozen=True)
class Offer:
    """What a tab has to offer: who answers, with which models, and how to get there."""

    server: str
    notice: str
    """What to say about the server before anybody speaks; empty if nothing."""
    model: str
    models: Sequence[str]
    """To choose from; empty if there is no choice."""
    target: Callable[[str], Target]
    """For a model."""
    check: Callable[[str], Awaitable[Problem | None]]
    """What is known against a model before anybody speaks."""
    limits: Limits


class Tab:
    """Builds the page in the current client and follows its session until the client is gone."""

    def __init__(self, offer: Offer, parking: Parking[Tab]) -> None:
        self._offer = offer
        self._parking = parking
        self._model = offer.model
        self._client = ui.context.client
        self._tab_id: str | None = None  # the browser's tab; it outlives this page when that is loaded again
        self._handed_over = False
        self._left = False
        self._out_of_sight: asyncio.TimerHandle | None = None
        self._session = RealtimeSession(offer.target(offer.model), offer.limits)
        self._state = self._session.state  # the one that is shown
        self._build()
        self._follower = background_tasks.create(self._follow(), name="follow session")
        background_tasks.create(self._check(), name="check model")
        ui.add_body_html(f"<script>{TELL_OF_THE_TAB}</script>")
        ui.on("goodbye", self._handle_goodbye)
        ui.on("sight", lambda event: self._handle_sight(bool(event.args)))
        self._client.on_connect(self._handle_connect)
        self._client.on_disconnect(self._handle_disconnect)

    def _build(self) -> None:
        offer = self._offer
        ui.add_css(STYLE)
        ui.query(".nicegui-content").classes("page")
        with ui.element("header"):
            ui.label("Voice UI").classes("title").props("role=heading aria-level=1")
            with ui.element("div").classes("server"):
                ui.label(offer.server)
                if offer.models:
                    self._picker = ui.select([*offer.models], value=self._model, on_change=self._handle_model)
                    self._picker.props('dense borderless options-dense aria-label="Model" data-testid=model')
                elif offer.model:
                    ui.label(offer.model)
        # Reached by the keyboard, so that it can be scrolled by it. (Quasar's page is the main landmark.)
        conversation = ui.element("section").classes("conversation").props('aria-label="Conversation" tabindex=0')
        with conversation, ui.element("div"):
            if offer.notice:
                ui.label(offer.notice).classes("notice").props("data-testid=notice")
            self._transcript = Transcript()
        with ui.element("footer"):
            self._mic = Mic(
                on_chunk=self._handle_chunk,
                on_starting=self._handle_starting,
                on_stopped=self._handle_stopped,
                on_problem=self._handle_problem,
                on_cured=lambda code: self._error.cure(code),
                level_on=".talk",
            )
            self._error = ErrorCard(
                retry=self._mic.js_toggle,
                on_dismiss=lambda: self._session.dismiss(),
                on_successor=lambda model: self._picker.set_value(model),
                about=f"{offer.server}, {offer.model}",
            )
            self._status = ui.label().classes("status").props("role=status data-testid=status")
            self._talk = ui.button("Start", icon="mic", color=None).props("unelevated rounded no-caps data-testid=talk")
            self._talk.classes("talk").on("click", js_handler=self._mic.js_toggle)
        self._show_state(self._session.state)

    # From the browser tab.

    def _handle_connect(self) -> None:
        """Go on with the conversation of this tab: this page was out of touch, or one before it was."""
        self._left = False
        self._tab_id = self._client.tab_id or self._tab_id
        background_tasks.create(self._notice_restart(), name="notice restart")
        before = self._parking.reclaim(self._tab_id) if self._tab_id else None
        if before and before is not self:
            self._follower.cancel()
            self._session = before.hand_over()
            self._session.target = self._offer.target(self._model)
            with self._client:
                self._transcript.restore(self._session.conversation.items)
                self._show_state(self._session.state)
            self._follower = background_tasks.create(self._follow(), name="follow session")

    async def _notice_restart(self) -> None:
        """Say so if this tab talked to another run of the program before."""
        try:
            before = await self._client.run_javascript(WHICH_RUN_BEFORE)
        except TimeoutError:
            return  # the tab is gone again
        if before not in {None, RUN}:
            self._error.show(Problem("program-restarted"))

    def _handle_disconnect(self) -> None:
        if self._tab_id and not self._handed_over:
            self._parking.park(self._tab_id, self, LEFT_SECONDS if self._left else PARKING_SECONDS)

    def _handle_goodbye(self) -> None:
        """The page is left, and with it the microphone: what was said is still answered."""
        self._left = True
        self._session.stop()

    def _handle_sight(self, visible: bool) -> None:
        """A tab that is out of sight for long may have been forgotten."""
        if self._out_of_sight:
            self._out_of_sight.cancel()
            self._out_of_sight = None
        if not visible and (minutes := self._offer.limits.idle_minutes):
            loop = asyncio.get_running_loop()
            self._out_of_sight = loop.call_later(minutes * 60, lambda: self._session.stop_for("hidden-limit", minutes))

    def hand_over(self) -> RealtimeSession:
        """Give the session to the page that takes the place of this one."""
        self._follower.cancel()
        self._handed_over = True
        return self._session

    async def close(self) -> None:
        """Nobody came back: let go of everything."""
        self._handle_sight(visible=True)
        self._follower.cancel()
        await self._session.close()

    # From the person.

    def _handle_model(self) -> None:
        """Another model was chosen; it applies to the next Start."""
        self._model = self._picker.value
        self._session.target = self._offer.target(self._model)
        if not self._session.state.at_rest:
            ui.notify("The other model answers from the next Start on.")
        background_tasks.create(self._check(), name="check model")

    async def _check(self) -> None:
        if problem := await self._offer.check(self._model):
            self._error.show(problem)

    # From the microphone.

    def _handle_chunk(self, chunk: Chunk) -> None:
        self._session.append_audio(chunk.pcm, chunk.rate)

    def _handle_starting(self) -> None:
        self._session.start()

    def _handle_stopped(self, stopped: Stopped) -> None:
        if stopped.reason == "failed":
            self._session.abort()
        else:
            self._session.stop()  # a device that was lost, too: what was said until then is answered

    def _handle_problem(self, problem: MicProblem) -> None:
        self._error.show(Problem(problem.code, problem.detail, dict(problem.facts)))

    # From the session.

    async def _follow(self) -> None:
        async for event in self._session:
            match event:
                case StateChanged(state, attempt):
                    self._show_state(state, attempt)
                case ItemChanged(item):
                    self._transcript.show(item)
                    self._cure_by(item)
                case ItemForgotten(item_id):
                    self._transcript.forget(item_id)
                case UsageCounted(usage, cost):
                    self._transcript.show_usage(usage, cost)
                case TurnTimed(timer) if timer.first_text_ms is not None:
                    self._transcript.show_latency(timer.first_text_ms)
                case ProblemRaised(problem):
                    self._error.show(problem)

    def _cure_by(self, item: Item) -> None:
        """What went wrong in a turn is over when the next one goes well."""
        if item.role == "user" and item.text:
            self._error.cure("transcription-failed")
        elif item.role == "assistant" and item.text and item.status == "in_progress":
            self._error.cure(*CURED_BY_A_REPLY)

    def _show_state(self, state: State, attempt: int = 0) -> None:
        self._status.set_text(WORDS[state.shown] + (f" attempt {attempt}" if attempt > 1 else ""))
        self._status.props(f"data-state={state.shown}")
        self._talk.set_text("Stop" if state.capturing else "Start")
        self._talk.set_icon("stop" if state.capturing else "mic")
        self._talk.classes(add="live") if state.capturing else self._talk.classes(remove="live")
        if state is State.LISTENING and self._state in {State.CONNECTING, State.RECONNECTING}:
            self._error.cure(*CURED_BY_CONNECTING)
        self._state = state
        if state.at_rest:
            self._mic.stop()
