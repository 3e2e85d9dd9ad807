"""Conversations on their way between two processes: a page hands in what it shows before it is loaded again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import orjson
from nicegui import app
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from voice_ui.conversation import MOST_ITEMS, Item
from voice_ui.page.conversations import LONGEST_TAB_ID
from voice_ui.session import OWNER
from voice_ui.sharing.guard import VISITOR, Visitor
from voice_ui.snapshot import Owner, Seal, unverified
from voice_ui.usage import Usage

PATH = "/_voice_ui/conversation"
"""NOTE: panel.js posts to it."""

KEPT_SECONDS = 60.0
"""For the page to be loaded; a browser on a slow network takes a few."""

MOST_WAITING_BYTES = 32_000_000
"""Of all conversations that wait for their page; of more, the oldest are dropped. Most have less than 20 kB."""

BODY_BYTES = 1_000_000

LONGEST_PLACE = 2_000
"""Characters; it is mostly the path of a page."""

MOST_DRAFTS = 20
"""Items that are written at the same time; more than two are never seen."""


@dataclass(frozen=True)
class Handover:
    """What a page has handed in."""

    items: list[Item]
    is_verified: bool
    """Whether this program, or one that shares its secret, vouches for the items. If not, they are only shown."""
    usage: Usage = field(default_factory=Usage)
    dollars: float = 0.0
    lost_seconds: float = 0.0
    """Of speech that no process has answered."""
    was_talking: bool = False
    """Whether the microphone was open, or a reply under way."""


class Handovers:
    """What was handed in and not taken yet."""

    def __init__(self) -> None:
        self.seal = Seal(b"")
        """Signs and verifies; the app sets it before it serves pages."""
        self._waiting: dict[Owner, tuple[Handover, int, asyncio.TimerHandle]] = {}
        self._bytes = 0
        app.add_route(PATH, self._receive, methods=["POST"])

    def take(self, owner: Owner) -> Handover | None:
        """Return what was handed in for a tab, once."""
        if owner not in self._waiting:
            return None
        handover, size, timer = self._waiting.pop(owner)
        self._bytes -= size
        timer.cancel()
        return handover

    def put(self, owner: Owner, handover: Handover, size: int) -> None:
        """Keep it, of this many bytes, for the page that comes next in this tab."""
        self.take(owner)
        while self._waiting and self._bytes + size > MOST_WAITING_BYTES:
            self.take(next(iter(self._waiting)))
        self._bytes += size
        timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self.take, owner)
        self._waiting[owner] = handover, size, timer

    async def _receive(self, request: Request) -> Response:
        try:
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > BODY_BYTES:
                    return Response(status_code=413)
            owner, handover = self._read(visitor_of(request), orjson.loads(body))
        except ClientDisconnect:
            return Response(status_code=400)
        except (ValueError, TypeError, KeyError):
            return Response(status_code=400)
        self.put(owner, handover, len(body))
        return Response(status_code=204)

    def _read(self, visitor: str, body: dict[str, object]) -> tuple[Owner, Handover]:
        """Raises ValueError, TypeError or KeyError for what no page of ours sends."""
        match body:
            case {
                "tab": str(tab),
                "place": str(place),
                "head": str(head),
                "signature": str(signature),
                "items": list(texts),
                "drafts": list(drafts),
                "lostMs": int() | float() as lost_ms,
                "talking": bool(talking),
            } if (
                0 < len(tab) <= LONGEST_TAB_ID
                and len(place) <= LONGEST_PLACE
                and len(texts) <= MOST_ITEMS
                and 0 <= lost_ms < 3_600_000
            ):
                pass
            case _:
                raise ValueError("not a conversation")
        if not all(isinstance(text, str) for text in (*texts, *drafts)):
            raise ValueError("not a conversation")
        owner = Owner(visitor, tab, place)
        rest = unverified(drafts[:MOST_DRAFTS])  # what was being written when the process ended
        try:
            snapshot = self.seal.open(head, signature, texts, owner, time.time())
        except ValueError:
            return owner, Handover([*unverified(texts), *rest], False, lost_seconds=lost_ms / 1000, was_talking=talking)
        known = {item.id for item in snapshot.items}
        items = [*snapshot.items, *(item for item in rest if item.id not in known)]
        return owner, Handover(items, True, snapshot.usage, snapshot.dollars, lost_ms / 1000, talking)


def visitor_of(request: Request) -> str:
    """Return the id of whoever sends a request, as the guard has written it down; empty where there is no guard."""
    visitor: Visitor | None = request.scope.get(VISITOR)
    return "" if visitor is None else OWNER if visitor.is_owner else visitor.id
