"""Our own page: a panel, and around it the header, settings, the inspector, keys and what the browser remembers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nicegui import background_tasks, ui

from voice_ui.errors import Problem
from voice_ui.offline.ollama import LocalModels
from voice_ui.page.block import Block
from voice_ui.page.browser_tab import BrowserTab, Memory
from voice_ui.page.choices import Choices
from voice_ui.page.events import StateEventArguments
from voice_ui.page.inspector import Inspector
from voice_ui.page.offer import Offer
from voice_ui.page.ollama_offer import OllamaOffer
from voice_ui.page.panel import VoicePanel
from voice_ui.page.settings_panel import SettingsPanel
from voice_ui.page.usage_words import prices_in_words
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


LOST_SECONDS = 0.3
"""Shorter speech is not worth a report."""


class Page:
    """Builds the page in the current client."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._defaults = self._choices = Choices.of(offer.model, offer.config)
        self._client = ui.context.client
        self._hidden: asyncio.TimerHandle | None = None
        self._checked = self._is_acquainted = False
        self._ollama: OllamaOffer | None = None
        self._found: Problem | None = None  # with the chosen model
        self._build()
        self._client.on_connect(self._handle_connect)
        self._client.on_delete(lambda: self._handle_sight(True))

    def _build(self) -> None:
        offer = self._offer
        ui.add_css(STYLE)
        ui.query(".nicegui-content").classes("page")
        header = ui.element("header")
        self.panel = VoicePanel(
            *self._target(),
            typing=False,
            notice=offer.notice(),
            open_session=offer.open_session,
            conversations=offer.conversations,
            keep=True,
            handovers=offer.handovers,
            address=offer.address,
            on_state=self._handle_state,
        )
        with Block().props("hidden"):  # it changes with every state, and the page around it does not
            self._browser_tab = BrowserTab(
                self.panel.mic,
                self.panel.view.composer,
                on_introduced=self._get_acquainted,
                on_goodbye=self._handle_goodbye,
                on_sight=self._handle_sight,
                on_interrupt=self.panel.interrupt,
            )
        self._settings = SettingsPanel(
            self._choices,
            models=offer.models,
            writer=self._writer,
            on_change=self._handle_choices,
            js_copy=self.panel.js_copy,
            js_download=self.panel.js_download,
        )
        self.panel.mic.on_devices(self._settings.show_devices)
        self.panel.voice.on_outputs = self._settings.show_outputs
        self.panel.voice.on_switch = lambda on: self._settings.choose(output="audio" if on else "text")
        self.panel.view.error.on_half_duplex = lambda: self._settings.choose(half_duplex=True)
        self.panel.view.error.on_successor = lambda model: self._settings.choose(model=model)
        self._inspector = Inspector(
            self._handle_inspector, lambda: self._settings.choose(inspector=False), offer.conversations.load
        )
        self.panel.view.error.on_show_event = self._inspector.show_event
        self.panel.view.call_actions.show_event = self._inspector.show_event
        with header:
            ui.label("Voice UI").classes("title").props("role=heading aria-level=1")
            with ui.element("div").classes("server").props("translate=no"):
                self._server_name = ui.label(offer.endpoint(offer.model).name)
                self._model_name = ui.label(offer.model).props("data-testid=model")
            offer.controls()
            settings = ui.button(icon="tune", on_click=self._open_settings, color=None)
            settings.props('flat round dense aria-label="Settings" data-testid=settings-button')
        if offer.local_models:
            self._follow(offer.local_models)
        self._show_choices()

    @property
    def _writer(self) -> str:
        """The model that writes down what is said, where another one answers."""
        answers_what_it_reads = self._offer.endpoint(self._choices.model).writes_what_it_hears
        return "" if answers_what_it_reads else self._offer.config.transcription_model or ""

    def _follow(self, models: LocalModels) -> None:
        """Show which of the models on this machine answers, and offer them if this page may choose."""
        if self._offer.may_choose_local:
            with self.panel.view.notice:
                self._ollama = OllamaOffer(models)
        models.on_change.append(self._show_server)
        self._client.on_delete(lambda: models.on_change.remove(self._show_server))

    def _show_server(self) -> None:
        """Another model of this machine answers from now on."""
        self.panel.configure(*self._target())
        self.panel.view.show_notice(self._offer.notice())
        self._server_name.set_text(self._offer.endpoint(self._choices.model).name)
        if self._ollama:
            self._ollama.show()

    def _target(self) -> tuple[Endpoint, SessionConfig]:
        return self._offer.endpoint(self._choices.model), self._choices.applied_to(self._offer.config)

    # From the browser's tab.

    def _handle_connect(self) -> None:
        if conversation := self.panel.conversation:
            conversation.was_left = False
        self._browser_tab.introduce()
        if not self._checked:
            self._checked = True
            background_tasks.create(self._check(), name="check model")
        if self._ollama:
            background_tasks.create(self._ollama.look(), name="look for an Ollama")

    def _get_acquainted(self, memory: Memory) -> None:
        """Apply what was chosen in this browser before, and report a conversation that is gone."""
        if problem := self._what_became_of(memory):
            self.panel.show_problem(problem)
        self._browser_tab.remember_conversation("")
        self._remember_conversation()
        since = {} if self._is_acquainted else self._choices.differing(self._defaults)  # chosen before it answered
        choices = self._defaults.remembered(memory.choices | since, tuple(self._offer.models))
        self._is_acquainted = True
        if choices != self._choices:
            self._settings.show_choices(choices)
            self._choose(choices)

    def _what_became_of(self, memory: Memory) -> Problem | None:
        """Return what to report of the conversation that the tab showed before."""
        if handover := self.panel.handover:
            self.panel.handover = None
            if not handover.is_verified:
                return Problem("conversation-unverified")
            if handover.lost_seconds >= LOST_SECONDS:
                return Problem("conversation-kept", facts={"seconds": f"{handover.lost_seconds:.1f}"})
            return Problem("conversation-kept") if handover.was_talking else None
        if not memory.conversation or self._offer.conversations.knows(memory.conversation):
            return None
        return Problem("program-restarted" if memory.of_another_run else "conversation-gone")

    def _handle_goodbye(self) -> None:
        """The user is leaving the page: close the microphone; what was said is still answered."""
        if conversation := self.panel.conversation:
            conversation.was_left = True
            conversation.session.stop()

    def _handle_sight(self, visible: bool) -> None:
        """Limit how long a hidden tab keeps the microphone: it may have been forgotten."""
        if self._hidden:
            self._hidden.cancel()
            self._hidden = None
        if not visible and (minutes := self._offer.limits.idle_minutes):
            self._hidden = asyncio.get_running_loop().call_later(minutes * 60, self._stop_hidden, minutes)

    def _stop_hidden(self, minutes: float) -> None:
        if session := self.panel.session:
            session.stop_for("hidden-limit", minutes=f"{minutes:g}")

    # From the panel.

    def _handle_state(self, event: StateEventArguments) -> None:
        self._browser_tab.show(event.state, capturing=event.microphone)
        self._remember_conversation()

    def _remember_conversation(self) -> None:
        conversation = self.panel.conversation
        if conversation and conversation.session.conversation.items:
            self._browser_tab.remember_conversation(conversation.id)

    # From the settings.

    def _open_settings(self) -> None:
        self._settings.open()
        self._show_costs()

    def _show_costs(self) -> None:
        self._settings.show_costs(prices_in_words(self._offer.endpoint(self._choices.model)), self._offer.sums())

    def _handle_choices(self, choices: Choices) -> None:
        """Remember a choice, and apply it as soon as possible."""
        before, now = (one.differing(self._defaults) for one in (self._choices, choices))
        changed = {name for name in before | now if before.get(name) != now.get(name)}
        self._browser_tab.remember({name: now.get(name) for name in changed})
        model_before, voice_before = self._choices.model, self._choices.voice
        applied = self._choose(choices)
        session = self.panel.session
        if session and not session.state.at_rest and choices.model != model_before:
            ui.notify("The new model is used from the next Start.", position="top")
        elif session and session.has_spoken and choices.voice != voice_before:
            ui.notify("The model has already spoken, so the new voice is used from the next Start.", position="top")
        elif applied:
            ui.notify("Applied to the running session.", position="top")

    def _choose(self, choices: Choices) -> bool:
        """Apply the choices; return True if the running session was changed."""
        before, self._choices = self._choices, choices
        self._show_choices()
        if choices.model != before.model:
            background_tasks.create(self._check(), name="check model")
        return self.panel.configure(*self._target())

    def _show_choices(self) -> None:
        choices = self._choices
        self._model_name.set_text(choices.model)
        self._show_costs()
        self.panel.mic.listen_with(
            choices.device, choices.echo_cancellation, choices.noise_suppression, choices.auto_gain_control
        )
        self.panel.view.transcript.props(f"data-text-size={choices.text_size}")
        self.panel.show_plain(choices.plain_text)
        self.panel.view.composer.show_line(choices.typing)
        self.panel.voice.show_half_duplex(choices.half_duplex)
        self.panel.voice.device = choices.output_device
        self._inspector.show(choices.inspector)

    def _handle_inspector(self) -> None:
        self.panel.trace(self._inspector.tracer)
        if not self._inspector.tracer:
            self.panel.view.error.forget_event()

    async def _check(self) -> None:
        model = self._choices.model
        problem = await self._offer.check(model)
        if model != self._choices.model:
            return  # another one has been chosen meanwhile
        if self._found:  # of the model before
            self.panel.view.error.clear_codes(self._found.code)
        self._found = problem
        if problem:
            self.panel.show_problem(problem)
