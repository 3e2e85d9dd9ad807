"""The conversation on the screen: the newest turn large, earlier turns above it."""

from __future__ import annotations

from nicegui import ui

from voice_ui.conversation import Item
from voice_ui.page.block import Block
from voice_ui.page.current_turn import CurrentTurn
from voice_ui.page.past_turn import PastTurn
from voice_ui.page.tool_calls import CallActions
from voice_ui.page.turn_texts import TurnTexts
from voice_ui.session import Shares, TextDelta, percentile

PAGE_TURNS = 20
"""NiceGUI sends an element the ids of all its children whenever one is added; with pages, each turn costs the same."""


class Transcript(ui.element):
    """Shows items as they change, one element for each turn. Nothing that a model writes is read as HTML."""

    def __init__(self, actions: CallActions) -> None:
        """`actions` are what a person can do with a call of a tool."""
        super().__init__("div")
        self.classes("vp-transcript")
        self._actions = actions
        self._past: dict[int, PastTurn] = {}  # by number
        self._turn_of: dict[str, int] = {}  # by the id of an item
        self._totals: dict[int, float] = {}  # milliseconds, by the number of the turn
        with self:
            self._history = Block().classes("vp-history").props("data-testid=history")
            with self._history:
                self._page = Block()
            self.turn = CurrentTurn(actions)
            """The newest turn."""
            with Block().classes("vp-totals").props("translate=no"):
                self._usage = ui.label().props("data-testid=usage")
                self._percentiles = ui.label().props("data-testid=percentiles")

    @property
    def newest(self) -> TurnTexts:
        """The texts of the newest turn."""
        return self.turn.texts

    def show(self, item: Item) -> None:
        """Update an item in its turn."""
        self._turn_of[item.id] = item.turn
        if item.turn > self.turn.texts.number:
            self._begin(item.turn)
        if item.turn == self.turn.texts.number:
            self.turn.show(item)
        else:
            past = self._past.get(item.turn) or self._add_past(TurnTexts(item.turn))
            past.texts.items[item.id] = item
            past.refresh()

    def append(self, delta: TextDelta) -> None:
        """Append text to an item's part."""
        if self.turn.append(delta.item_id, delta.part, delta.text):
            return
        past = self._past.get(self._turn_of.get(delta.item_id, 0))
        if past and past.texts.append(delta.item_id, delta.part, delta.text):
            past.refresh()

    def remove_item(self, item_id: str) -> None:
        """Remove an item that will be sent again."""
        number = self._turn_of.pop(item_id, 0)
        if self.turn.remove_item(item_id) or (past := self._past.get(number)) is None:
            return
        past.texts.items.pop(item_id, None)
        if past.texts.items:
            past.refresh()
        else:
            self._past.pop(number).delete()

    def item(self, item_id: str) -> Item | None:
        """Return an item as it is shown."""
        number = self._turn_of.get(item_id, 0)
        if number == self.newest.number:
            return self.newest.items.get(item_id)
        past = self._past.get(number)
        return past.texts.items.get(item_id) if past else None

    def reset(self) -> None:
        """Show an empty conversation."""
        self._past.clear()
        self._turn_of.clear()
        self._totals.clear()
        self._history.clear()
        with self._history:
            self._page = Block()
        self.turn.begin(0)
        self._percentiles.set_text("")

    def show_times(self, turn: int, shares: Shares, answer_ms: float | None) -> None:
        """Show where the time of a turn went, and the percentiles of the conversation."""
        if turn == self.turn.texts.number:
            self.turn.latency.show(shares, answer_ms)
        if shares.ours is not None:
            self._totals[turn] = shares.total
        if len(self._totals) > 1:
            median, p95 = (percentile(list(self._totals.values()), share) / 1000 for share in (0.5, 0.95))
            self._percentiles.set_text(f"{len(self._totals)} turns: p50 {median:.2f} s, p95 {p95:.2f} s")

    def show_first_sound(self, turn: int, ms: float) -> None:
        """Show how long it took until a spoken reply was to be heard."""
        if turn == self.turn.texts.number:
            self.turn.latency.show_first_sound(ms)

    def show_usage(self, words: str) -> None:
        """Show what the conversation has used so far."""
        self._usage.set_text(words)

    def _begin(self, number: int) -> None:
        """Move the newest turn into the history, and begin another one."""
        latency = self.turn.latency
        total_ms, answer_ms = latency.total_ms, latency.answer_ms
        before = self.turn.begin(number)
        if before.items:
            self._add_past(before, total_ms, answer_ms)

    def _add_past(self, texts: TurnTexts, total_ms: float | None = None, answer_ms: float | None = None) -> PastTurn:
        if len(self._page.default_slot.children) == PAGE_TURNS:
            with self._history:
                self._page = Block()
        with self._page:
            past = self._past[texts.number] = PastTurn(texts, self._actions, total_ms, answer_ms)
        return past
