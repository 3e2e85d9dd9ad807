"""Who takes the turn, and how: by hand, in writing, by cutting a reply short; and settings that change meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.patience import until
from tests.protocol.reader import BY_HAND, CONFIG, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui.session import Phase, RealtimeSession


def speak(session: RealtimeSession, milliseconds: int) -> None:
    for _ in range(milliseconds // 20):
        session.append_audio(b"\x10\x20" * 480)


async def begin_reply(wire: Wire, response: str, item: str, delta: str) -> None:
    await wire.say("response.created", response={"id": response, "status": "in_progress"})
    await wire.say("response.output_text.delta", response_id=response, item_id=item, delta=delta)


async def end_reply(wire: Wire, response: str, status: str = "completed", reason: str | None = None) -> None:
    details = {"type": status, "reason": reason} if reason else None
    await wire.say("response.done", response={"id": response, "status": status, "status_details": details})


def typed(event: dict[str, Any]) -> str:
    text: str = event["item"]["content"][0]["text"]
    return text


@in_virtual_time
async def test_a_turn_by_hand_that_the_server_finds_empty_asks_for_no_reply_when_the_running_one_is_over() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.say("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        await wire.begin_reply("Well,")
        empty = await wire.hear("input_audio_buffer.commit")
        await wire.error("input_audio_buffer_commit_empty", event_id=empty["event_id"])
        await wire.end_reply()
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, BY_HAND) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        speak(session, 200)
        session.end_turn()
        await until(lambda: session.state.phase is Phase.ANSWERING)
        speak(session, 200)  # of silence, to the server
        session.end_turn()
        await until(lambda: session.state.phase is Phase.LISTENING)
        await asyncio.sleep(5)
        assert server.wires[0].types.count("response.create") == 1
        assert session.state.phase is Phase.LISTENING and not reader.problems


@in_virtual_time
async def test_by_hand_each_turn_is_committed_when_it_ends_and_the_session_stays_open() -> None:
    async def manual(wire: Wire) -> None:
        await wire.configure()
        for number in range(2):
            await wire.hear("input_audio_buffer.commit")
            await wire.hear("response.create")
            await wire.say("input_audio_buffer.committed", item_id=f"u{number}", previous_item_id=None)
            await wire.reply(f"Reply {number}.", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    async with ScriptedServer(manual).running() as server, session_with(server, BY_HAND) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        for number in range(2):
            session.begin_turn()
            assert session.state.phase is Phase.HEARING
            speak(session, 200)
            session.end_turn()
            await until(lambda number=number: ("assistant", f"Reply {number}.") in reader.texts)  # type: ignore[misc]
            await until(lambda: session.state.phase is Phase.LISTENING)
        session.begin_turn()
        speak(session, 40)
        session.end_turn()
        assert session.state.phase is Phase.LISTENING, "too short to be a turn"
        assert len([event for event in server.wires[0].received if event["type"].endswith("commit")]) == 2


@in_virtual_time
async def test_a_turn_by_hand_that_is_cut_is_said_again_from_its_beginning() -> None:
    heard: list[int] = []

    async def breaks(wire: Wire) -> None:
        await wire.configure()
        for _ in range(120):
            await wire.hear("input_audio_buffer.append")
        await wire.websocket.close(1011)

    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.commit")
        heard.append(sum(event["type"] == "input_audio_buffer.append" for event in wire.received))
        await wire.say("input_audio_buffer.committed", item_id="u", previous_item_id=None)
        await wire.reply("All of it.")
        await wire.until_closed()

    async with ScriptedServer(breaks, answers).running() as server:
        async with session_with(server, BY_HAND) as (session, reader):
            session.start()
            await until(lambda: session.state.phase is Phase.LISTENING)
            session.begin_turn()
            speak(session, 3000)
            await until(lambda: len(server.wires) == 2)
            session.end_turn()
            await until(lambda: ("assistant", "All of it.") in reader.texts)
            assert heard == [150]


@in_virtual_time
async def test_what_is_typed_is_answered_without_start() -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        event = await wire.hear("conversation.item.create")
        await wire.say("conversation.item.added", item=event["item"], previous_item_id=None)
        await wire.hear("response.create")
        await wire.reply(f"You wrote: {typed(event)}")
        await wire.until_closed()

    async with ScriptedServer(answers).running() as server, session_with(server) as (session, reader):
        session.send_text("Hello there")
        await until(lambda: ("assistant", "You wrote: Hello there") in reader.texts)
        await until(lambda: session.state.phase is Phase.IDLE)
        assert [item.text for item in session.conversation.items] == ["Hello there", "You wrote: Hello there"]
        assert reader.problems == []
        assert [event["type"] for event in server.wires[0].received] == [
            "session.update", "conversation.item.create", "response.create",
        ]  # fmt: skip


@in_virtual_time
async def test_what_is_typed_during_a_reply_cuts_it_short_and_is_answered_after_it_ended() -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1")
        await begin_reply(wire, "r1", "a1", "Once upon a")
        await wire.hear("response.cancel")
        await wire.hear("conversation.item.create")
        assert not any(event["type"] == "response.create" for event in wire.received)
        await end_reply(wire, "r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.reply("As you wish.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(answers).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.ANSWERING)
        session.send_text("Stop that")
        await until(lambda: ("assistant", "As you wish.") in reader.texts)
        assert reader.problems == [], "what we cancelled ourselves is no problem"


@in_virtual_time
async def test_what_was_typed_and_not_answered_is_given_to_the_next_connection_once() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.websocket.close(1011)

    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.reply("Here you are.")
        await wire.until_closed()

    async with ScriptedServer(breaks, answers).running() as server:
        async with session_with(server) as (session, reader):
            session.start()
            session.send_text("A question")
            await until(lambda: ("assistant", "Here you are.") in reader.texts)
            created = [event for event in server.wires[1].received if event["type"] == "conversation.item.create"]
            assert [typed(event) for event in created] == ["A question"]


@in_virtual_time
async def test_a_reply_can_be_cut_short_even_before_it_begins() -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        for number in range(2):
            await wire.heard_speech(item=f"u{number}", end_ms=500 * (number + 1))
            if number == 0:
                await wire.hear("input_audio_buffer.append")  # until the test has interrupted
            await begin_reply(wire, f"r{number}", f"a{number}", "Once")
            await wire.hear("response.cancel")
            await end_reply(wire, f"r{number}", "cancelled", "client_cancelled")
        await wire.until_closed()

    async with ScriptedServer(answers).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.THINKING)
        session.interrupt()
        speak(session, 20)
        await until(lambda: len([event for event in server.wires[0].received if "cancel" in event["type"]]) == 1)
        await until(lambda: session.state.phase is Phase.ANSWERING)
        session.interrupt()
        await until(lambda: session.state.phase is Phase.LISTENING)
        assert reader.problems == []


@in_virtual_time
async def test_what_was_heard_before_turns_are_taken_by_hand_is_no_turn() -> None:
    async def listens(wire: Wire) -> None:
        await wire.configure()
        update = await wire.hear("session.update")
        await wire.say("session.updated", session=update["session"])
        await wire.until_closed()

    async with ScriptedServer(listens).running() as server, session_with(server) as (session, _):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        speak(session, 2000)
        session.reconfigure(session.endpoint, replace(CONFIG, turn_detection="none"))
        await until(lambda: server.wires[0].received[-1]["type"] == "input_audio_buffer.clear")
        session.stop()
        await until(lambda: session.state.phase is Phase.IDLE)
        assert not any(event["type"] == "input_audio_buffer.commit" for event in server.wires[0].received)


@in_virtual_time
async def test_a_running_session_goes_on_in_another_way_and_a_refused_way_is_told() -> None:
    async def changes(wire: Wire) -> None:
        await wire.configure()
        update = await wire.hear("session.update")
        assert update["session"]["instructions"] == "Be verbose."
        await wire.say("session.updated", session=update["session"])
        update = await wire.hear("session.update")
        error = {"type": "invalid_request_error", "code": "invalid_value", "message": "No.", "param": "session.audio"}
        await wire.say("error", error={**error, "event_id": update["event_id"]})
        await wire.websocket.close(1011)

    async def goes_on(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(changes, goes_on).running() as server, session_with(server) as (session, reader):
        assert session.reconfigure(session.endpoint, CONFIG) is False, "nothing is open"
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        assert session.reconfigure(session.endpoint, replace(CONFIG, instructions="Be verbose."))
        assert session.reconfigure(session.endpoint, replace(CONFIG, language="xx"))
        await until(lambda: [problem.code for problem in reader.problems] == ["update-rejected"])
        assert reader.problems[0].facts["param"] == "session.audio"
        await until(lambda: len(server.wires) == 2 and session.state.phase is Phase.LISTENING)
        update = server.wires[1].received[0]["session"]
        assert update["instructions"] == "Be verbose.", "what was confirmed holds for the next connection"
        assert update["audio"]["input"]["transcription"] == {"model": CONFIG.transcription_model}, (
            "what was refused does not"
        )


@in_virtual_time
async def test_speech_that_is_noticed_while_turns_become_manual_keeps_nobody_waiting() -> None:
    async def crosses(wire: Wire) -> None:
        await wire.configure()
        update = await wire.hear("session.update")
        await wire.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await wire.say("session.updated", session=update["session"])
        await wire.until_closed()

    async with ScriptedServer(crosses).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        session.reconfigure(session.endpoint, BY_HAND)
        await until(lambda: server.wires[0].received[-1]["type"] == "input_audio_buffer.clear")
        speak(session, 200)
        assert session.state.phase is Phase.LISTENING
        session.stop()
        await until(lambda: session.state.at_rest)
