"""The newest turn: what was heard, the reply while it is being written, and how long it took."""

from __future__ import annotations

from nicegui import ui

from voice_ui.conversation import FunctionCall, Item
from voice_ui.images import Image
from voice_ui.page.block import Block
from voice_ui.page.latency_bar import LatencyBar
from voice_ui.page.running_text import RunningText
from voice_ui.page.thumbnail import thumbnail
from voice_ui.page.tool_calls import CallActions, ToolCalls
from voice_ui.page.turn_texts import TurnTexts

COPY = """e => {
    const texts = [...e.currentTarget.closest(".vp-turn").querySelectorAll(".vp-text")];
    Quasar.copyToClipboard(texts.map((text) => text.reply.source).filter(Boolean).join("\\n\\n"));
}"""


class CurrentTurn(ui.element):
    """Shows one turn after the other. The elements stay, so that a screen reader keeps its live region."""

    def __init__(self, actions: CallActions) -> None:
        super().__init__("div")
        self.texts = TurnTexts(0)
        self._running: dict[tuple[str, int], RunningText] = {}  # by item and part
        self._shown: Image | None = None
        self._coalesce_ms = 0
        self._spare: RunningText | None = None  # is on the page already, so that the first word need not wait for it
        self.classes("vp-turn").props("role=article")
        with self:
            with Block():
                self._heard = ui.label().classes("vp-heard")
                self._heard.props("data-testid=heard dir=auto translate=no data-speaker=You")
            self._image = ui.element("img").classes("vp-image").props('alt="The image you showed"')
            self._image.set_visibility(False)
            self._calls = ToolCalls(actions)
            self._response = Block().classes("vp-response")
            self._response.props("data-testid=response aria-live=polite translate=no data-speaker=Model")
            self._make_spare()
            with Block().classes("vp-figures"):
                self.latency = LatencyBar()
                self._mark = ui.label().classes("vp-mark").props("translate=no")
                self._copy = ui.button(icon="content_copy", color=None).classes("vp-copy").on("click", js_handler=COPY)
                self._copy.props('flat round dense size=sm aria-label="Copy this reply"').set_visibility(False)

    def coalesce(self, ms: int) -> None:
        """Let text that is added wait for up to this long, for more to go with it."""
        self._coalesce_ms = ms
        for text in (*self._running.values(), *([self._spare] if self._spare else ())):
            text.coalesce_ms = ms

    def begin(self, number: int) -> TurnTexts:
        """Start the next turn; return the texts of the previous one."""
        before, self.texts = self.texts, TurnTexts(number)
        self._heard.set_text("")
        self._show_image()
        self._response.clear()
        self._calls.reset()
        self._running.clear()
        self._make_spare()
        self.latency.empty()
        self._show_mark()
        return before

    def show(self, item: Item) -> None:
        """Update one item."""
        known = self.texts.items.get(item.id)
        self.texts.items[item.id] = item
        if item.role == "user":
            self._heard.set_text(self.texts.heard)
            self._show_image()
            return
        if isinstance(item, FunctionCall):
            self._calls.show(item, self.texts.place(item.id))
            if known is None:
                self._place_texts()
            return
        for part, text in enumerate(item.parts):
            if known is None or part >= len(known.parts) or known.parts[part] != text:
                self._text_of(item, part).set_text(text)
            if item.phase == "commentary":
                self._text_of(item, part).classes("vp-preamble")
            if item.status != "in_progress":
                self._text_of(item, part).finish()
        if item.heard is not None:
            self.show_heard(item.id, item.heard)
        self._show_mark()

    def _show_image(self) -> None:
        image = self.texts.image
        if image is not self._shown:
            self._shown = image
            self._image.props["src"] = thumbnail(image) if image else ""
            self._image.set_visibility(image is not None)
            self._image.update()

    def show_heard(self, item_id: str, characters: int | None) -> None:
        """Grey what was not heard (yet) of a spoken item after this many characters; None: nothing."""
        item = self.texts.items.get(item_id)
        for part, text in enumerate(item.parts if item else ()):
            if running := self._running.get((item_id, part)):
                running.show_heard(None if characters is None else min(max(characters, 0), len(text)))
            if characters is not None and text:
                characters -= len(text) + 2  # the blank line between two parts

    def show_all_heard(self) -> None:
        """Nothing is spoken any more: grey only what was cut off."""
        for item in self.texts.replies:
            self.show_heard(item.id, item.heard)

    def show_pending(self, pending: bool) -> None:
        """Dim the reply while it is open whether speech cuts it short."""
        self._response.classes(**{"add" if pending else "remove": "vp-pending"})

    def show_aloud(self, aloud: bool) -> None:
        """Turn off screen reader announcements while replies are spoken."""
        self._response.props(f"aria-live={'off' if aloud else 'polite'}")

    def append(self, item_id: str, part: int, text: str) -> bool:
        """Add text to the end of a part; False if the item is not part of this turn."""
        if not self.texts.append(item_id, part, text):
            return False
        self._text_of(self.texts.items[item_id], part).append(text)
        return True

    def remove_item(self, item_id: str) -> bool:
        """Remove an item; return False if it is not part of this turn."""
        if self.texts.items.pop(item_id, None) is None:
            return False
        self._heard.set_text(self.texts.heard)
        for key in [key for key in self._running if key[0] == item_id]:
            self._running.pop(key).delete()
        self._calls.remove_call(item_id)
        self._show_mark()
        return True

    def _text_of(self, item: Item, part: int) -> RunningText:
        """Return the element of a part, in the order in which they appear: a preamble above the answer."""
        if (item.id, part) not in self._running:
            if self._spare is None:
                self._make_spare()
            assert self._spare
            self._running[item.id, part], self._spare = self._spare, None
            if self.texts.calls:
                self._place_texts()
        return self._running[item.id, part]

    def _place_texts(self) -> None:
        """Let texts and calls appear in the order in which they came (panel.css); a turn without calls needs none."""
        for (item_id, _), running in self._running.items():
            running.show_place(self.texts.place(item_id))

    def _make_spare(self) -> None:
        with self._response:
            self._spare = RunningText()
        self._spare.coalesce_ms = self._coalesce_ms

    def _show_mark(self) -> None:
        self._mark.set_text(self.texts.mark(False))
        replies = self.texts.replies
        self._copy.set_visibility(bool(self.texts.reply) and replies[-1].status != "in_progress")
