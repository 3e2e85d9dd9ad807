"""One browser tab: the microphone goes into its session, what the session tells goes onto the screen."""

from __future__ import annotations

from pathlib import Path

from nicegui import background_tasks, ui

from voice_ui.errors import Problem
from voice_ui.mic import Chunk, Mic, MicProblem, Stopped
from voice_ui.page.browser_tab import BrowserTab
from voice_ui.page.choices import Choices
from voice_ui.page.composer import Composer
from voice_ui.page.cure import Cure
from voice_ui.page.error_card import ErrorCard
from voice_ui.page.inspector import Inspector
from voice_ui.page.offer import Offer
from voice_ui.page.parking import LEFT_SECONDS, PARKING_SECONDS, Parking
from voice_ui.page.settings_panel import SettingsPanel
from voice_ui.page.stage import Stage
from voice_ui.page.status import Status
from voice_ui.page.transcript import Transcript
from voice_ui.page.turn_clock import TurnClock
from voice_ui.session import (
    Alarm,
    ItemChanged,
    ItemForgotten,
    ProblemRaised,
    RealtimeSession,
    StateChanged,
    Target,
    TurnTimed,
    UsageCounted,
)
from voice_ui.state import State

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

TO_THE_END = "() => document.querySelector('.conversation').scrollTo({ top: 0 })"


