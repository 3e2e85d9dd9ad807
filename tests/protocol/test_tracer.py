"""What a session's tracer sees, and which event a problem is said to come from."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.patience import until
from tests.protocol.reader import Reader, chunk, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui.session import Phase, RealtimeSession, TracedEvent, Tracer


class Watcher:
    """Sees what passes, and remembers."""

    def __init__(self) -> None:
        self.seen: list[TracedEvent] = []
        self.tracer = Tracer(self.seen.append)

    @property
    def types(self) -> list[str]:
        return [self.event(passed)["type"] for passed in self.seen]

    def event(self, passed: TracedEvent) -> dict[str, str]:
        return passed.event if isinstance(passed.event, dict) else json.loads(passed.event)

    def type_of(self, number: int | None) -> str:
        return next(self.event(passed)["type"] for passed in self.seen if passed.number == number)


async def meet(script: Callable[[Wire], object], code: str) -> tuple[Watcher, int | None]:
    """Let a traced session meet a server; return what the tracer saw, and the number that came with the problem."""
    watcher = Watcher()
    async with ScriptedServer(script).running() as server, session_with(server) as (session, reader):
        session.tracer = watcher.tracer
        session.start()
        await until(lambda: code in reader.codes, what=code)
        return watcher, reader.numbers[reader.codes.index(code)]


@in_virtual_time
async def test_events_of_both_directions_are_seen_in_order_and_numbered() -> None:
    async def one_turn(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.append")
        await wire.reply("Hello.")
        await wire.until_closed()

    watcher = Watcher()
    async with ScriptedServer(one_turn).running() as server, session_with(server) as (session, reader):
        session.tracer = watcher.tracer
        session.start()
        session.append_audio(chunk(1))
        await until(lambda: ("assistant", "Hello.") in reader.texts)
        await until(lambda: "response.done" in watcher.types)
    greeting = ["session.created", "session.update", "session.updated", "input_audio_buffer.append"]
    reply = ["response.created", "response.output_text.delta", "response.done"]
    assert watcher.types == [*greeting, *reply]
    assert [passed.number for passed in watcher.seen] == [1, 2, 3, 4, 5, 6, 7]
    times = [passed.at for passed in watcher.seen]
    assert times == sorted(times)
    assert isinstance(watcher.seen[0].event, str) and isinstance(watcher.seen[1].event, dict)


@in_virtual_time
async def test_a_tracer_can_come_and_go_while_a_connection_is_open() -> None:
    async def replies_on_demand(wire: Wire) -> None:
        await wire.configure()
        for number in range(3):
            await wire.hear("response.create")
            await wire.reply(f"reply {number}", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    async def ask(session: RealtimeSession, reader: Reader, number: int) -> None:
        session.send_text("well?")
        await until(lambda: ("assistant", f"reply {number}") in reader.texts)
        await until(lambda: session.state.phase is Phase.LISTENING)

    watcher = Watcher()
    async with (
        ScriptedServer(replies_on_demand).running() as server,
        session_with(server) as (session, reader),
    ):
        session.start()
        await ask(session, reader, 0)
        session.tracer = watcher.tracer
        await ask(session, reader, 1)
        session.tracer = None
        await ask(session, reader, 2)
    deltas = [json.loads(passed.event) for passed in watcher.seen if "delta" in str(passed.event)]
    assert [event["delta"] for event in deltas if "delta" in event] == ["reply 1"]


@in_virtual_time
async def test_a_problem_names_the_event_that_tells_of_it() -> None:
    async def fails(wire: Wire) -> None:
        await wire.configure()
        await wire.say("error", error={"type": "server_error", "message": "Something broke."})
        await wire.until_closed()

    watcher, number = await meet(fails, "server-said")
    assert watcher.type_of(number) == "error"


@in_virtual_time
async def test_a_refused_configuration_and_a_close_that_was_explained_name_the_error() -> None:
    async def refuses(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime"})
        update = await wire.hear("session.update")
        error = {
            "type": "invalid_request_error",
            "message": "No.",
            "param": "session.x",
            "event_id": update["event_id"],
        }
        await wire.say("error", error=error)
        await wire.until_closed()

    async def explains(wire: Wire) -> None:
        await wire.say("error", error={"type": "invalid_request_error", "code": "invalid_api_key", "message": "No."})
        await wire.websocket.close(3000, "invalid_request_error.invalid_api_key")

    for script, code in ((refuses, "update-rejected"), (explains, "key-refused")):
        watcher, number = await meet(script, code)
        assert watcher.type_of(number) == "error"


@in_virtual_time
async def test_a_problem_that_no_event_tells_of_names_none() -> None:
    async def hangs_up(wire: Wire) -> None:
        await wire.say("session.created", session={"type": "realtime"})
        await wire.hear("session.update")
        await wire.websocket.close(1011, "")

    watcher, number = await meet(hangs_up, "server-failed")
    assert watcher.types == ["session.created", "session.update"]
    assert number is None


@in_virtual_time
async def test_without_a_tracer_a_problem_has_no_number() -> None:
    async def fails(wire: Wire) -> None:
        await wire.configure()
        await wire.say("error", error={"type": "server_error", "message": "Something broke."})
        await wire.until_closed()

    async with ScriptedServer(fails).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.codes)
        assert reader.numbers == [None]
