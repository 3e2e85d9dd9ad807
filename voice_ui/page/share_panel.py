"""The owner's share panel: how to join, who is connected, what it costs, and how to stop them."""

from __future__ import annotations

import json

from nicegui import ui

from voice_ui.page.usage_words import sums_in_words
from voice_ui.page.visitors import Visit, Visitors
from voice_ui.session import OWNER, Limits
from voice_ui.sharing.share import WARNING, Share

LOOK_SECONDS = 1.0
"""How often the list is refreshed, so that the minutes stay current."""


class ShareControl(ui.button):
    """The owner's button: shows the number of visitors and opens the panel."""

    def __init__(self, share: Share, visitors: Visitors, limits: Limits) -> None:
        super().__init__(icon="group", color=None)
        self.props("flat round dense data-testid=share-button")
        self._visitors = visitors
        self._panel = SharePanel(share, visitors, limits)
        self.on_click(self._panel.open)
        with self:
            self._count = ui.badge().props("floating data-testid=visitor-count").classes("visitor-count")
        self._look()
        ui.timer(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        number = len(self._visitors.here)
        self._count.set_text(str(number))
        self._count.set_visibility(number > 0)
        self.props(f'aria-label="Share: {_in_words(number)}"')
        self._panel.look()


class VisitRow(ui.element):
    """One visitor in the list."""

    def __init__(self, visitors: Visitors, visit: Visit) -> None:
        super().__init__("li")
        self._visitors, self._id = visitors, visit.id
        with self:
            with ui.element("div").classes("visitor"):
                with ui.element("div").classes("visitor-name"):
                    self._name = ui.label()
                    self._state = ui.label().props("data-testid=visitor-state")
                self._figures = ui.label().classes("hint")
            self._stop = ui.button(on_click=self._handle_stop, color=None).props("outline dense no-caps")
        self.look(visit)

    def look(self, visit: Visit) -> None:
        """Refresh it; what has not changed is not sent."""
        is_stopped = self._visitors.accounts.is_stopped(visit.id)
        state = "talking" if visit.is_talking else "stopped" if is_stopped else "quiet"
        self._name.set_text(f"{visit.number} · {visit.address}")
        self._state.set_text(state)
        self._state.classes(replace="visitor-state live" if visit.is_talking else "visitor-state")
        self._figures.set_text(visit.in_words(self._visitors.accounts.spent(visit.id).visitor))
        words = "Allow" if is_stopped else "Stop"
        self._stop.set_text(words)
        self._stop.props(f'aria-label="{words} visitor {visit.number}"')

    def _handle_stop(self) -> None:
        if self._visitors.accounts.is_stopped(self._id):
            self._visitors.allow(self._id)
        else:
            self._visitors.stop(self._id)


class SharePanel(ui.dialog):
    """Links and QR code above, visitors below."""

    def __init__(self, share: Share, visitors: Visitors, limits: Limits) -> None:
        super().__init__()
        self._share, self._visitors, self._limits = share, visitors, limits
        self._rows: dict[str, VisitRow] = {}
        self.props('position=right full-height aria-label="Share"')
        with self, ui.card().classes("settings").props("data-testid=share"):
            with ui.element("div").classes("settings-head"):
                ui.label("Share").props("role=heading aria-level=2")
                ui.button(icon="close", on_click=self.close, color=None).props('flat round dense aria-label="Close"')
            self._way = ui.element("section").props('aria-label="How to join"')
            with ui.element("section").props('aria-label="Visitors"'):
                self._title = ui.label().classes("settings-title").props("role=heading aria-level=3")
                self._list = ui.element("ul").classes("visitors").props("data-testid=visitors")
                self._costs = ui.label().classes("hint").props("data-testid=costs")
            self._stop_all = ui.button("Stop all visitors", icon="block", on_click=self._handle_stop_all, color=None)
            self._stop_all.props("outline no-caps data-testid=stop-all")
            self._switch = ui.button(on_click=self._open_or_close, color=None)
            self._switch.props("outline no-caps data-testid=close-room")
        self._show_way()

    def look(self) -> None:
        """Refresh the list."""
        here = self._visitors.here
        self._title.set_text(_in_words(len(here)))
        self._costs.set_text(sums_in_words(self._visitors.accounts.spent(OWNER), self._limits))
        self._stop_all.set_visibility(bool(here))
        for gone in self._rows.keys() - {visit.id for visit in here}:
            self._rows.pop(gone).delete()
        for visit in here:
            if visit.id in self._rows:
                self._rows[visit.id].look(visit)
            else:
                with self._list:
                    self._rows[visit.id] = VisitRow(self._visitors, visit)

    def _handle_stop_all(self) -> None:
        for visit in self._visitors.here:
            self._visitors.stop(visit.id)
        self.look()

    def _show_way(self) -> None:
        share = self._share
        self._switch.set_text("Close the room" if share.room.is_open else "Open the room again")
        self._switch.set_icon("lock" if share.room.is_open else "lock_open")
        self._way.clear()
        with self._way:
            if not share.room.is_open:
                ui.label("The room is closed. Only you can use this demo.").props("data-testid=room-closed")
                return
            if share.links:
                # Generated here: no word in it comes from outside.
                ui.html(share.qr_code, sanitize=False).classes("qr").props('role=img aria-label="QR code of the link"')
                for link in share.links:
                    ui.label(link).classes("share-link").props("data-testid=share-link")
                copy = ui.button("Copy the link", icon="content_copy", color=None).props("outline dense no-caps")
                copy.on("click", js_handler=f"() => Quasar.copyToClipboard({json.dumps(share.links[0])})")
            elif share.behind_proxy:
                ui.label("Visitors open your proxy's https address and enter this code.")
            else:
                ui.label("This machine has no network address, so nobody else can reach it.")
            with ui.element("div").classes("share-code"):
                ui.label("Code")
                ui.label(share.code).props("data-testid=share-code")
            if share.is_own_certificate:
                ui.label(WARNING).classes("hint")

    def _open_or_close(self) -> None:
        if self._share.room.is_open:
            self._share.room.close()
            self._visitors.send_away()
        else:
            self._share.room.open()
        self._show_way()
        self.look()


def _in_words(number: int) -> str:
    return {0: "Nobody else is here", 1: "1 visitor"}.get(number, f"{number} visitors")
