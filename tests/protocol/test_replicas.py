"""What several replicas share in Redis: each replica here has connections of its own, as a process would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.patience import SECOND, until, within
from tests.protocol.scripted import ScriptedServer, Wire
from tests.redis_server import RedisServer, redis_server
from voice_ui.errors import Refused
from voice_ui.replicas import Replica, seats as leases, store
from voice_ui.servers import Endpoint
from voice_ui.session import OWNER, Account, ProblemRaised, RealtimeSession, Seat, StateChanged
from voice_ui.sharing.room import Room

pytestmark = pytest.mark.protocol


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 2.0)
    monkeypatch.setattr(leases, "SETTLE_SECONDS", 1.5)


@asynccontextmanager
async def replicas(
    number: int, redis: RedisServer, seats: int = 4, rooms: list[Room] | None = None
) -> AsyncIterator[list[Replica]]:
    async with AsyncExitStack() as stack:
        found = [Replica(redis.url, seats) for _ in range(number)]
        for index, replica in enumerate(found):
            await replica.start(rooms[index] if rooms else None, lambda: None)
            stack.push_async_callback(replica.close)
        yield found


async def taken(replica: Replica, holder: str = OWNER) -> Seat:
    seat = replica.seats.take(holder)
    try:
        await seat.claim()
    except Refused:
        seat.give_back()
        raise
    return seat


async def comes(what: Callable[[], object]) -> None:
    await until(what, 5)


async def refused(replica: Replica, holder: str = OWNER) -> str:
    with pytest.raises(Refused) as refusal:
        await taken(replica, holder)
    return refusal.value.problem.code


async def test_seats_are_counted_over_all_replicas() -> None:
    async with redis_server() as redis, replicas(3, redis) as (one, two, three):
        seats = [await taken(replica) for replica in (one, two, three, one)]
        assert await refused(two) == "room-full"
        seats[2].give_back()
        await comes(lambda: not three._store._tasks)
        await taken(one)
        assert await refused(three) == "room-full"


async def test_visitors_leave_a_seat_for_the_owner_and_none_takes_more_than_half() -> None:
    async with redis_server() as redis, replicas(3, redis) as (one, two, three):
        await taken(one, "ada")
        await taken(two, "ada")
        assert await refused(three, "ada") == "visitor-seats"
        await taken(three, "bob")
        assert await refused(one, "eve") == "room-full"
        await taken(one)
        assert await refused(two) == "room-full"


async def test_a_hundred_at_once_get_as_many_seats_as_there_are() -> None:
    async with redis_server() as redis, replicas(3, redis, seats=7) as found:
        tries = await asyncio.gather(*(taken(found[n % 3]) for n in range(100)), return_exceptions=True)
        assert len([seat for seat in tries if isinstance(seat, Seat)]) == 7
        assert await found[0]._store.redis.zcard("voice-ui:seats") == 7


async def test_the_seats_of_a_replica_that_was_killed_are_free_after_a_while() -> None:
    async with redis_server() as redis, replicas(2, redis, seats=2) as (one, two):
        await taken(one)
        await taken(one)
        await asyncio.sleep(2.5)  # longer than a lease: it is renewed
        assert await refused(two) == "room-full"
        assert one._store._beating
        one._store._beating.cancel()  # as far as the others can see, it is dead
        async with asyncio.timeout(6 * SECOND):
            while True:
                try:
                    await taken(two)
                    break
                except Refused:
                    await asyncio.sleep(0.1)


async def test_a_replica_ends_also_in_the_middle_of_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BEAT_SECONDS", 0.0)
    async with redis_server() as redis:
        for number in range(20):
            replica = Replica(redis.url, 2)
            await replica.start(None, lambda: None)
            for _ in range(number):
                await asyncio.sleep(0)
            await within(5, replica.close())


async def test_a_store_that_has_forgotten_everything_learns_who_sits_before_it_gives_a_seat() -> None:
    async with redis_server() as redis, replicas(2, redis, seats=2) as (one, two):
        await taken(one)
        await taken(one)
        await redis.stop()
        await redis.start()
        assert await refused(two) == "room-full"


async def test_without_the_store_nobody_starts_and_who_talks_goes_on() -> None:
    async def talks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="one", end_ms=0)
        await wire.reply("First.", item="a1")
        await go_on.wait()
        await wire.heard_speech(item="u2", transcript="two", end_ms=0)
        await wire.reply("Second.", item="a2", response="r2")
        await wire.until_closed()

    go_on = asyncio.Event()
    async with (
        redis_server() as redis,
        replicas(1, redis) as (replica,),
        ScriptedServer(talks).running() as server,
        session(replica, server) as (first, _),
        session(replica, server) as (second, problems),
    ):
        first.start()
        await comes(lambda: "First." in texts(first))
        await redis.stop()
        second.start()
        await comes(lambda: problems)
        assert [problem.code for problem in problems] == ["store-away"]
        assert problems[0].facts["store"] == f"127.0.0.1:{redis.port}"
        assert second.state.at_rest
        go_on.set()
        await comes(lambda: "Second." in texts(first))
        await redis.start()
        second.start()
        await comes(lambda: len(server.wires) == 2)


def texts(session: RealtimeSession) -> list[str]:
    return [item.text for item in session.conversation.items]


@asynccontextmanager
async def session(replica: Replica, server: ScriptedServer) -> AsyncIterator[tuple[RealtimeSession, list]]:  # type: ignore[type-arg]
    problems = []

    async def follow() -> None:
        async for event in found:
            if isinstance(event, ProblemRaised):
                problems.append(event.problem)
            assert event or isinstance(event, StateChanged)

    endpoint = Endpoint.compatible(server.url.partition("/realtime")[0], "gpt-realtime")
    async with RealtimeSession(endpoint, seats=replica.seats, account=Account(replica.accounts)) as found:
        following = asyncio.create_task(follow())
        yield found, problems
        following.cancel()


async def test_what_is_spent_anywhere_counts_everywhere_to_the_last_cent() -> None:
    async with redis_server() as redis, replicas(3, redis) as found:
        for n in range(300):
            found[n % 3].accounts.book(f"visitor {n % 2}", 0.000_123_456)
        await comes(lambda: not any(replica._store._tasks for replica in found))
        for replica in found:
            await replica.accounts.refresh("visitor 1")
            spent = replica.accounts.spent("visitor 1")
            assert spent.total == spent.day == pytest.approx(300 * 0.000_123_456, abs=1e-12)
            assert spent.visitor == pytest.approx(150 * 0.000_123_456, abs=1e-12)


async def test_what_was_spent_while_the_store_was_away_is_added_once_when_it_is_back() -> None:
    async with redis_server() as redis, replicas(2, redis) as (one, two):
        one.accounts.book("ada", 0.25)
        await comes(lambda: not one._store._tasks)
        await redis.stop()
        one.accounts.book("ada", 0.5)
        one.accounts.book("ada", 0.125)
        assert one.accounts.spent("ada").total == 0.875, "its own sums are never behind"
        with pytest.raises(Refused, match="store-away"):
            await two.accounts.refresh("ada")
        await comes(lambda: not one._store._tasks)
        await redis.start()
        await asyncio.sleep(2.5)
        await two.accounts.refresh("ada")
        assert two.accounts.spent("ada").total == 0.625, "the first sum was lost with the store, the others were not"


async def test_a_batch_whose_answer_was_lost_is_not_added_twice() -> None:
    async with redis_server() as redis, replicas(1, redis) as (one,):
        add, lost = one.accounts._add, []

        async def loses_the_answer(**given: object) -> object:
            answer = await add(**given)  # type: ignore[arg-type]
            if not lost:
                lost.append(answer)
                raise ConnectionResetError
            return answer

        one.accounts._add = loses_the_answer  # type: ignore[assignment]
        one.accounts.book("ada", 0.5)
        await comes(lambda: lost and not one._store._tasks)
        await one.accounts.refresh("ada")
        assert one.accounts.spent("ada").total == 0.5


async def test_who_is_stopped_at_one_replica_is_stopped_at_all() -> None:
    async with redis_server() as redis, replicas(2, redis) as (one, two):
        one.accounts.stop("ada")
        await comes(lambda: two.accounts.is_stopped("ada"))
        two.accounts.allow("ada")
        await comes(lambda: not one.accounts.is_stopped("ada"))


async def test_one_room_has_one_code_and_is_closed_everywhere() -> None:
    rooms = [Room(asyncio.get_running_loop().time) for _ in range(2)]
    async with redis_server() as redis, replicas(2, redis, rooms=rooms):
        one, two = rooms
        assert (one.code, one.owner_key) == (two.code, two.owner_key)
        ada = one.visitor_at("192.0.2.1")
        assert ada == two.visitor_at("192.0.2.1")
        cookie = one.cookie_of(ada)
        assert two.visitor(cookie) == ada
        one.close()
        await comes(lambda: not two.is_open)
        assert two.visitor(cookie) is None
        two.open()
        await comes(lambda: one.is_open)
        assert one.visitor(cookie) is None, "it is another opening"
        assert one.visitor(two.cookie_of(ada)) == ada


async def test_all_replicas_have_one_secret_and_it_is_not_short() -> None:
    async with redis_server() as redis:
        one, two = Replica(redis.url, 1), Replica(redis.url, 1)
        secrets = {await one.start(None, lambda: None), await two.start(None, lambda: None)}
        assert len(secrets) == 1 and len(secrets.pop()) == 64
        await one.close()
        await two.close()


async def test_nothing_but_sums_and_ids_is_in_the_store() -> None:
    async with redis_server() as redis, replicas(1, redis) as (one,):
        await taken(one, "ada")
        one.accounts.book("ada", 0.25)
        await comes(lambda: not one._store._tasks)
        kinds = {key.split(":")[1].split(":")[0] for key in await one._store.redis.keys("*")}
        assert kinds <= {"secret", "seats", "seats-since", "spent", "batch", "stopped", "room"}
