"""The conversation on the screen: the running turn large, earlier turns above it."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from voice_ui.conversation import Item
from voice_ui.latency import Shares, percentile
from voice_ui.page.latency_bar import LatencyBar
from voice_ui.page.running_text import RunningText
from voice_ui.usage import Usage

COPY = "e => Quasar.copyToClipboard(e.currentTarget.closest('article').querySelector('.running-text').innerText)"


PAGE_TURNS = 20
"""NiceGUI tells an element its children whenever there is one more; so each turn costs the same, however many there
were before."""

MARKS = {"cancelled": "cut short", "incomplete": "incomplete", "failed": "failed", "lost": "connection lost"}
"""What is said of a reply that is not whole, by its status."""


class Turn(ui.element):
    """What was heard and what was replied; either may come first, or never."""

    def __init__(self) -> None:
        super().__init__("article")
        self.items: dict[str, Item] = {}  # by role
        with self:
            self._heard = ui.label().classes("heard").props("data-testid=heard dir=auto data-speaker=You")
            with ui.element("div").classes("response").props("data-testid=response aria-live=polite") as self._response:
                self._reply = RunningText().props("data-speaker=Model")
            with ui.element("div").classes("figures"):
                self.latency = LatencyBar()
                self._mark = ui.label().classes("mark")
                self._copy = ui.button(icon="content_copy", color=None).classes("copy").on("click", js_handler=COPY)
                self._copy.props('flat round dense size=sm aria-label="Copy this reply"').set_visibility(False)

    def takes(self, item: Item) -> bool:
        """Whether an item is part of this turn, or could be: a second thing said begins another one."""
        return item.role not in self.items or self.items[item.role].id == item.id

    def show(self, item: Item) -> None:
        """Bring one of the two up to date."""
        if not item.text and item.role not in self.items:
            return  # a reply that has not begun takes no place from the one before
        self.items[item.role] = item
        if item.role == "user":
            self._heard.set_text(item.text)
        else:
            self._reply.show(item.text)
            self._mark.set_text(MARKS.get(item.status, ""))
            self._copy.set_visibility(bool(item.text) and item.status != "in_progress")

    def forget_user(self) -> None:
        """What was heard will be said again."""
        del self.items["user"]
        self._heard.set_text("")

    def file(self) -> None:
        """This turn is no longer the last one."""
        if "assistant" not in self.items:
            self._mark.set_text("no reply")
        self._heard.props(remove="data-testid")
        self._response.props(remove="data-testid aria-live")
        self.latency.file()


class Transcript(ui.element):
    """Shows items as they change; the text of an item is text, whatever a model writes."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("transcript")
        self._filed: dict[str, Turn] = {}  # by the id of an item that stands in the history
        self._totals: list[float] = []
        with self:
            self._history = ui.element("div").classes("history").props("data-testid=history")
            with self._history:
                self._page = ui.element("div").classes("history-page")
            self._turn = Turn()
            with ui.element("div").classes("totals"):
                self._usage = ui.label().props("data-testid=usage")
                self._percentiles = ui.label().props("data-testid=percentiles")

    def show(self, item: Item) -> None:
        """Bring an item up to date: where it stands, or as part of the running turn."""
        if filed := self._filed.get(item.id):
            filed.show(item)
            return
        if not self._turn.takes(item):
            self._file_turn()
        self._turn.show(item)

    def restore(self, items: Sequence[Item]) -> None:
        """Show a conversation that is there already."""
        for item in items:
            self.show(item)

    def forget(self, item_id: str) -> None:
        """Take away what is being said again."""
        user = self._turn.items.get("user")
        if user and user.id == item_id:
            self._turn.forget_user()

    def show_shares(self, shares: Shares) -> None:
        """Say where the running turn's time went; what is known of it in the end counts for the conversation."""
        self._turn.latency.show(shares)
        if shares.ours is not None:
            self._totals.append(shares.total)
        if len(self._totals) > 1:
            middle, most = (percentile(self._totals, share) / 1000 for share in (0.5, 0.95))
            self._percentiles.set_text(f"{len(self._totals)} turns: p50 {middle:.2f} s, p95 {most:.2f} s")

    def show_usage(self, usage: Usage, cost: float) -> None:
        """Say what the conversation has used so far."""
        cached = f", {usage.cached:,} cached" if usage.cached else ""
        money = f" · ${cost:.4f}" if cost else ""
        self._usage.set_text(f"in all {usage.total:,} tokens{cached}{money}")

    def _file_turn(self) -> None:
        """Move the running turn up into the history."""
        filed = self._turn
        filed.file()
        if len(self._page.default_slot.children) == PAGE_TURNS:
            with self._history:
                self._page = ui.element("div").classes("history-page")
        filed.move(self._page)
        self._filed |= {item.id: filed for item in filed.items.values()}
        with self:
            self._turn = Turn()
        self._turn.move(self, 1)
