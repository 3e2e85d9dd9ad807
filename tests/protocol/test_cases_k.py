"""Cases of the core: connections that fail dirtily, money, seats, and replies that belong to another turn.

The names begin with the number of the case that was reported first; what follows a letter is a sibling of it.
All of them run in virtual time, over real sockets.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.cable import Cable
from tests.nothing_left import nothing_left
from tests.patience import until
from tests.protocol.reader import BY_HAND, CONFIG, Reader, session_with
from tests.protocol.speaking import burst, hear, keep_quiet, say
from tests.servers.realtime import Behaviour, Realtime
from tests.servers.scripted import ScriptedServer, holds
from tests.servers.wire import Wire
from tests.servers.words import word
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.models import Prices
from voice_ui.session import Limits, Phase, RealtimeSession, Seats

PRICES = Prices(text_in=4, text_cached=0.4, text_out=24, audio_in=32, audio_cached=0.4, audio_out=64)


def now() -> float:
    return asyncio.get_running_loop().time()


async def listening(session: RealtimeSession) -> None:
    await until(lambda: session.state.phase is Phase.LISTENING, what="it listens")


# K2: a connection attempt that is in flight when the session comes to rest.


async def _stop(session: RealtimeSession) -> None:
    session.stop()
    await until(lambda: session.state.at_rest, 60, what="Stop leads to rest")


async def _abort(session: RealtimeSession) -> None:
    session.abort()
    await until(lambda: session.state.at_rest, 2)


async def _close(session: RealtimeSession) -> None:
    await session.close()


async def _limit(session: RealtimeSession) -> None:
    session.stop_for("stopped-by-owner")
    await until(lambda: session.state.at_rest, 60, what="the limit leads to rest")


@pytest.mark.parametrize("rest", [_stop, _abort, _close, _limit])
@pytest.mark.parametrize("latency", [0.4, 2.0, 4.0, 6.0])
@in_virtual_time
async def test_k2_an_attempt_in_flight_at_rest_opens_no_connection_that_stays(
    rest: Callable[[RealtimeSession], object], latency: float
) -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, _):
            session.start()
            await listening(session)
            cable.latency_seconds = latency
            cable.cut()
            await until(lambda: cable.connections == 2, what="an attempt is in flight")
            await rest(session)  # type: ignore[misc]
            assert session.state.at_rest
            await asyncio.sleep(100)
            await nothing_left(server, session)
            cable.latency_seconds = 0.0
            if session.state.phase is Phase.ERROR:
                session.dismiss()
            session.start()
            await listening(session)
            assert server.open == 1


@pytest.mark.parametrize("back_after", range(4, 26, 2))
@in_virtual_time
async def test_k2_stop_in_an_outage_comes_to_rest_while_the_server_comes_back(back_after: float) -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, _):
            session.start()
            await listening(session)
            cable.pull()
            await say(session, 1, 2)
            session.stop()
            await asyncio.sleep(back_after)
            cable.latency_seconds = 2.2  # the upgrade and the configuration take nine seconds
            cable.plug()
            await until(lambda: session.state.at_rest, 60)
            rest = session.state
            await asyncio.sleep(100)
            assert session.state == rest
            await nothing_left(server, session)
            cable.latency_seconds = 0.0
            session.dismiss()
            session.start()
            await listening(session)


@pytest.mark.parametrize("rest", [_stop, _abort, _close])
@in_virtual_time
async def test_k2_a_the_first_attempt_is_in_flight_at_rest(rest: Callable[[RealtimeSession], object]) -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        cable.latency_seconds = 2.0
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, _):
            session.start()
            await until(lambda: cable.connections == 1)
            await rest(session)  # type: ignore[misc]
            await asyncio.sleep(100)
            await nothing_left(server, session)


@in_virtual_time
async def test_k2_b_stop_and_start_while_attempts_hang_reach_the_server_when_it_is_back() -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, _):
            session.start()
            await listening(session)
            cable.answers = False
            cable.cut()
            for _ in range(5):
                await asyncio.sleep(1.0)
                session.stop()
                await asyncio.sleep(0.1)
                session.start()
            cable.plug()
            await until(lambda: session.state.phase is Phase.LISTENING, 30)
            assert server.open == 1


@in_virtual_time
async def test_k2_c_a_peer_that_accepts_and_never_answers_is_left_without_a_socket() -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        cable.answers = False
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.ERROR, 30)
            assert reader.codes == ["server-timeout"]
            await until(lambda: not cable._ends, what="the socket is closed")


# K3: what was said long ago and is sent just now.


async def all_again(server: ScriptedServer, count: int, connections: int = 2) -> None:
    """Wait until the last of at least so many connections has this many words whole."""

    def arrived() -> bool:
        return len(server.wires) >= connections and len(server.wires[-1].words) >= count

    await until(arrived, 40, what=f"{count} words at the last connection")


@pytest.mark.parametrize("heard", [1, 3, 10, 20])
@in_virtual_time
async def test_k3_a_burst_that_is_taken_and_lost_before_speech_started_is_said_again(heard: int) -> None:
    async def takes_the_burst_and_breaks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear_words(heard)
        wire.abort()

    async with ScriptedServer(holds, takes_the_burst_and_breaks, holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            await keep_quiet(session, 2)
            cable.pull()
            await say(session, *range(20))  # 4 s
            await keep_quiet(session, 1)
            cable.plug()
            await all_again(server, 20, connections=3)
            assert server.wires[-1].words == list(range(20))
            assert len(server.wires) == 3
            assert "audio-lost" not in reader.codes and "audio-dropped" not in reader.codes


@pytest.mark.parametrize("more_bytes", [1_000, 20_000, 60_000, 150_000, 250_000])
@in_virtual_time
async def test_k3_a_a_flap_at_any_byte_of_the_burst_loses_nothing(more_bytes: int) -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, _):
            session.start()
            await listening(session)
            cable.pull()
            await say(session, *range(20))
            cable.plug()
            cable.cut_after(more_bytes)
            await all_again(server, 20)
            assert server.wires[-1].words == list(range(20))


@in_virtual_time
async def test_k3_b_a_link_that_is_half_open_after_a_slow_connect_loses_nothing() -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.latency_seconds = 1.5
            cable.cut()
            await say(session, *range(15))
            await until(lambda: len(server.wires) == 2 and server.wires[1].judge.configured, 20)
            await asyncio.sleep(1.6)  # the configuration is on its way back
            cable.go_dead(unnoticed=True)
            cable.latency_seconds = 0.0
            await keep_quiet(session, 15)
            await all_again(server, 15)
            assert len(server.wires) == 3 and server.wires[-1].words == list(range(15))
            assert "audio-lost" not in reader.codes
            cable.bury()


@in_virtual_time
async def test_k3_c_a_new_socket_before_the_old_one_is_noticed_dead_loses_nothing() -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, _):
            session.start()
            await listening(session)
            await keep_quiet(session, 6)  # so that a ping was answered
            await say(session, *range(5))
            cable.go_dead(unnoticed=True)
            await say(session, *range(5, 60))
            await all_again(server, 55)
            said = server.wires[-1].words
            assert said[-55:] == list(range(5, 60))
            assert server.open == 2, "the server has not noticed yet"
            cable.bury()


@pytest.mark.parametrize("flaps", [1, 2, 4])
@in_virtual_time
async def test_k3_d_flaps_right_after_each_burst_lose_nothing(flaps: int) -> None:
    count = 0

    async def flap(wire: Wire) -> None:
        nonlocal count
        await wire.configure()
        count += 1
        await wire.hear_words(10)
        wire.abort()

    async with ScriptedServer(holds, *[flap] * flaps, Realtime()).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await listening(session)
            server.wires[0].abort()
            burst(session, *range(10))
            await keep_quiet(session, 3)
            await until(lambda: len(reader.written("user")) == 1, 30)
            assert reader.written("user") == [" ".join(f"w{number}" for number in range(10))]
            assert count == flaps


@in_virtual_time
async def test_k3_e_latency_and_jitter_change_nothing() -> None:
    async with ScriptedServer(Realtime()).running() as server:
        cable = Cable(server.port, seed=3)
        cable.latency_seconds, cable.jitter_seconds = 0.2, 0.4
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            for turn in range(3):
                await say(session, *range(turn * 5, turn * 5 + 5))
                await keep_quiet(session, 5)
            await until(lambda: len(reader.written("assistant")) == 3)
            assert server.wires[0].words == list(range(15)) and len(server.wires) == 1
            assert reader.codes == []


@in_virtual_time
async def test_k3_f_a_turn_by_hand_whose_burst_is_lost_is_said_again_and_committed() -> None:
    async def takes_the_turn_and_breaks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        wire.abort()

    async with ScriptedServer(holds, takes_the_turn_and_breaks, Realtime()).running() as server:
        async with session_with(server, BY_HAND) as (session, reader):
            session.start()
            await listening(session)
            server.wires[0].abort()
            session.begin_turn()
            burst(session, *range(20))
            session.end_turn()
            await until(lambda: reader.written("assistant") != [], 20)
            assert server.wires[-1].words == list(range(20))


@in_virtual_time
async def test_k3_g_other_instructions_lose_nothing_that_was_said_into_a_dead_link() -> None:
    async with ScriptedServer(Realtime()).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.go_dead(unnoticed=True)
            await say(session, 1, 2, 3)
            session.reconfigure(session.endpoint, replace(CONFIG, instructions="Be verbose."))
            await keep_quiet(session, 15)
            await until(lambda: reader.written("user") == ["w1 w2 w3"], 20)
            cable.bury()


@in_virtual_time
async def test_k3_h_other_instructions_in_the_middle_of_a_turn_by_hand_lose_nothing_of_it() -> None:
    async with ScriptedServer(Realtime()).running() as server, session_with(server, BY_HAND) as (session, reader):
        session.start()
        await listening(session)
        session.begin_turn()
        await say(session, 1, 2)
        session.reconfigure(session.endpoint, replace(BY_HAND, instructions="Be verbose."))
        assert session.state.phase is Phase.HEARING
        session.end_turn()
        await until(lambda: reader.written("user") == ["w1 w2"] and reader.written("assistant") != [])


@in_virtual_time
async def test_k3_i_escape_takes_back_the_reply_and_not_what_was_said_by_hand_into_a_dead_link() -> None:
    async with ScriptedServer(Realtime()).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port), BY_HAND) as (session, reader):
            session.start()
            await listening(session)
            cable.go_dead(unnoticed=True)
            session.begin_turn()
            await say(session, 1, 2, 3)
            session.end_turn()
            await asyncio.sleep(0.1)
            session.interrupt()
            await until(lambda: reader.written("user") == ["w1 w2 w3"], 40)
            await until(lambda: session.state.phase is Phase.LISTENING)
            assert "response.create" not in server.wires[-1].types
            cable.bury()


# K4: a limit of cost that cannot be counted.


async def one_dear_turn(wire: Wire) -> None:
    await wire.configure()
    await wire.hear("response.create")
    await wire.begin_reply("Yes.")
    await wire.end_reply(usage={"input_tokens": 1000, "output_tokens": 1000})
    await wire.until_closed()


@in_virtual_time
async def test_k4_without_prices_a_limit_of_cost_refuses_to_start_in_words() -> None:
    async with ScriptedServer(holds).running() as server:
        async with session_with(server, limits=Limits(max_cost=1.0)) as (session, reader):
            session.start()
            await until(lambda: reader.codes == ["cost-unknown"])
            assert reader.problems[0].facts["model"] == "test-model"
            session.send_text("And in writing?")
            await until(lambda: reader.codes == ["cost-unknown"] * 2)
            await asyncio.sleep(5)
            assert server.asked == 0 and session.state.at_rest


@in_virtual_time
async def test_k4_a_another_model_chosen_while_a_session_runs_changes_nothing_of_its_cost() -> None:
    async with ScriptedServer(one_dear_turn).running() as server:
        dear = replace(server.endpoint, prices=PRICES)
        free = replace(server.endpoint, model="free", prices=Prices(0, 0, 0, 0, 0, 0))
        async with session_with(dear, limits=Limits(max_cost=0.02)) as (session, reader):
            session.start()
            await listening(session)
            session.reconfigure(free, CONFIG)
            session.send_text("How much?")
            await until(lambda: session.budget.cost > 0)
            assert session.budget.cost == pytest.approx(0.028)
            await until(lambda: reader.codes == ["cost-limit"])
            await until(lambda: session.state.at_rest, 60)


@in_virtual_time
async def test_k4_b_a_model_without_prices_chosen_while_a_session_runs_is_refused_at_the_next_start() -> None:
    async with ScriptedServer(holds).running() as server:
        dear = replace(server.endpoint, prices=PRICES)
        async with session_with(dear, limits=Limits(max_cost=0.02)) as (session, reader):
            session.start()
            await listening(session)
            session.reconfigure(replace(server.endpoint, model="unpriced"), CONFIG)
            session.stop()
            await until(lambda: session.state.at_rest, 60)
            session.start()
            await until(lambda: reader.codes == ["cost-unknown"])
            await asyncio.sleep(5)
            assert server.asked == 1


@in_virtual_time
async def test_k4_c_what_was_spent_stays_spent_over_stop_and_start() -> None:
    async with ScriptedServer(one_dear_turn).running() as server:
        dear = replace(server.endpoint, prices=PRICES)
        async with session_with(dear, limits=Limits(max_cost=0.02)) as (session, reader):
            session.send_text("How much?")
            await until(lambda: "cost-limit" in reader.codes or session.state.at_rest)
            await until(lambda: session.state.at_rest, 60)
            session.start()
            await until(lambda: "cost-limit" in reader.codes)
            await asyncio.sleep(5)
            assert server.asked == 1


# K5: one deadline, by the clock.


@pytest.mark.parametrize("how", ["hangs", "refuses", "is gone", "never configures"])
@in_virtual_time
async def test_k5_an_outage_ends_after_a_minute_by_the_clock_however_attempts_fail(how: str) -> None:
    async def never_configures(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime"})
        await wire.until_closed()

    async with ScriptedServer(holds, never_configures).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            began = now()
            if how == "hangs":
                cable.answers = False
            elif how == "refuses":
                server.refuse_from_now_on()
            elif how == "is gone":
                cable.plugged = False
            cable.cut()
            said = asyncio.create_task(say(session, *range(400)))  # 80 s
            await until(lambda: session.state.phase is Phase.ERROR, 300)
            took = now() - began
            said.cancel()
            assert 50 <= took <= 66, f"it took {took:.0f} s"
            assert "audio-dropped" not in reader.codes, "what was said in that minute was kept"


@in_virtual_time
async def test_k5_a_what_was_said_in_an_outage_that_does_not_end_is_reported_lost() -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.pull()
            await say(session, *range(50))  # 10 s
            await until(lambda: session.state.phase is Phase.ERROR, 90)
            await until(lambda: "audio-lost" in reader.codes, what="it is reported")
            seconds = [float(problem.facts["seconds"]) for problem in reader.problems if problem.code == "audio-lost"]
            assert sum(seconds) >= 9.9


@in_virtual_time
async def test_k5_b_what_was_said_before_stop_in_an_outage_that_does_not_end_is_reported_lost() -> None:
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.pull()
            await say(session, *range(10))
            session.stop()
            await until(lambda: session.state.at_rest, 90)
            await until(lambda: "audio-lost" in reader.codes, what="it is reported")


# K6: the seat belongs to the press of Start.


async def watch(seats: Seats, session: RealtimeSession, taken: set[int]) -> None:
    """Note how many seats were ever taken while the session was not at rest."""
    while True:
        if not session.state.at_rest:
            taken.add(seats.taken)
        await asyncio.sleep(0.01)


@in_virtual_time
async def test_k6_an_outage_in_mid_conversation_gives_no_seat_away() -> None:
    seats, taken = Seats(1), set[int]()
    async with ScriptedServer(holds).running() as server:
        cable = Cable(server.port)
        async with (
            cable.laid() as port,
            session_with(server.endpoint_through(port), seats=seats) as (session, reader),
            session_with(server.endpoint, seats=seats) as (other, others_reader),
        ):
            session.start()
            await listening(session)
            watching = asyncio.create_task(watch(seats, session, taken))
            cable.pull()
            await until(lambda: session.state.phase is Phase.RECONNECTING)
            for _ in range(10):
                other.start()
                await asyncio.sleep(1)
                other.dismiss()
            cable.plug()
            await listening(session)
            watching.cancel()
            assert taken == {1}
            assert "room-full" in others_reader.codes and "room-full" not in reader.codes
            await _stop(session)
            await until(lambda: seats.taken == 0)
            other.start()
            await listening(other)
            await _stop(other)


@in_virtual_time
async def test_k6_a_a_planned_renewal_gives_no_seat_away() -> None:
    seats, taken = Seats(1), set[int]()
    async with ScriptedServer(Realtime(Behaviour(expires_seconds=60)), holds).running() as server:
        async with session_with(server, seats=seats) as (session, _):
            session.start()
            await listening(session)
            watching = asyncio.create_task(watch(seats, session, taken))
            await until(lambda: len(server.wires) == 2, 100)
            await listening(session)
            watching.cancel()
            assert taken == {1}


@in_virtual_time
async def test_k6_b_a_seat_is_given_back_after_every_way_to_rest() -> None:
    seats = Seats(1)

    async def refuses(wire: Wire) -> None:
        await wire.error("invalid_api_key")
        await wire.close(3000, "invalid_request_error.invalid_api_key")

    async with ScriptedServer(holds, holds, holds, refuses).running() as server:
        async with session_with(server, seats=seats) as (session, _):
            for rest in (_stop, _abort, _close):
                session.start()
                await listening(session)
                assert seats.taken == 1
                await rest(session)
                await until(lambda: seats.taken == 0)
            session.start()
            await until(lambda: session.state.phase is Phase.ERROR)
            await until(lambda: seats.taken == 0)


@in_virtual_time
async def test_k6_c_a_session_that_finds_no_seat_opens_no_connection() -> None:
    seats = Seats(1)
    seat = seats.take()
    assert seat is not None
    async with ScriptedServer(holds).running() as server:
        session = RealtimeSession(server.endpoint, CONFIG, seats=seats, clock=now)
        reader = Reader(session)
        reading = asyncio.create_task(reader.read())
        session.start()
        await until(lambda: reader.codes == ["room-full"])
        await asyncio.sleep(5)
        assert server.asked == 0 and seats.taken == 1
        await session.close()
        reading.cancel()


# K7 and K8: a reply, and the turn it belongs to.


async def committed(wire: Wire, item: str) -> dict[str, object]:
    """Take a turn by hand; return the request for its reply."""
    await wire.hear("input_audio_buffer.commit")
    await wire.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
    return await wire.hear("response.create")


@pytest.mark.parametrize("refusal", ["rate_limit_exceeded", "server_error", None])
@in_virtual_time
async def test_k7_escape_before_a_response_that_is_refused_leaves_the_next_reply_alone(refusal: str | None) -> None:
    async def refuses_the_first(wire: Wire) -> None:
        await wire.configure()
        create = await committed(wire, "u1")
        await asyncio.sleep(1)  # Escape is pressed
        await wire.error(refusal, event_id=create["event_id"])
        await committed(wire, "u2")
        await wire.reply("The second ", "reply.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(refuses_the_first).running() as server:
        async with session_with(server, BY_HAND) as (session, reader):
            session.start()
            await listening(session)
            session.begin_turn()
            await say(session, 1, 2)
            session.end_turn()
            await asyncio.sleep(0.5)
            session.interrupt()
            await asyncio.sleep(1)
            session.begin_turn()
            await say(session, 3, 4)
            session.end_turn()
            await until(lambda: reader.written("assistant") == ["The second reply."])
            await asyncio.sleep(2)
            assert server.wires[0].of_type("response.cancel") == []


@in_virtual_time
async def test_k7_a_escape_before_a_response_cancels_that_one_and_not_the_next() -> None:
    async def answers_slowly(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1")
        await asyncio.sleep(2)
        await wire.begin_reply("Once", response="r1", item="a1")
        cancel = await wire.hear("response.cancel")
        assert cancel.get("response_id") in (None, "r1")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.heard_speech(item="u2")
        await wire.reply("Twice.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(answers_slowly).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.THINKING)
        session.interrupt()
        await until(lambda: "Twice." in reader.written("assistant"))
        await asyncio.sleep(2)
        assert len(server.wires[0].of_type("response.cancel")) == 1
        assert reader.codes == []


@in_virtual_time
async def test_k7_b_escape_and_then_a_lost_connection_leave_the_next_reply_alone() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1")
        await asyncio.sleep(2)
        wire.abort()

    async with ScriptedServer(breaks, Realtime()).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.THINKING)
        session.interrupt()
        await until(lambda: len(server.wires) == 2)
        await listening(session)
        await say(session, 1, 2, 3)
        await keep_quiet(session, 3)
        await until(lambda: reader.written("assistant")[-1:] != [] and reader.written("assistant")[-1].endswith("."))
        assert "w1 w2 w3" in reader.written("user")


@in_virtual_time
async def test_k8_push_to_talk_over_a_reply_asks_only_when_the_cancelled_response_is_done() -> None:
    async def winds_down_slowly(wire: Wire) -> None:
        await wire.configure()
        await committed(wire, "u1")
        await wire.begin_reply("Once upon a time", response="r1", item="a1")
        await wire.hear("response.cancel")
        await wire.hear("input_audio_buffer.commit")
        await wire.say("input_audio_buffer.committed", item_id="u2", previous_item_id=None)
        asked = len(wire.of_type("response.create"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.hear("response.create"), 2)
        assert len(wire.of_type("response.create")) == asked
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.reply("As you wish.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(winds_down_slowly).running() as server:
        async with session_with(server, BY_HAND) as (session, reader):
            session.start()
            await listening(session)
            session.begin_turn()
            await say(session, 1, 2)
            session.end_turn()
            await until(lambda: session.state.phase is Phase.ANSWERING)
            session.begin_turn()
            await say(session, 3, 4)
            session.end_turn()
            await until(lambda: "As you wish." in reader.written("assistant"))
            assert reader.codes == []


@pytest.mark.parametrize("how", ["typed", "by hand"])
@in_virtual_time
async def test_k8_a_a_reply_that_is_refused_because_another_runs_is_asked_for_again(how: str) -> None:
    """The server's own response crosses our response.create."""

    async def was_first(wire: Wire) -> None:
        await wire.configure()
        create = await wire.hear("response.create")
        await wire.error("conversation_already_has_active_response", event_id=create["event_id"])
        await wire.begin_reply("Something ", response="r1", item="a1")
        await asyncio.sleep(1)
        await wire.end_reply("r1")
        await wire.hear("response.create")
        await wire.reply("The answer.", response="r2", item="a2")
        await wire.until_closed()

    config = BY_HAND if how == "by hand" else CONFIG
    async with ScriptedServer(was_first).running() as server, session_with(server, config) as (session, reader):
        session.start()
        await listening(session)
        if how == "typed":
            session.send_text("A question")
        else:
            session.begin_turn()
            await say(session, 1, 2)
            session.end_turn()
        await until(lambda: "The answer." in reader.written("assistant"), 10)
        assert reader.codes == []


