"""The owner's share panel: how to join, who is connected, and how to stop them."""

from __future__ import annotations

import asyncio
import json

from nicegui import Client, background_tasks, ui

from voice_ui.page.conversations import Conversations, LiveConversation
from voice_ui.sharing.share import WARNING, Share

LOOK_SECONDS = 1.0
"""How often the list is refreshed; minutes pass even if nothing happens."""

LEAVE_SECONDS = 1.0
"""A page has this long to reload by itself."""


class Visitors:
    """All visitors from the network, and their conversations."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations
        self._pages: set[Client] = set()

    def enter(self, client: Client) -> None:
        """A visitor has opened a page."""
        self._pages.add(client)
        client.on_delete(lambda: self._pages.discard(client))

    @property
    def _all(self) -> list[LiveConversation]:
        return [conversation for conversation in self._conversations if conversation.address]

    @property
    def here(self) -> list[LiveConversation]:
        """Those whose page is connected, or for whom something still runs; first come first."""
        return [conversation for conversation in self._all if conversation.is_connected or conversation.is_talking]

    def send_away(self) -> None:
        """End everything that runs for visitors, and close their pages."""
        for conversation in self._all:
            conversation.session.abort()
            self._conversations.end(conversation)
        for client in list(self._pages):
            background_tasks.create(_send_away(client), name="send away")


async def _send_away(client: Client) -> None:
    client.run_javascript("location.reload()")  # the guard then shows why
    await asyncio.sleep(LEAVE_SECONDS)
    if not client.is_deleted:
        client.delete()  # a page that does not reload can no longer do anything


class ShareControl(ui.button):
    """The owner's button: shows how many visitors are there, and opens the panel."""

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

    def __init__(self, visit: LiveConversation) -> None:
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
        """Refresh it; what has not changed is not sent."""
        session, talking = self._visit.session, self._visit.is_talking
        self._state.set_text("talking" if talking else "quiet")
        self._state.classes(replace="visitor-state live" if talking else "visitor-state")
        since, minutes = f"{self._visit.since:%H:%M}", session.open_seconds / 60
        self._figures.set_text(f"since {since} · {minutes:.1f} min · {session.budget.usage.total:,} tokens")
        self._stop.set_enabled(talking)

    def _handle_stop(self) -> None:
        self._visit.session.stop_for("stopped-by-owner")


class SharePanel(ui.dialog):
    """Links and QR code above, visitors below."""

    def __init__(self, share: Share, visitors: Visitors) -> None:
        super().__init__()
        self._share, self._visitors = share, visitors
        self._rows: dict[LiveConversation, VisitRow] = {}
        self.props('position=right full-height aria-label="Share"')
        with self, ui.card().classes("settings").props("data-testid=share"):
            with ui.element("div").classes("settings-head"):
                ui.label("Share").props("role=heading aria-level=2")
                ui.button(icon="close", on_click=self.close, color=None).props('flat round dense aria-label="Close"')
            self._way = ui.element("section").props('aria-label="How to join"')
            with ui.element("section").props('aria-label="Visitors"'):
                self._title = ui.label().classes("settings-title").props("role=heading aria-level=3")
                self._list = ui.element("ul").classes("visitors").props("data-testid=visitors")
            self._switch = ui.button(on_click=self._open_or_close, color=None)
            self._switch.props("outline no-caps data-testid=close-room")
        self._show_way()

    def look(self) -> None:
        """Refresh the list."""
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
