"""One room for all replicas: its code, whether it is open, the owner's key, and the secret that signs."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from voice_ui.replicas.store import PREFIX, Store
from voice_ui.sharing.room import Room

ROOM = f"{PREFIX}room"


class SharedRoom:
    """Keeps the room of this replica like that of the others; the owner may be at any of them."""

    def __init__(self, store: Store, room: Room, on_close: Callable[[], object]) -> None:
        """`on_close` is called when the owner has closed the room elsewhere."""
        self._store, self._room, self._on_close = store, room, on_close
        self._last: tuple[int, bool] | None = None  # as it was when both were the same

    async def start(self) -> None:
        """Take over code and owner's key, or say what they are; raises Refused (`store-away`)."""
        redis, room = self._store.redis, self._room
        code = await self._first("code", room.code)
        owner_key = await self._first("owner", room.owner_key)
        opened, is_open = await self._store.ask(redis.hmget(ROOM, "opened", "open"))
        room.share(code, owner_key, opened=int(opened or 1), is_open=is_open != "no")
        self._last = room.opened, room.is_open
        self._store.each_beat(self._beat)

    async def _first(self, name: str, value: str) -> str:
        await self._store.ask(self._store.redis.hsetnx(ROOM, name, value))
        return str(await self._store.ask(self._store.redis.hget(ROOM, name)))

    async def _beat(self) -> None:
        room = self._room
        here = room.opened, room.is_open
        if here != self._last:  # the owner is at this replica
            await self._store.redis.hset(ROOM, mapping={"opened": here[0], "open": "yes" if here[1] else "no"})
            self._last = here
            return
        opened, is_open = await self._store.redis.hmget(ROOM, "opened", "open")
        there = int(opened or 1), is_open != "no"
        if there != here:
            room.share(room.chosen, room.owner_key, opened=there[0], is_open=there[1])
            self._last = there
            if not there[1]:
                self._on_close()


async def shared_secret(store: Store) -> bytes:
    """Return the secret of all replicas; the first one makes it. Raises Refused (`store-away`)."""
    await store.ask(store.redis.set(f"{PREFIX}secret", secrets.token_hex(32), nx=True))
    return str(await store.ask(store.redis.get(f"{PREFIX}secret"))).encode()