@in_virtual_time
async def test_k8_b_two_lines_typed_quickly_are_both_answered() -> None:
    async with ScriptedServer(Realtime(Behaviour(think_seconds=1))).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await listening(session)
            session.send_text("One")
            await asyncio.sleep(0.1)
            session.send_text("Two")
            await asyncio.sleep(0.1)
            session.send_text("Three")
            await until(lambda: session.state.phase is Phase.LISTENING, 20)
            assert reader.written("user") == ["One", "Two", "Three"]
            assert len(server.wires[0].lines) == 3
            assert reader.written("assistant")[-1].endswith(".")
            assert reader.codes == []


@in_virtual_time
async def test_k8_c_a_line_typed_while_the_server_takes_a_turn_by_itself_is_answered_before_the_end() -> None:
    async with ScriptedServer(Realtime(Behaviour(think_seconds=1))).running() as server:
        async with session_with(server) as (session, _):
            session.start()
            await listening(session)
            await say(session, 1, 2, 3)
            session.stop()  # the server hears the silence that follows, and replies
            session.send_text("And this?")
            await until(lambda: session.state.at_rest, 60)
            done = [item for item in session.conversation.items if item.role == "assistant"]
            assert len(done) == 2 and done[-1].status == "completed"


# K10: a false alarm about a silent server.


