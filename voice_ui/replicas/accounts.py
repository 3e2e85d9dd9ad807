"""What visitors have spent at all replicas, today and in total, and whom the owner stopped."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from uuid import uuid4

from voice_ui.errors import Refused
from voice_ui.replicas.store import PREFIX, Store
from voice_ui.session import Spent, today

NANO = 1_000_000_000
"""Sums are whole billionths of a dollar: additions in any order have the same result."""

VISITOR_SECONDS = 30 * 24 * 3600
"""How long it is remembered what a visitor has spent."""

DAY_SECONDS = 3 * 24 * 3600

MOST_KNOWN = 10_000
"""Sums that are remembered here; they are read again at each press of Start."""

BATCH_SECONDS = 24 * 3600
"""How long it is known that a batch was added: a store that did not answer may have added it."""

ADD = """
if not redis.call('SET', KEYS[1], '', 'NX', 'EX', ARGV[1]) then return end
for i = 2, #KEYS do
  redis.call('INCRBY', KEYS[i], ARGV[2 * i - 2])
  if ARGV[2 * i - 1] ~= '0' then redis.call('EXPIRE', KEYS[i], ARGV[2 * i - 1]) end
end
"""


class SharedAccounts:
    """Sums as last known, with what is not added yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._add = store.redis.register_script(ADD)
        self._known: Counter[str] = Counter()
        self._batch: tuple[str, Counter[str]] | None = None  # being added
        self._waiting: Counter[str] = Counter()
        self._stopped: set[str] = set()
        store.each_beat(self._beat)

    async def refresh(self, visitor: str) -> None:
        """Read the sums; raises Refused (`store-away`)."""
        await self._store.ask(self._beat())
        keys = self._keys(visitor)
        sums = await self._store.ask(self._store.redis.mget(keys))
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        for key, found in zip(keys, sums, strict=True):
            self._known[key] = int(found or 0)

    def spent(self, visitor: str) -> Spent:
        """Return the sums as last known, including all that was booked here."""
        batch = self._batch[1] if self._batch else Counter()
        own, day, total = ((self._known[key] + self._waiting[key] + batch[key]) / NANO for key in self._keys(visitor))
        return Spent(own, day, total)

    def book(self, visitor: str, dollars: float) -> None:
        """Add to all sums; the store follows in the background."""
        for key in self._keys(visitor):
            self._waiting[key] += round(dollars * NANO)
        self._store.in_background(self._flush())

    def stop(self, visitor: str) -> None:
        """Refuse this visitor until `allow`."""
        self._stopped.add(visitor)
        self._store.in_background(self._store.redis.sadd(f"{PREFIX}stopped", visitor))

    def allow(self, visitor: str) -> None:
        """Let a visitor start again."""
        self._stopped.discard(visitor)
        self._store.in_background(self._store.redis.srem(f"{PREFIX}stopped", visitor))

    def is_stopped(self, visitor: str) -> bool:
        """Whether the owner has stopped this visitor."""
        return visitor in self._stopped

    async def close(self) -> None:
        """Add what is not added yet."""
        with suppress(Refused):
            await self._store.ask(self._flush())

    @staticmethod
    def _keys(visitor: str) -> list[str]:
        return [f"{PREFIX}spent:visitor:{visitor}", f"{PREFIX}spent:{today()}", f"{PREFIX}spent"]

    async def _beat(self) -> None:
        await self._flush()
        self._stopped = set(map(str, await self._store.redis.smembers(f"{PREFIX}stopped")))

    async def _flush(self) -> None:
        """Add what was booked, once, however often it has to be tried."""
        while self._batch or self._waiting:
            if self._batch is None:
                self._batch, self._waiting = (uuid4().hex, self._waiting), Counter()
            name, amounts = self._batch
            arguments: list[str | int] = [BATCH_SECONDS]
            for key in amounts:
                arguments += [amounts[key], self._seconds(key)]
            await self._add(keys=[f"{PREFIX}batch:{name}", *amounts], args=arguments)
            if self._batch == (name, amounts):
                self._batch = None
                self._known.update(amounts)

    @staticmethod
    def _seconds(key: str) -> int:
        if key.startswith(f"{PREFIX}spent:visitor:"):
            return VISITOR_SECONDS
        return DAY_SECONDS if key != f"{PREFIX}spent" else 0
