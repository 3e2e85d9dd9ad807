"""A session over a real socket: what a server sees of it, and what a page is told."""

from __future__ import annotations

import asyncio
import gc
import socket
from dataclasses import replace
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.patience import until
from tests.protocol.reader import Reader, chunk, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import Phase
from voice_ui.transport import connect


@in_virtual_time
async def test_what_is_said_while_connecting_is_kept_and_sent_first_but_never_before_the_configuration_holds() -> None:
    said = asyncio.Event()

    async def slow_to_configure(wire: Wire) -> None:
        await wire.say("session.created", session={})
        update = await wire.hear()
        assert update["type"] == "session.update"
        assert update["session"]["output_modalities"] == ["text"]
        await said.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.hear(), 0.1)
        await wire.say("session.updated", session=update["session"])
        for number in range(5):
            assert (await wire.hear("input_audio_buffer.append"))["audio"] == audio.encode(chunk(number))
        await wire.until_closed()

    async with ScriptedServer(slow_to_configure).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            for number in range(4):
                session.append_audio(chunk(number))
            said.set()
            await until(lambda: session.state.phase is Phase.LISTENING)
            session.append_audio(chunk(4))
            await until(lambda: len(server.wires[0].received) == 6)
            assert reader.shown == ["connecting", "listening"]


@in_virtual_time
async def test_a_spoken_turn_is_heard_answered_and_timed() -> None:
    async def one_turn(wire: Wire) -> None:
        await wire.configure()
        for _ in range(50):
            await wire.hear("input_audio_buffer.append")
        await wire.heard_speech(transcript="what time is it", end_ms=1000)
        await wire.reply("It is ", "late.")
        await wire.until_closed()

    async with ScriptedServer(one_turn).running() as server, session_with(server) as (session, reader):
        session.start()
        for number in range(50):
            session.append_audio(chunk(number))
        await until(lambda: reader.shown[-1:] == ["listening"] and "answering" in reader.shown)
        assert reader.shown == ["connecting", "listening", "hearing", "thinking", "answering", "listening"]
        assert ("user", "what time is it") in reader.texts
        assert [text for role, text in reader.texts if role == "assistant"] == ["It is ", "It is late.", "It is late."]
        assert len(reader.turns) == 1 and reader.turns[0] is not None and 0 < reader.turns[0] < 5000
        assert not reader.problems


@in_virtual_time
async def test_stop_in_mid_speech_shows_the_server_silence_awaits_the_reply_and_closes_the_connection() -> None:
    async def answers_after_silence(wire: Wire) -> None:
        await wire.configure()
        await wire.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        while (await wire.hear("input_audio_buffer.append"))["audio"] != audio.encode(audio.silence(1000)):
            pass
        await wire.say("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=900)
        await wire.reply("Yes.")
        await wire.until_closed()

    async with ScriptedServer(answers_after_silence).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.HEARING)
            session.append_audio(chunk(1))
            session.stop()
            session.append_audio(chunk(2))
            await until(lambda: session.state.phase is Phase.IDLE)
            assert "answering" in reader.shown and ("assistant", "Yes.") in reader.texts
            assert not reader.problems
            await until(lambda: server.open == 0, what="the connection is closed")
            sent = [event.get("audio") for event in server.wires[0].received]
            assert audio.encode(chunk(1)) in sent and audio.encode(chunk(2)) not in sent
            assert "input_audio_buffer.commit" not in {event["type"] for event in server.wires[0].received}


