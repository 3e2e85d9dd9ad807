"""Seats of all replicas together. Each is a lease: those of a replica that was killed are free again after a while."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from voice_ui.errors import Refused
from voice_ui.replicas.store import PREFIX, Store
from voice_ui.session import OWNER, Seat, Seats

LEASE_SECONDS = 10.0
"""Without a beat for this long, a replica is dead, and its seats are free."""

SETTLE_SECONDS = 3.0
"""After the store has begun empty: for replicas to say which seats are taken."""

AGAIN_SECONDS = 0.25

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

# Members are "holder/seat", scores when they expire.
TAKE = f"""{_NOW}
local began = redis.call('GET', KEYS[2])
if not began then redis.call('SET', KEYS[2], now); began = now end
if now - began < tonumber(ARGV[5]) then return 'settling' end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local taken, held, owners = 0, 0, 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local holder = string.match(member, '^[^/]*')
  taken = taken + 1
  if holder == ARGV[1] then held = held + 1 end
  if holder == ARGV[6] then owners = owners + 1 end
end
local limit = tonumber(ARGV[3])
if ARGV[1] ~= ARGV[6] then
  if held >= math.max(1, math.floor(limit / 2)) then return 'visitor-seats' end
  if taken - owners >= math.max(1, limit - 1) then return 'room-full' end
end
if taken >= limit then return 'room-full' end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), ARGV[1] .. '/' .. ARGV[2])
return 'taken'
"""

RENEW = f"""{_NOW}
redis.call('SET', KEYS[2], now, 'NX')
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[i]) end
"""


class SharedSeats(Seats):
    """`taken` counts those of this process; the limit holds for all."""

    def __init__(self, limit: int, store: Store) -> None:
        super().__init__(limit)
        self._store = store
        self._keys = [f"{PREFIX}seats", f"{PREFIX}seats-since"]
        self._take, self._renew = store.redis.register_script(TAKE), store.redis.register_script(RENEW)
        self._claimed: set[str] = set()
        store.each_beat(self._beat)

    def _seat(self, holder: str) -> Seat:
        return SharedSeat(self, holder)

    async def claim(self, holder: str, name: str) -> None:
        """Take a seat; raises Refused (`room-full`, `visitor-seats`, `store-away`)."""
        answer = "settling"
        while answer == "settling":
            answer = await self._store.ask(self._take(keys=self._keys, args=self._arguments(holder, name)))
            if answer == "settling":
                await asyncio.sleep(AGAIN_SECONDS)
        if answer != "taken":
            seats = max(1, self.limit // 2) if answer == "visitor-seats" else self.limit
            raise Refused(answer, seats=str(seats))
        self._claimed.add(f"{holder}/{name}")

    def _arguments(self, holder: str, name: str) -> list[str | int]:
        return [holder, name, self.limit, round(LEASE_SECONDS * 1000), round(SETTLE_SECONDS * 1000), OWNER]

    def free(self, holder: str, name: str) -> None:
        """Let somebody else sit there."""
        member = f"{holder}/{name}"
        self._claimed.discard(member)
        # Also one whose claim was not answered: it may have been taken.
        self._store.in_background(self._store.redis.zrem(self._keys[0], member))

    async def _beat(self) -> None:
        await self._renew(keys=self._keys, args=[round(LEASE_SECONDS * 1000), *self._claimed])


class SharedSeat(Seat):
    """One seat of all replicas."""

    def __init__(self, seats: SharedSeats, holder: str) -> None:
        super().__init__(seats, holder)
        self._shared, self._name = seats, uuid4().hex
        self._was_claimed = False

    async def claim(self) -> None:
        """Make sure that it is ours; raises Refused."""
        self._was_claimed = True
        await self._shared.claim(self._holder, self._name)

    def give_back(self) -> None:
        """Let somebody else sit here."""
        super().give_back()
        if self._was_claimed:
            self._was_claimed = False
            self._shared.free(self._holder, self._name)
