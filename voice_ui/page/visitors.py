"""What the owner sees of a shared demo: how others find it, who is there, and the means to end it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime

from nicegui import Client, background_tasks, ui

from voice_ui.page.tab import Tab
from voice_ui.sharing.share import WARNING, Share

LOOK_SECONDS = 1.0
"""How often the open list is brought up to date; minutes pass without anything that happens."""


LEAVE_SECONDS = 1.0
"""For a page to go by itself."""


@dataclass(eq=False)
class Visit:
    """One visitor's tab."""

    tab: Tab
    client: Client
    address: str
    since: datetime = field(default_factory=datetime.now)

    @property
    def is_here(self) -> bool:
        """Whether there is somebody, or something still runs for them while they reconnect."""
        return not self.tab.handed_over and (self.client.has_socket_connection or self.is_talking)

    @property
    def is_talking(self) -> bool:
        return not self.tab.session.state.at_rest


class Visitors:
    """Everybody who came in from the network."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []

    def enter(self, tab: Tab, client: Client, address: str) -> None:
        """Somebody has opened a page."""
        visit = Visit(tab, client, address)
        self._visits.append(visit)
        client.on_delete(lambda: self._visits.remove(visit))

    @property
    def here(self) -> list[Visit]:
        """Who is there now, first come first."""
        return [visit for visit in self._visits if visit.is_here]

    def send_away(self) -> None:
        """End everything that runs for visitors, and close their pages."""
        for visit in self._visits:
            visit.tab.session.abort()
            background_tasks.create(_send_away(visit), name="send away")


async def _send_away(visit: Visit) -> None:
    visit.client.run_javascript("location.reload()")  # the guard has something to tell them
    await asyncio.sleep(LEAVE_SECONDS)
    if not visit.client.is_deleted:
        visit.client.delete()  # whoever does not go is not listened to any more
    await visit.tab.close()


class ShareControl(ui.button):
    """The owner's button: how many are there, and everything else behind it."""

    def __init__(self, share: Share, visitors: Visitors) -> None:
        super().__init__(icon="group", color=None)
        self.props("flat round dense data-testid=share-button")
        self._visitors = visitors
        self._panel = SharePanel(share, visitors)
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

    def __init__(self, visit: Visit) -> None:
        super().__init__("li")
        self._visit = visit
        with self:
            with ui.element("div").classes("visitor"):
                with ui.element("div").classes("visitor-name"):
                    ui.label(visit.address)
                    self._state = ui.label().props("data-testid=visitor-state")
                self._figures = ui.label().classes("hint")
            self._stop = ui.button("Stop", on_click=self._handle_stop, color=None)
            self._stop.props(f'outline dense no-caps aria-label="Stop {visit.address}"')
        self.look()

    def look(self) -> None:
        """Bring it up to date; what has not changed is not sent."""
        session, talking = self._visit.tab.session, self._visit.is_talking
        self._state.set_text("talking" if talking else "quiet")
        self._state.classes(replace="visitor-state live" if talking else "visitor-state")
        since, minutes = f"{self._visit.since:%H:%M}", session.open_seconds / 60
        self._figures.set_text(f"since {since} · {minutes:.1f} min · {session.bill.usage.total:,} tokens")
        self._stop.set_enabled(talking)

    def _handle_stop(self) -> None:
        self._visit.tab.session.stop_for("stopped-by-owner")


class SharePanel(ui.dialog):
    """Links and QR code above, visitors below."""

    def __init__(self, share: Share, visitors: Visitors) -> None:
        super().__init__()
        self._share, self._visitors = share, visitors
        self._rows: dict[Visit, VisitRow] = {}
        self.props('position=right full-height aria-label="Share"')
        with self, ui.card().classes("settings").props("data-testid=share"):
            with ui.element("div").classes("settings-head"):
                ui.label("Share").props("role=heading aria-level=2")
                ui.button(icon="close", on_click=self.close, color=None).props('flat round dense aria-label="Close"')
            self._way = ui.element("section").props('aria-label="The way in"')
            with ui.element("section").props('aria-label="Visitors"'):
                self._title = ui.label().classes("settings-title").props("role=heading aria-level=3")
                self._list = ui.element("ul").classes("visitors").props("data-testid=visitors")
            self._switch = ui.button(on_click=self._open_or_close, color=None)
            self._switch.props("outline no-caps data-testid=close-room")
        self._show_way()

    def look(self) -> None:
        """Bring the list up to date."""
        here = self._visitors.here
        self._title.set_text(_in_words(len(here)))
        for visit in self._rows.keys() - set(here):
            self._rows.pop(visit).delete()
        for visit in here:
            if visit in self._rows:
                self._rows[visit].look()
            else:
                with self._list:
                    self._rows[visit] = VisitRow(visit)

    def _show_way(self) -> None:
        share = self._share
        self._switch.set_text("Close the room" if share.room.is_open else "Open the room again")
        self._switch.set_icon("lock" if share.room.is_open else "lock_open")
        self._way.clear()
        with self._way:
            if not share.room.is_open:
                ui.label("The room is closed: nobody but you can come in.").props("data-testid=room-closed")
                return
            if share.links:
                # The picture is ours: no word in it comes from outside.
                ui.html(share.qr_code, sanitize=False).classes("qr").props('role=img aria-label="QR code of the link"')
                for link in share.links:
                    ui.label(link).classes("share-link").props("data-testid=share-link")
                copy = ui.button("Copy the link", icon="content_copy", color=None).props("outline dense no-caps")
                copy.on("click", js_handler=f"() => Quasar.copyToClipboard({json.dumps(share.links[0])})")
            elif share.behind_proxy:
                ui.label("Others open the https address of your proxy, and type this code.")
            else:
                ui.label("This machine has no address on a network, so nobody can find it.")
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