@in_virtual_time
async def test_k10_a_hundred_clicks_in_five_minutes_are_no_speech() -> None:
    async with ScriptedServer(holds).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        for _ in range(100):
            await hear(session, word(1)[: len(audio.silence(20))])
            await keep_quiet(session, 3)
        assert reader.codes == []


@in_virtual_time
async def test_k10_a_the_alarm_is_withdrawn_when_the_server_reacts() -> None:
    react = asyncio.Event()

    async def reacts_late(wire: Wire) -> None:
        await wire.configure()
        reading = asyncio.create_task(wire.until_closed())
        await react.wait()
        await wire.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await reading

    async with ScriptedServer(reacts_late).running() as server, session_with(server) as (session, reader):
        session.start()
        await listening(session)
        await say(session, *range(20))
        await until(lambda: set(reader.codes) == {"server-silent"})
        assert reader.solved == []
        raised = len(reader.codes)
        react.set()
        await until(lambda: reader.solved == ["server-silent"])
        await say(session, *range(20, 40))
        assert len(reader.codes) == raised


# K11: errors without a close, and closes without a number.


async def refused_by(script: Callable[[Wire], object], seconds: float = 2) -> Reader:
    """Meet a server that refuses, and return what was read; it must be reported within these seconds."""
    async with ScriptedServer(script).running() as server, session_with(server) as (session, reader):
        began = now()
        session.start()
        await until(lambda: session.state.phase is Phase.ERROR, 30)
        assert now() - began <= seconds
        await until(lambda: reader.problems)
        await nothing_left(server, session)
        return reader


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("model_not_found", "no-access"),
        ("invalid_model", "model-unknown"),
        ("invalid_api_key", "key-refused"),
        ("insufficient_quota", "no-quota"),
        ("beta_api_shape_disabled", "beta-disabled"),
        ("model_load_error", "session-refused"),
        (None, "session-refused"),
    ],
)
@in_virtual_time
async def test_k11_an_error_before_the_session_with_the_connection_left_open_is_reported_at_once(
    code: str | None, ours: str
) -> None:
    async def refuses(wire: Wire) -> None:
        await wire.error(code, "The server's words")
        await wire.until_closed()

    reader = await refused_by(refuses)
    assert reader.codes == [ours]
    assert "The server's words" in reader.problems[0].detail


