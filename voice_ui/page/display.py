"""What a panel shows and reports about its session and its microphone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from voice_ui.conversation import FunctionCall, Item
from voice_ui.errors import Problem
from voice_ui.mic import MicProblem
from voice_ui.page.events import (
    DeltaEventArguments,
    PanelEvents,
    ProblemEventArguments,
    ReplyEventArguments,
    StateEventArguments,
    TranscriptEventArguments,
    UsageEventArguments,
)
from voice_ui.page.spoken_replies import SpokenReplies
from voice_ui.page.turn_clock import TurnClock
from voice_ui.page.usage_words import in_words
from voice_ui.page.values import PanelValues
from voice_ui.page.view import View
from voice_ui.session import (
    BargeInPending,
    ItemChanged,
    ItemRemoved,
    Phase,
    ProblemRaised,
    ProblemSolved,
    RealtimeSession,
    ReplyHeard,
    SessionEvent,
    State,
    StateChanged,
    TextDelta,
    TurnTimed,
    UsageCounted,
)

FIRST_PAINT_SECONDS = 0.03
"""Two frames. What the first words of a reply bring with them waits this long: somebody waits for the words."""


class Display(PanelValues, PanelEvents):
    """Keeps elements, bindable values and handlers up to date."""

    view: View
    """The elements."""

    def __init__(self) -> None:
        super().__init__()
        self._state = State()
        self._attempt = 0
        self._microphone = False
        self._opening = False  # the microphone was requested but is not live yet
        self._held: list[Callable[[], object]] = []  # until the first words are painted
        self._holding: asyncio.TimerHandle | None = None

    def _show_in(self, view: View) -> None:
        self.view = view
        self._clock = TurnClock(view.mic, view.transcript.show_times)
        self.voice.on_begin = lambda item_id: view.transcript.turn.show_heard(item_id, 0)
        self.voice.on_sound, self.voice.on_timed = self._time_sound, self._show_sound
        self.voice.on_problem = lambda problem: self.show_problem(Problem(problem.code, problem.detail))
        self.voice.on_cured = view.error.clear_codes

    @property
    def voice(self) -> SpokenReplies:
        """Replies aloud."""
        return self.view.buttons.voice

    def show_problem(self, problem: Problem, number: int | None = None) -> None:
        """Show a problem and report it; `number` is the number of the causing event in the inspector."""
        self.view.error.show(problem, number)
        self._report("problem", ProblemEventArguments, problem=problem)

    def _time_sound(self, item_id: str) -> None:
        newest = self.view.transcript.newest
        if item_id in newest.items and (seq := self._clock.seq_of(newest.number)) is not None:
            self.voice.time_first_sound(seq)

    def _show_sound(self, seq: int, since_capture_ms: float) -> None:
        if known := self._clock.first_sound(seq, since_capture_ms):
            self.view.transcript.show_first_sound(*known)

    def _show_mic_problem(self, problem: MicProblem) -> None:
        self.show_problem(Problem(problem.code, problem.detail, problem.facts))

    def _show_opening(self, opening: bool) -> None:
        """The microphone was requested, became live or was given up."""
        self._opening = opening
        self._show_state()

    def _show_session(self, session: RealtimeSession) -> None:
        """Show the session's conversation and state."""
        self.view.transcript.reset()
        for item in session.conversation.items:
            self.view.transcript.show(item)
        budget = session.budget
        self.view.transcript.show_usage(in_words(UsageCounted(budget.usage, budget.cost, budget.is_exact)))
        self._state, self._attempt = session.state, 0
        self._show_texts()
        self._show_state()

    def _show_event(self, event: SessionEvent) -> None:
        match event:
            case BargeInPending(pending):
                self.view.transcript.turn.show_pending(pending)
            case ReplyHeard(item_id, characters):
                self.view.transcript.turn.show_heard(item_id, characters)
            case ItemChanged(item):
                self._show_item(item)
            case ItemRemoved(item_id):
                self.view.transcript.remove_item(item_id)
                self._show_texts()
            case StateChanged(state, attempt):
                if state.phase is not Phase.ANSWERING:
                    self._show_held()
                    if self._state.phase is Phase.ANSWERING:
                        self.view.transcript.turn.show_all_heard()
                self._state, self._attempt = state, attempt
                if state.at_rest or state.phase is Phase.HEARING:  # what is heard came out of an open microphone
                    self._opening = False
                self.view.error.clear_by_state(state.phase)
                if state.phase is Phase.ANSWERING:
                    self._show_after_words(self._show_state)
                else:
                    self._show_state()
            case TurnTimed():
                self._clock.ask(event)
                self._show_after_words(partial(self._clock.measure, event))
            case UsageCounted(usage, cost):
                self.view.transcript.show_usage(in_words(event))
                self._report("usage", UsageEventArguments, usage=usage, cost=cost)
            case ProblemRaised(problem, number):
                self.show_problem(problem, number)
            case ProblemSolved(code):
                self.view.error.clear_codes(code)

    def _show_delta(self, delta: TextDelta) -> None:
        self.view.transcript.append(delta)
        newest = self.view.transcript.newest
        if newest.ends_with(delta.item_id, delta.part):
            self.text += delta.text
        else:
            self.text = newest.reply
        self._report("delta", DeltaEventArguments, text=delta.text)

    def _show_after_words(self, show: Callable[[], object]) -> None:
        """Call it once the first words of the reply, which come at the same time, are painted."""
        self._held.append(show)
        if self._holding is None:
            self._holding = asyncio.get_running_loop().call_later(FIRST_PAINT_SECONDS, self._show_held)

    def _show_held(self) -> None:
        for show in self._drop_held():
            show()

    def _drop_held(self) -> list[Callable[[], object]]:
        """Return what was held back; it is not shown by itself any more."""
        if self._holding:
            self._holding.cancel()
            self._holding = None
        held, self._held = self._held, []
        return held

    def _show_item(self, item: Item) -> None:
        before = self.view.transcript.item(item.id)
        if item.turn > self.view.transcript.newest.number:
            self._show_held()  # it is about the turn before
        self.view.transcript.show(item)
        self.view.error.clear_by_item(item)
        if isinstance(item, FunctionCall):
            return
        self._show_texts()
        is_over = item.status != "in_progress"
        if item.role == "user":
            if item.text and (before is None or (before.text, before.status) != (item.text, item.status)):
                self._report("transcript", TranscriptEventArguments, text=item.text, final=is_over)
        else:
            if item.text and before is None:
                self._report("delta", DeltaEventArguments, text=item.text)
            if is_over and (before is None or before.status == "in_progress"):
                preamble = item.phase == "commentary"
                self._report("reply", ReplyEventArguments, text=item.text, status=item.status, preamble=preamble)

    def _show_texts(self) -> None:
        newest = self.view.transcript.newest
        self.text, self.heard = newest.reply, newest.heard

    def _show_state(self) -> None:
        state = self.view.show_state(self._state, self._attempt, opening=self._opening)
        microphone = self._opening or self._state.microphone
        if (state, microphone) != (self.state, self._microphone):
            self.state, self._microphone = state, microphone
            self._report("state", StateEventArguments, state=state, microphone=microphone)
