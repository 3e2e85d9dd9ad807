"""One browser tab: the microphone goes into its session, what the session tells goes onto the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nicegui import background_tasks, ui

from voice_ui.conversation import Item
from voice_ui.errors import CATALOGUE, Problem
from voice_ui.mic import Chunk, Mic, MicProblem, Stopped
from voice_ui.page.error_card import ErrorCard
from voice_ui.page.running_text import RunningText
from voice_ui.session import ItemChanged, ItemForgotten, ProblemRaised, RealtimeSession, StateChanged, Target, TurnTimed
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

CURED_BY_LISTENING = {code for code, entry in CATALOGUE.items() if entry.where in {"connection", "server"}}
CURED_BY_A_REPLY = {code for code, entry in CATALOGUE.items() if entry.where == "reply"} | {"server-error"}


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


class Tab:
    """Builds the page in the current client and follows its session until the client is gone."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._model = offer.model
        self._session = RealtimeSession(offer.target(offer.model))
        self._heard: dict[str, ui.label] = {}  # of the items that stand in the history
        self._replies: dict[str, RunningText] = {}
        self._turn: dict[str, Item] = {}  # what the running turn shows, by role
        self._build()
        self._show_state(self._session.state)
        background_tasks.create(self._follow(), name="follow session")
        background_tasks.create(self._check(), name="check model")
        # A closed tab says goodbye; one that only lost its connection has time to come back.
        ui.add_body_html('<script>addEventListener("pagehide", () => emitEvent("goodbye"))</script>')
        ui.on("goodbye", self._session.close)
        ui.context.client.on_delete(self._session.close)

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
            self._history = ui.element("div").classes("history").props("data-testid=history")
            self._heard_now = ui.label().classes("heard").props("data-testid=heard dir=auto")
            with ui.element("div").classes("response").props("data-testid=response aria-live=polite"):
                self._response = RunningText()
            self._latency = ui.label().classes("latency").props("data-testid=latency")
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
                on_dismiss=self._session.dismiss,
                on_successor=lambda model: self._picker.set_value(model),
                about=f"{offer.server}, {offer.model}",
            )
            self._status = ui.label().classes("status").props("role=status data-testid=status")
            self._talk = ui.button("Start", icon="mic", color=None).props("unelevated rounded no-caps data-testid=talk")
            self._talk.classes("talk").on("click", js_handler=self._mic.js_toggle)

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
                case ItemChanged(item) if item.role == "user":
                    self._show_heard(item)
                case ItemChanged(item):
                    self._show_reply(item)
                case ItemForgotten(item_id):
                    self._forget(item_id)
                case TurnTimed(timer):
                    self._show_latency(timer.first_text_ms)
                case ProblemRaised(problem):
                    self._error.show(problem)

    def _show_state(self, state: State, attempt: int = 0) -> None:
        self._status.set_text(WORDS[state.shown] + (f" attempt {attempt}" if attempt > 1 else ""))
        self._status.props(f"data-state={state.shown}")
        self._talk.set_text("Stop" if state.capturing else "Start")
        self._talk.set_icon("stop" if state.capturing else "mic")
        self._talk.classes(add="live") if state.capturing else self._talk.classes(remove="live")
        if state is State.LISTENING:
            self._error.cure(*CURED_BY_LISTENING)
        if state.at_rest:
            self._mic.stop()

    def _show_heard(self, item: Item) -> None:
        if label := self._heard.get(item.id):
            label.set_text(item.text)
            return
        if "user" in self._turn and self._turn["user"].id != item.id:
            self._file_turn()
        self._turn["user"] = item
        self._heard_now.set_text(item.text)

    def _show_reply(self, item: Item) -> None:
        if reply := self._replies.get(item.id):
            reply.show(item.text)
            return
        if "assistant" in self._turn and self._turn["assistant"].id != item.id:
            self._file_turn()
        self._turn["assistant"] = item
        self._response.show(item.text)
        if item.text:
            self._error.cure(*CURED_BY_A_REPLY)

    def _forget(self, item_id: str) -> None:
        """What was said is said again, to another connection."""
        if "user" in self._turn and self._turn["user"].id == item_id:
            del self._turn["user"]
            self._heard_now.set_text("")

    def _show_latency(self, first_text_ms: float | None) -> None:
        if first_text_ms is not None:
            self._latency.set_text(f"first words after {first_text_ms / 1000:.2f} s")
            self._latency.props(f"data-ms={first_text_ms:.0f}")

    def _file_turn(self) -> None:
        """Move the turn that is over up into the history."""
        if not self._turn:
            return
        with self._history, ui.element("article"):
            if user := self._turn.get("user"):
                self._heard[user.id] = ui.label(self._heard_now.text).classes("heard").props("dir=auto")
            if assistant := self._turn.get("assistant"):
                self._replies[assistant.id] = RunningText()
                self._replies[assistant.id].show(self._response.text)
        self._turn = {}
        self._heard_now.set_text("")
        self._response.show("")
        self._latency.set_text("")