class Tab:
    """Builds the page in the current client and follows its session until the client is gone."""

    def __init__(self, offer: Offer, parking: Parking[Tab]) -> None:
        self._offer = offer
        self._parking = parking
        self._defaults = self._choices = Choices.of(offer.model, offer.config)
        self._client = ui.context.client
        self._tab_id: str | None = None  # the browser's tab; it outlives this page when that is loaded again
        self._handed_over = False
        self._left = False
        self._out_of_sight = Alarm()
        self._session = RealtimeSession(self._target, offer.limits)
        self._state = self._session.state  # the one that is shown
        self._build()
        self._follower = background_tasks.create(self._follow(), name="follow session")
        background_tasks.create(self._check(), name="check model")
        self._client.on_connect(self._handle_connect)
        self._client.on_disconnect(self._handle_disconnect)

    def _build(self) -> None:
        offer = self._offer
        ui.add_css(STYLE)
        ui.query(".nicegui-content").classes("page")
        self._mic = Mic(
            on_chunk=self._handle_chunk,
            on_starting=lambda: self._session.start(),
            on_stopped=self._handle_stopped,
            on_problem=self._handle_problem,
            on_cured=lambda code: self._error.cure(code),
            on_muted=self._handle_muted,
            on_held=lambda: self._session.begin_turn(),
            on_released=lambda: self._session.end_turn(),
            on_devices=lambda devices: self._settings.show_devices(devices),
            on_painted=lambda seq, ms: self._turn_clock.handle_painted(seq, ms),
        )
        self._browser_tab = BrowserTab(
            self._mic,
            on_goodbye=self._handle_goodbye,
            on_sight=self._handle_sight,
            on_interrupt=lambda: self._session.interrupt(),
        )
        self._settings = SettingsPanel(
            self._choices,
            models=offer.models,
            on_change=self._handle_choices,
            js_copy=self._browser_tab.js_copy,
            js_download=self._browser_tab.js_download,
        )
        self._inspector = Inspector(self._handle_inspector, on_hide=lambda: self._settings.choose(inspector=False))
        with ui.element("header"):
            ui.label("Voice UI").classes("title").props("role=heading aria-level=1")
            with ui.element("div").classes("server"):
                ui.label(offer.server)
                self._model_name = ui.label(offer.model).props("data-testid=model")
            offer.controls()
            settings = ui.button(icon="tune", on_click=self._settings.open, color=None)
            settings.props('flat round dense aria-label="Settings" data-testid=settings-button')
        # Reached by the keyboard, so that it can be scrolled by it. (Quasar's page is the main landmark.)
        conversation = ui.element("section").classes("conversation").props('aria-label="Conversation" tabindex=0')
        conversation.on("scroll", js_handler="e => e.target.classList.toggle('scrolled-up', e.target.scrollTop < -80)")
        with conversation, ui.element("div"):
            if offer.notice:
                ui.label(offer.notice).classes("notice").props("data-testid=notice")
            self._transcript = Transcript()
        with ui.element("footer"):
            newest = ui.button("Newest", icon="arrow_downward", color=None).classes("newest")
            newest.props("rounded no-caps size=sm").on("click", js_handler=TO_THE_END)
            self._error = ErrorCard(
                retry=self._mic.js_start,
                on_dismiss=lambda: self._session.dismiss(),
                on_successor=self._handle_successor,
                on_show_event=self._inspector.show_event,
                about=f"{offer.server}, {offer.model}",
            )
            silent = Problem("program-silent")
            ui.label(f"{silent.cause} {silent.fix}").classes("program-silent").props("role=alert data-testid=silent")
            self._cure = Cure(self._error)
            self._status = Status()
            self._stage = Stage(self._mic)
            self._mic.show_level_on(self._stage)
            self._composer = Composer(lambda text: self._session.send_text(text))
        self._turn_clock = TurnClock(self._mic, self._transcript.show_shares)
        self._show_choices()

    @property
    def _target(self) -> Target:
        return self._offer.target(self._choices.model, self._choices.applied_to(self._offer.config))

    # For the owner's list.

    @property
    def session(self) -> RealtimeSession:
        """The session of this tab; reloaded, it is `handed_over` to the next."""
        return self._session

    @property
    def handed_over(self) -> bool:
        return self._handed_over

    # From the browser tab.

    def _handle_connect(self) -> None:
        """Go on with the conversation of this tab: this page was out of touch, or one before it was."""
        self._left = False
        self._tab_id = self._client.tab_id or self._tab_id
        background_tasks.create(self._get_acquainted(), name="get acquainted")
        before = self._parking.reclaim(self._tab_id) if self._tab_id else None
        if before and before is not self:
            self._follower.cancel()
            self._session = before.hand_over()
            self._session.target = self._target
            self._session.tap = self._inspector.tap
            with self._client:
                self._transcript.restore(self._session.conversation.items)
                self._show_state(self._session.state)
            self._follower = background_tasks.create(self._follow(), name="follow session")

    async def _get_acquainted(self) -> None:
        """Go on as was chosen in this browser before; say so if this tab talked to another run of the program."""
        memory = await self._browser_tab.introduce()
        if memory is None:
            return
        if memory.of_another_run:
            self._error.show(Problem("program-restarted"))
        choices = self._defaults.remembered(memory.choices, tuple(self._offer.models))
        if choices != self._choices:
            self._settings.show_choices(choices)
            self._choose(choices)

    def _handle_disconnect(self) -> None:
        if self._tab_id and not self._handed_over:
            self._parking.park(self._tab_id, self, LEFT_SECONDS if self._left else PARKING_SECONDS)

    def _handle_goodbye(self) -> None:
        """The page is left, and with it the microphone: what was said is still answered."""
        self._left = True
        self._session.stop()

    def _handle_sight(self, visible: bool) -> None:
        """A tab that is out of sight for long may have been forgotten."""
        self._out_of_sight.stop()
        if not visible and (minutes := self._offer.limits.idle_minutes):
            self._out_of_sight.set(minutes * 60, lambda: self._session.stop_for("hidden-limit", minutes))

    def hand_over(self) -> RealtimeSession:
        """Give the session to the page that takes the place of this one."""
        self._let_go()
        self._handed_over = True
        self._session.tap = None
        return self._session

    async def close(self) -> None:
        """Nobody came back: let go of everything."""
        self._let_go()
        await self._session.close()

    def _let_go(self) -> None:
        self._follower.cancel()
        self._out_of_sight.stop()
        self._status.close()
        self._cure.close()

    # From the person.

    def _handle_choices(self, choices: Choices) -> None:
        """Something was chosen in the settings: it is remembered, and applied as soon as it can be."""
        self._browser_tab.remember(choices.differing(self._defaults))
        model_before = self._choices.model
        applied = self._choose(choices)
        if not self._session.state.at_rest and choices.model != model_before:
            ui.notify("The other model answers from the next Start on.", position="top")
        elif applied:
            ui.notify("Applied to the running session.", position="top")

    def _handle_successor(self, model: str) -> None:
        self._settings.choose(model=model)

    def _choose(self, choices: Choices) -> bool:
        """Make the choices hold; True if a running session had to be told."""
        before, self._choices = self._choices, choices
        self._show_choices()
        if choices.model != before.model:
            background_tasks.create(self._check(), name="check model")
        return self._session.reconfigure(self._target)

    def _show_choices(self) -> None:
        choices = self._choices
        self._model_name.set_text(choices.model)
        self._mic.listen_with(
            choices.device, choices.echo_cancellation, choices.noise_suppression, choices.auto_gain_control
        )
        self._mic.by_hand = choices.turn_detection == "none"
        self._show_state(self._state)
        self._transcript.props(f"data-text-size={choices.text_size}")
        self._composer.set_visibility(choices.typing)
        self._inspector.show(choices.inspector)

    def _handle_inspector(self) -> None:
        self._session.tap = self._inspector.tap
        if not self._inspector.tap:
            self._error.forget_event()

    async def _check(self) -> None:
        if problem := await self._offer.check(self._choices.model):
            self._error.show(problem)

    # From the microphone.

    def _handle_chunk(self, chunk: Chunk) -> None:
        self._turn_clock.arrived(chunk)
        self._session.append_audio(chunk.pcm, chunk.rate)

    def _handle_stopped(self, stopped: Stopped) -> None:
        if stopped.reason == "failed":
            self._session.abort()
        else:
            self._session.stop()  # a device that was lost, too: what was said until then is answered

    def _handle_muted(self, muted: bool) -> None:
        self._stage.show_muted(muted)
        if muted:
            self._session.end_turn()

    def _handle_problem(self, problem: MicProblem) -> None:
        self._error.show(Problem(problem.code, problem.detail, dict(problem.facts)))

    # From the session.

    async def _follow(self) -> None:
        async for event in self._session:
            match event:
                case StateChanged(state, attempt):
                    self._show_state(state, attempt)
                    if state.at_rest:  # only then: a page that is new may have been told to start before we were
                        self._mic.stop()
                case ItemChanged(item):
                    self._transcript.show(item)
                    self._cure.by_item(item)
                case ItemForgotten(item_id):
                    self._transcript.forget(item_id)
                case UsageCounted(usage, cost):
                    self._transcript.show_usage(usage, cost)
                case TurnTimed(timer, round_trip_ms):
                    self._turn_clock.measure(timer, round_trip_ms)
                case ProblemRaised(problem, number):
                    self._error.show(problem, number)

    def _show_state(self, state: State, attempt: int = 0) -> None:
        self._state = state
        by_hand = self._mic.by_hand
        self._status.show(state, attempt, by_hand=by_hand)
        self._browser_tab.show(state)
        self._stage.show(state, by_hand=by_hand)
        self._error.show_at_rest(state.at_rest)
        self._cure.by_state(state)
