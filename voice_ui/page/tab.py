"""One browser tab: the microphone goes into its session, what the session tells goes onto the screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nicegui import background_tasks, ui

from voice_ui.conversation import Item
from voice_ui.errors import CATALOGUE, Problem
from voice_ui.mic import Chunk, Mic, MicProblem, Stopped
from voice_ui.page.error_card import ErrorCard
from voice_ui.page.running_text import RunningText
from voice_ui.session import ItemChanged, ProblemRaised, RealtimeSession, StateChanged, TurnTimed
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
class Banner:
    """What the page says about the server before anybody speaks."""

    server: str
    notice: str = ""
    """Plain words, empty if there is nothing to say."""


class Tab:
    """Builds the page in the current client and follows its session until the client is gone."""

    def __init__(self, session: RealtimeSession, banner: Banner) -> None:
        self._session = session
        self._heard: dict[str, ui.label] = {}  # of the items that stand in the history
        self._replies: dict[str, RunningText] = {}
        self._turn: dict[str, Item] = {}  # what the running turn shows, by role
        self._build(banner)
        self._show_state(session.state)
        background_tasks.create(self._follow(), name="follow session")
        ui.context.client.on_delete(self._close)

    def _build(self, banner: Banner) -> None:
        ui.add_css(STYLE)
        ui.query(".nicegui-content").classes("page")
        with ui.element("header"):
            ui.label("Voice UI").classes("title").props("role=heading aria-level=1")
            ui.label(banner.server).classes("server")
        with ui.element("main").props('aria-label="Conversation" tabindex=0'), ui.element("div"):
            if banner.notice:
                ui.label(banner.notice).classes("notice").props("data-testid=notice")
            self._history = ui.element("div").classes("history").props("data-testid=history")
            self._heard_now = ui.label().classes("heard").props("data-testid=heard dir=auto")
            with ui.element("div").classes("response").props("data-testid=response aria-live=polite"):
                self._response = RunningText()
            self._latency = ui.label().classes("latency").props("data-testid=latency")
        with ui.element("footer"):
            self._error = ErrorCard(on_dismiss=self._session.dismiss)
            self._status = ui.label().classes("status").props("role=status data-testid=status")
            self._mic = Mic(
                on_chunk=self._handle_chunk,
                on_starting=self._handle_starting,
                on_stopped=self._handle_stopped,
                on_problem=self._handle_problem,
                on_cured=self._error.cure,
                level_on=".talk",
            )
            self._talk = ui.button("Start", icon="mic", color=None).props("unelevated rounded no-caps data-testid=talk")
            self._talk.classes("talk").on("click", js_handler=self._mic.js_toggle)

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
                case StateChanged(state):
                    self._show_state(state)
                case ItemChanged(item) if item.role == "user":
                    self._show_heard(item)
                case ItemChanged(item):
                    self._show_reply(item)
                case TurnTimed(timer):
                    self._show_latency(timer.first_text_ms)
                case ProblemRaised(problem):
                    self._error.show(problem)

    def _show_state(self, state: State) -> None:
        self._status.set_text(WORDS[state.shown])
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

    def _show_latency(self, first_text_ms: float | None) -> None:
        if first_text_ms is not None:
            self._latency.set_text(f"first words after {first_text_ms / 1000:.2f} s")
            self._latency.props(f"data-ms={first_text_ms:.0f}")

    def _file_turn(self) -> None:
        """Move the turn that is over up into the history."""
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

    async def _close(self) -> None:
        await self._session.close()
