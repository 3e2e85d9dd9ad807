"""Every patch of the libraries that serve the page: one place, each with its reason and the version it was made for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import nicegui.nicegui
from engineio.payload import Payload
from nicegui import app, core
from socketio.packet import BINARY_ACK, BINARY_EVENT, Packet

PACKETS_PER_POLL = 500
"""Messages of one polling request. engine.io takes 16: at 300 ms round trip, a microphone's 50 a second do not fit."""

ID_CHARACTERS = 64
"""Of the ids a page gives itself and its tab; NiceGUI's are 36 long."""

TAB_SECONDS = 3600.0
"""How long NiceGUI remembers a tab that left; nothing is kept there, but each takes a kilobyte."""


def bound_sockets() -> None:
    """Bound what a visitor can make the page's socket keep, and let it work where only polling does."""
    # engineio 4.15: the payload of a poll is a million bytes at the most anyway.
    Payload.max_decode_packets = PACKETS_PER_POLL
    # python-socketio 5.18 keeps attachments of an event until all have come; no page of ours sends any.
    core.sio.packet_class = TextPacket
    # nicegui 3.18 keeps whatever a page says its tab is called.
    handshake = _with_short_ids(nicegui.nicegui._on_handshake)
    nicegui.nicegui._on_handshake = handshake
    core.sio.handlers["/"]["handshake"] = handshake
    app.storage.max_tab_storage_age = TAB_SECONDS


class TextPacket(Packet):  # type: ignore[misc]
    """A packet of socket.io that has no attachments when it comes from a page."""

    def decode(self, encoded_packet: str) -> int:
        """Read a packet; raises ValueError for one with attachments."""
        attachments = super().decode(encoded_packet)
        if attachments or self.packet_type in {BINARY_EVENT, BINARY_ACK}:
            raise ValueError("attachments are not accepted")
        return 0


Handshake = Callable[[str, dict[str, Any]], Awaitable[bool]]


def _with_short_ids(handshake: Handshake) -> Handshake:
    async def bounded(sid: str, data: dict[str, Any]) -> bool:
        ids = [data.get(name) for name in ("client_id", "tab_id", "document_id")]
        if not all(isinstance(given, str) and 0 < len(given) <= ID_CHARACTERS for given in ids):
            return False
        old = data.get("old_tab_id")
        if old is not None and (not isinstance(old, str) or len(old) > ID_CHARACTERS):
            return False
        return await handshake(sid, data)

    return bounded
