"""A spoken reply over a real socket: it lasts until it is played, and the server learns what was heard of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.nothing_left import nothing_left
from tests.patience import until
from tests.protocol.reader import CONFIG
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.session import Phase, PlaybackCut, RealtimeSession, ReplyAudio, ReplyAudioDone, SessionEvent

SPOKEN = replace(CONFIG, output="audio", voice="marin")
PLACE = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0}


async def speak(wire: Wire, seconds: int = 2, *, done: bool = True) -> None:
    await wire.configure()
    await wire.heard_speech()
    await wire.say("response.created", response={"id": "r", "status": "in_progress"})
    for second in range(seconds):
        await wire.say("response.output_audio_transcript.delta", **PLACE, delta=f"Second {second}. ")
        await wire.say("response.output_audio.delta", **PLACE, delta=audio.encode(audio.silence(1000)))
    if done:
        await wire.say("response.output_audio.done", **PLACE)
        await wire.end_reply("r")


class Listener:
    """Takes what a session reports, as a page with a speaker does."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.events: list[SessionEvent] = []
        self.task = asyncio.create_task(self.read())

    async def read(self) -> None:
        async for event in self.session:
            self.events.append(event)

    def of(self, kind: type) -> list[SessionEvent]:
        return [event for event in self.events if isinstance(event, kind)]


async def listening(server: ScriptedServer) -> tuple[RealtimeSession, Listener]:
    session = RealtimeSession(server.endpoint, SPOKEN, plays=True)
    listener = Listener(session)
    session.start()
    await until(lambda: len(listener.of(ReplyAudio)) == 2)
    return session, listener


@in_virtual_time
async def test_a_reply_is_over_when_it_is_written_and_played() -> None:
    async def script(wire: Wire) -> None:
        await speak(wire)
        await wire.until_closed()

    async with ScriptedServer(script).running() as server:
        session, listener = await listening(server)
        await until(lambda: listener.of(ReplyAudioDone))
        assert session.state.phase is Phase.ANSWERING
        assert [len(event.pcm) for event in listener.of(ReplyAudio)] == [48_000, 48_000]  # type: ignore[attr-defined]
        session.take_played("a", 1500)
        assert session.state.phase is Phase.ANSWERING
        session.take_played("a", 2000)
        assert session.state.phase is Phase.LISTENING
        await session.close()
        listener.task.cancel()
        await nothing_left(server, session)


@in_virtual_time
async def test_speech_over_a_reply_silences_it_and_the_server_learns_what_was_heard() -> None:
    async def script(wire: Wire) -> None:
        await speak(wire)
        await wire.say("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=1000)
        name = "conversation.item.input_audio_transcription.delta"
        await wire.say(name, item_id="u2", content_index=0, delta="Wait")
        truncate = await wire.hear("conversation.item.truncate")
        assert (truncate["item_id"], truncate["content_index"], truncate["audio_end_ms"]) == ("a", 0, 1200)
        await wire.until_closed()

    async with ScriptedServer(script).running() as server:
        session, listener = await listening(server)
        await until(lambda: listener.of(PlaybackCut))
        session.take_played("a", 1200, stopped=True)
        await until(lambda: any(event["type"] == "conversation.item.truncate" for event in server.wires[0].received))
        reply = next(item for item in session.conversation.items if item.role == "assistant")
        assert reply.heard_text.startswith("Second 0. ") and "Second 1. " not in reply.heard_text
        assert session.state.phase is Phase.HEARING
        await session.close()
        listener.task.cancel()


@in_virtual_time
async def test_escape_silences_a_reply_that_is_still_being_spoken_and_what_comes_after_is_dropped() -> None:
    async def script(wire: Wire) -> None:
        await speak(wire, done=False)
        await wire.hear("response.cancel")
        await wire.say("response.output_audio.delta", **PLACE, delta=audio.encode(audio.silence(1000)))
        await wire.end_reply("r", status="cancelled")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server:
        session, listener = await listening(server)
        session.take_played("a", 300)
        session.interrupt()
        assert listener.of(PlaybackCut) or await until(lambda: listener.of(PlaybackCut)) is None
        session.take_played("a", 320, stopped=True)
        await until(lambda: session.state.phase is Phase.LISTENING)
        await asyncio.sleep(1)
        assert len(listener.of(ReplyAudio)) == 2
        await session.close()
        listener.task.cancel()


@in_virtual_time
async def test_a_browser_that_does_not_answer_holds_nothing_up() -> None:
    async def script(wire: Wire) -> None:
        await speak(wire)
        truncate = await wire.hear("conversation.item.truncate")
        assert truncate["audio_end_ms"] == 700
        await wire.until_closed()

    async with ScriptedServer(script).running() as server:
        session, listener = await listening(server)
        session.take_played("a", 700)
        session.stop()
        await until(lambda: session.state.at_rest, 20)
        listener.task.cancel()
        await nothing_left(server, session)
