"""This program as one of several: what all share, behind the interfaces of a program that runs alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from voice_ui.errors import Refused
from voice_ui.replicas.accounts import SharedAccounts
from voice_ui.replicas.room import SharedRoom, shared_secret
from voice_ui.replicas.seats import SharedSeats
from voice_ui.replicas.store import Store
from voice_ui.sharing.room import Room

AGAIN_SECONDS = 1.0

_log = logging.getLogger("voice_ui.replicas")


class Replica:
    """Seats and accounts of all replicas, and what makes one room of theirs."""

    def __init__(self, url: str, seats: int) -> None:
        self._store = Store(url)
        self.seats = SharedSeats(seats, self._store)
        self.accounts = SharedAccounts(self._store)

    async def start(self, room: Room | None, on_close: Callable[[], object]) -> bytes:
        """Join the others, as soon as the store can be reached; return the secret of all.

        `on_close` is called when the owner has closed the room at another replica.
        """
        while True:
            try:
                if room:
                    await SharedRoom(self._store, room, on_close).start()
                secret = await shared_secret(self._store)
            except Refused as error:
                _log.warning("waiting for the store: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                await self._store.start()
                return secret

    async def close(self) -> None:
        """Leave: sums are written down, and seats are free."""
        await self._store.close()