@in_virtual_time
async def test_stop_with_nothing_said_is_idle_within_two_seconds() -> None:
    async def listens(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(listens).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        session.stop()
        await until(lambda: session.state.phase is Phase.IDLE, 2)
        await until(lambda: server.open == 0)


@in_virtual_time
async def test_without_turn_detection_stop_commits_and_asks_for_the_reply() -> None:
    async def manual(wire: Wire) -> None:
        await wire.configure()
        assert wire.received[0]["session"]["audio"]["input"]["turn_detection"] is None
        await wire.hear("input_audio_buffer.commit")
        await wire.say("input_audio_buffer.committed", item_id="u", previous_item_id=None)
        await wire.hear("response.create")
        await wire.reply("Yes.")
        await wire.until_closed()

    config = SessionConfig("", turn_detection="none")
    async with ScriptedServer(manual).running() as server, session_with(server, config) as (session, reader):
        session.start()
        for number in range(6):
            session.append_audio(chunk(number))
        session.stop()
        await until(lambda: session.state.phase is Phase.IDLE)
        assert ("assistant", "Yes.") in reader.texts


@in_virtual_time
async def test_under_100_ms_are_not_committed_because_servers_refuse_that() -> None:
    async def manual(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    config = SessionConfig("", turn_detection="none")
    async with ScriptedServer(manual).running() as server, session_with(server, config) as (session, _):
        session.start()
        session.append_audio(chunk(1))
        session.stop()
        await until(lambda: session.state.phase is Phase.IDLE)
        assert {event["type"] for event in server.wires[0].received} == {"session.update", "input_audio_buffer.append"}


@in_virtual_time
async def test_start_again_goes_on_with_the_same_conversation() -> None:
    async def first(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="my name is Ada")
        await wire.reply("Hello Ada.", item="a1")
        await wire.until_closed()

    async def second(wire: Wire) -> None:
        await wire.configure()
        for role, text in (("user", "my name is Ada"), ("assistant", "Hello Ada.")):
            item = (await wire.hear("conversation.item.create"))["item"]
            assert (item["role"], item["content"][0]["text"]) == (role, text)
            await wire.say("conversation.item.added", previous_item_id=None, item={**item, "id": f"new_{item['id']}"})
        note = (await wire.hear("conversation.item.create"))["item"]
        assert note["role"] == "system" and "do not greet again" in note["content"][0]["text"]
        assert (await wire.hear())["audio"] == audio.encode(chunk(7))
        await wire.reply("You are Ada.", item="a2")
        await wire.until_closed()

    async with ScriptedServer(first, second).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.LISTENING and len(reader.texts) > 2)
            session.stop()
            await until(lambda: session.state.phase is Phase.IDLE)
            session.start()
            session.append_audio(chunk(7))
            await until(lambda: ("assistant", "You are Ada.") in reader.texts)
            said = [item.text for item in session.conversation.items]
            assert said == ["my name is Ada", "Hello Ada.", "You are Ada."]


@in_virtual_time
async def test_sound_at_another_rate_arrives_at_24_khz() -> None:
    async def listens(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(listens).running() as server, session_with(server) as (session, _):
        session.start()
        for _ in range(50):
            session.append_audio(bytes(882 * 2), rate=44_100)
        session.stop()
        await until(lambda: session.state.phase is Phase.IDLE)
        sent = [event["audio"] for event in server.wires[0].received if "audio" in event]
        total_ms = sum(audio.milliseconds(audio.decode(text)) for text in sent)
        assert total_ms == pytest.approx(1000 + 1000, abs=2)  # and the silence behind it


async def refused(*script: tuple[str, dict[str, object]], close: tuple[int, str]) -> Reader:
    async def refuses(wire: Wire) -> None:
        for type, fields in script:
            await wire.say(type, **fields)
        await wire.websocket.close(*close)

    async with ScriptedServer(refuses).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.ERROR)
        await until(lambda: server.open == 0)
        await until(lambda: reader.problems)
        return reader


def error(code: str | None, type: str = "invalid_request_error", **more: object) -> tuple[str, dict[str, object]]:
    return "error", {"error": {"type": type, "code": code, "message": "The server's words", "param": None, **more}}


@pytest.mark.parametrize(
    ("said", "close", "code"),
    [
        (error("invalid_api_key"), (3000, "invalid_request_error.invalid_api_key"), "key-refused"),
        (error(None), (3000, ""), "key-refused"),
        (error("model_not_found"), (4004, "invalid_request_error.model_not_found"), "no-access"),
        (error("invalid_model"), (4000, "invalid_request_error.invalid_model"), "model-unknown"),
        (error("beta_api_shape_disabled"), (4000, ""), "beta-disabled"),
        (error("credit_balance_exhausted", "insufficient_quota"), (1013, ""), "no-quota"),
        (error("session_limit_reached"), (1013, ""), "session-limit"),
        (error("something_new"), (1011, ""), "session-refused"),
    ],
)
@in_virtual_time
async def test_a_server_that_accepts_and_then_refuses_is_understood(
    said: tuple[str, dict[str, object]], close: tuple[int, str], code: str
) -> None:
    reader = await refused(said, close=close)
    assert reader.codes == [code]
    assert "The server's words" in reader.problems[0].detail


@in_virtual_time
async def test_a_refused_configuration_names_the_field() -> None:
    async def refuses(wire: Wire) -> None:
        await wire.say("session.created", session={})
        update = await wire.hear("session.update")
        event_id = update["event_id"]
        await wire.say(*error("x")[:1], **error("unknown_parameter", param="session.reasoning", event_id=event_id)[1])
        await wire.until_closed()

    async with ScriptedServer(refuses).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.problems)
        assert reader.codes == ["update-rejected"]
        assert reader.problems[0].facts["param"] == "session.reasoning"
        assert session.state.phase is Phase.ERROR
        await until(lambda: server.open == 0)


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "key-refused"), (403, "key-refused"), (404, "not-realtime"), (429, "rate-limited"), (500, "server-failed"),
     (200, "not-realtime"), (302, "not-realtime")],
)  # fmt: skip
@in_virtual_time
async def test_an_http_answer_instead_of_a_websocket_is_understood_and_no_redirect_carries_the_key(
    status: int, code: str
) -> None:
    asked: list[str] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        asked.append(request.path)
        response = connection.respond(HTTPStatus(status), "sk-shown-by-mistake-1234\n")
        response.headers["Location"] = server.url.replace("/v1/", "/elsewhere/")
        return response

    async def never(wire: Wire) -> None:
        raise AssertionError

    async with ScriptedServer(never).running(refuse) as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.problems)
        assert reader.codes == [code]
        assert len(asked) == 1
        assert "shown-by-mistake" not in reader.problems[0].detail