@pytest.mark.parametrize("event_id", [None, "", "absent"])
@in_virtual_time
async def test_k11_a_a_refused_configuration_need_not_name_the_event(event_id: str | None) -> None:
    async def refuses(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime"})
        await wire.hear("session.update")
        error = {"type": "invalid_request_error", "code": "unknown_parameter", "message": "No.", "param": "session.x"}
        if event_id != "absent":
            error["event_id"] = event_id  # type: ignore[assignment]
        await wire.say("error", error=error)
        await wire.until_closed()

    reader = await refused_by(refuses)
    assert reader.codes == ["update-rejected"]
    assert reader.problems[0].facts["param"] == "session.x"


@pytest.mark.parametrize("close", [1000, 1001, 1011, 1013, 3000, 4000])
@in_virtual_time
async def test_k11_b_the_error_before_a_close_is_what_counts_and_not_the_number(close: int) -> None:
    async def refuses(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime"})
        await wire.hear("session.update")
        await wire.error("insufficient_quota", "No credit.", type="insufficient_quota")
        await wire.close(close, "")

    reader = await refused_by(refuses)
    assert reader.codes == ["no-quota"]


# K12: a line typed while the server is away.


@pytest.mark.parametrize("count", [1, 3])
@in_virtual_time
async def test_k12_a_line_typed_in_an_outage_is_answered_when_it_is_over(count: int) -> None:
    async with ScriptedServer(holds, Realtime()).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.pull()
            await until(lambda: session.state.phase is Phase.RECONNECTING)
            for number in range(count):
                session.send_text(f"Line {number}")
                await asyncio.sleep(1)
            cable.plug()
            await until(lambda: reader.written("assistant") and session.state.phase is Phase.LISTENING, 20)
            lines = [f"Line {number}" for number in range(count)]
            assert reader.written("user") == lines
            assert [text for _, text in server.wires[-1].lines] == lines
            assert server.wires[-1].types[-1] == "response.create" or reader.written("assistant")


@in_virtual_time
async def test_k12_a_a_line_typed_into_a_half_open_link_is_answered_by_the_next() -> None:
    async with ScriptedServer(Realtime()).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.go_dead(unnoticed=True)
            session.send_text("Are you there?")
            await until(lambda: reader.written("assistant") != [], 40)
            assert reader.written("user") == ["Are you there?"]
            cable.bury()


@in_virtual_time
async def test_k12_b_a_line_typed_in_an_outage_that_does_not_end_is_not_forgotten_in_silence() -> None:
    async with ScriptedServer(holds, Realtime()).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            await listening(session)
            cable.pull()
            await until(lambda: session.state.phase is Phase.RECONNECTING)
            session.send_text("Are you there?")
            await until(lambda: session.state.phase is Phase.ERROR, 90)
            assert [problem for problem in reader.problems if not problem.recovering] != []


@in_virtual_time
async def test_k12_c_a_line_typed_while_the_first_connection_is_made_is_answered() -> None:
    async with ScriptedServer(Realtime()).running() as server:
        cable = Cable(server.port)
        cable.latency_seconds = 0.5
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            session.start()
            session.send_text("Quick")
            await until(lambda: reader.written("assistant") != [], 20)
            assert server.wires[0].lines == [("user", "Quick")]


@pytest.mark.parametrize("with_start", [True, False])
@in_virtual_time
async def test_k12_d_a_line_typed_while_no_server_is_there_is_answered_once_there_is_one(with_start: bool) -> None:
    async with ScriptedServer(Realtime()).running() as server:
        cable = Cable(server.port)
        async with cable.laid() as port, session_with(server.endpoint_through(port)) as (session, reader):
            cable.pull()
            session.send_text("Are you there?")
            await until(lambda: session.state.phase is Phase.ERROR, 90)
            cable.plug()
            session.dismiss()
            if with_start:
                session.start()
                await until(lambda: session.state.phase is Phase.LISTENING, 20)
                await asyncio.sleep(5)
            else:
                session.send_text("And now?")
                await until(lambda: session.state.at_rest, 60)
            unsent = {item.id for item in session.conversation.items if item.status in {"failed", "lost"}}
            assert unsent or reader.written("assistant"), "a line stands on the page as if it had been said"


# K13: the code in the body of an HTTP answer is the better witness.


@pytest.mark.parametrize(
    ("status", "body", "ours"),
    [
        (404, {"error": {"code": "model_not_found", "message": "No such model."}}, "no-access"),
        (400, {"error": {"code": "model_not_found", "message": "No such model."}}, "no-access"),
        (404, {"error": {"code": "invalid_api_key", "message": "No."}}, "key-refused"),
        (403, {"error": {"type": "insufficient_quota", "code": None, "message": "No."}}, "no-quota"),
        (429, {"error": {"code": "insufficient_quota", "message": "No."}}, "no-quota"),
        (404, {"detail": "Not Found"}, "not-realtime"),
        (404, "<html>", "not-realtime"),
    ],
)
@in_virtual_time
async def test_k13_the_code_in_the_body_is_believed_before_the_status(status: int, body: object, ours: str) -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus(status), body if isinstance(body, str) else json.dumps(body))

    async with ScriptedServer(holds).running(refuse) as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.codes != [])
        assert reader.codes == [ours]
        assert server.asked == 1