@in_virtual_time
async def test_who_sends_no_key_and_is_refused_needs_one() -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?")

    async def never(wire: Wire) -> None:
        raise AssertionError

    async with ScriptedServer(never).running(refuse) as server:
        async with session_with(replace(server.endpoint, headers={})) as (session, reader):
            session.start()
            await until(lambda: reader.codes == ["no-key"])


@in_virtual_time
async def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}/v1/realtime"
        async with session_with(Endpoint("my server", url, "m")) as (session, reader):
            session.start()
            await until(lambda: reader.problems)
            assert reader.codes == ["server-unreachable"]
            assert reader.problems[0].facts["server"] == "my server"


async def test_a_name_that_does_not_exist_is_told_apart() -> None:
    async with session_with(Endpoint("x", "ws://no-such-host.invalid/v1/realtime", "m")) as (session, reader):
        session.start()
        await until(lambda: reader.problems)
        assert reader.codes == ["server-not-found"]


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"type": "failed", "error": {"type": "insufficient_quota", "code": "insufficient_quota"}}, "no-quota"),
        ({"type": "failed", "error": {"type": "x", "code": "rate_limit_exceeded"}}, "rate-limited"),
        ({"type": "failed", "error": None}, "response-failed"),
        ({"type": "incomplete", "reason": "content_filter"}, "response-filtered"),
        ({"type": "incomplete", "reason": "max_output_tokens"}, "response-incomplete"),
    ],
)
@in_virtual_time
async def test_a_response_that_fails_is_told_and_the_session_goes_on(details: dict[str, object], code: str) -> None:
    async def fails(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.say("response.created", response={"id": "r"})
        await wire.say("response.done", response={"id": "r", "status": details["type"], "status_details": details})
        await wire.until_closed()

    async with ScriptedServer(fails).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: reader.codes == [code])
        await until(lambda: session.state.phase is Phase.LISTENING)


@in_virtual_time
async def test_an_error_event_garbage_and_unknown_events_do_not_end_the_session() -> None:
    async def noisy(wire: Wire) -> None:
        await wire.configure()
        await wire.websocket.send("}{")
        await wire.websocket.send(b"\x00\x01")
        await wire.say("localai.classifier.result", x=1)
        await wire.say(*error("x")[:1], **error("invalid_value")[1])
        await wire.say(*error("x")[:1], **error("response_cancel_not_active")[1])
        await wire.heard_speech()
        await wire.reply("Still here.")
        await wire.until_closed()

    async with ScriptedServer(noisy).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: ("assistant", "Still here.") in reader.texts)
        assert reader.codes == ["message-malformed", "server-error"]
        assert session.unknown_events == {"not JSON": 2, "localai.classifier.result": 1}


@in_virtual_time
async def test_a_connection_that_is_left_in_a_hurry_leaves_no_socket() -> None:
    async def reads_nothing(wire: Wire) -> None:
        wire.websocket.transport.pause_reading()
        await wire.websocket.wait_closed()

    async def linger() -> None:
        async with connect(server.endpoint):
            await asyncio.Event().wait()

    server = ScriptedServer(reads_nothing)
    async with server.running():
        hurried = asyncio.create_task(linger())
        await until(lambda: server.open == 1)
        hurried.cancel()
        await asyncio.sleep(0)
        hurried.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hurried
        peer = server.wires[0].websocket.remote_address
        sockets = [thing for thing in gc.get_objects() if type(thing) is socket.socket and thing.fileno() != -1]
        assert peer not in [each.getsockname() for each in sockets]
        server.wires[0].websocket.transport.abort()


@in_virtual_time
async def test_closing_leaves_no_task_and_no_socket() -> None:
    async def listens(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.say("response.created", response={"id": "r"})
        await wire.say("response.output_text.delta", response_id="r", item_id="a", delta="Once upon")
        await wire.until_closed()

    async with ScriptedServer(listens).running() as server:
        async with session_with(server) as (session, _):
            session.start()
            await until(lambda: session.state.phase is Phase.ANSWERING)
        await until(lambda: server.open == 0)
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert not {name for name in names if name.startswith("realtime")}
