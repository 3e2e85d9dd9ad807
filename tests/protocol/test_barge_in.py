"""Speech over a reply: words cut it short, coughs and “mm-hmm” do not, and whatever was said in words is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.patience import until
from tests.protocol.reader import CONFIG, Reader, session_with
from tests.protocol.speaking import hear, keep_quiet
from tests.servers.scripted import Script, ScriptedServer
from tests.servers.wire import Wire
from tests.servers.words import words
from tests.virtual_time import in_virtual_time
from voice_ui import audio
from voice_ui.protocol import SessionConfig
from voice_ui.session import BargeInPending, Phase, PlaybackCut, RealtimeSession, ReplyAudio, SessionEvent

NEVER = replace(CONFIG, barge_in="never")
AT_ONCE = replace(CONFIG, barge_in="at-once")
SPOKEN = replace(CONFIG, output="audio")


async def replying(wire: Wire) -> None:
    """Begin a reply of some length."""
    await wire.configure()
    await wire.heard_speech("u1", "Tell me a story.")
    await wire.begin_reply("Once upon ", response="r1", item="a1")


async def noticed(wire: Wire, item: str = "u2") -> None:
    await wire.say("input_audio_buffer.speech_started", item_id=item, audio_start_ms=2000)


async def committed(wire: Wire, item: str = "u2") -> None:
    await wire.say("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=3000)
    await wire.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
    content = [{"type": "input_audio", "transcript": None}]
    item_ = {"id": item, "type": "message", "role": "user", "status": "completed", "content": content}
    for event in ("conversation.item.added", "conversation.item.done"):
        await wire.say(event, previous_item_id=None, item=item_)


async def partly(wire: Wire, delta: str, item: str = "u2") -> None:
    name = "conversation.item.input_audio_transcription.delta"
    await wire.say(name, item_id=item, content_index=0, delta=delta)


async def goes_on(wire: Wire) -> None:
    """The rest of the reply."""
    await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta="a time.")
    await wire.end_reply("r1")


@asynccontextmanager
async def talk(script: Script, config: SessionConfig = CONFIG) -> AsyncIterator[tuple[Wire, RealtimeSession, Reader]]:
    """Have a session with one connection."""
    async with ScriptedServer(script).running() as server, session_with(server, config) as (session, reader):
        session.start()
        await until(lambda: len(server.wires) == 1)
        yield server.wires[0], session, reader


def wanted(wire: Wire) -> list[str]:
    """What was asked of the server about responses."""
    return [event["type"] for event in wire.received if event["type"].startswith("response.")]


@pytest.mark.parametrize(
    ("config", "interrupts"),
    [(CONFIG, False), (NEVER, False), (AT_ONCE, True), (replace(CONFIG, transcription_model=None), True)],
)
@in_virtual_time
async def test_the_server_is_told_whether_to_cut_replies_short_by_itself(
    config: SessionConfig, interrupts: bool
) -> None:
    async def holds(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with talk(holds, config) as (wire, session, _):
        await until(lambda: session.state.phase is Phase.LISTENING)
        detection = wire.received[0]["session"]["audio"]["input"]["turn_detection"]
        assert (detection["create_response"], detection["interrupt_response"]) == (True, interrupts)


@pytest.mark.parametrize("transcript", ["", "[cough]", "(laughs)", "Mm-hmm.", "Okay.", "Right", "うん。", "..."])
@pytest.mark.parametrize("refuses", ["silently", "aloud"])
@in_virtual_time
async def test_a_noise_and_a_back_channel_leave_the_reply_alone(transcript: str, refuses: str) -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await asyncio.sleep(0.3)
        await committed(wire)
        if refuses == "aloud":
            await wire.error("conversation_already_has_active_response")
        for at in range(0, len(transcript), 2):
            await partly(wire, transcript[at : at + 2])
        await wire.transcribe("u2", transcript)
        await goes_on(wire)
        await wire.until_closed()

    async with talk(script) as (wire, session, reader):
        await until(lambda: "Once upon a time." in reader.written("assistant"))
        await until(lambda: session.state.phase is Phase.LISTENING)
        await asyncio.sleep(10)
        assert wanted(wire) == []
        assert reader.page() == [[("user", "Tell me a story."), ("assistant", "Once upon a time.")]]
        assert "hearing" not in reader.shown[reader.shown.index("answering") :]
        assert reader.codes == []


@in_virtual_time
async def test_the_first_word_cuts_the_reply_short_and_the_server_answers_the_rest() -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await partly(wire, "Ok")
        await asyncio.sleep(0.3)
        assert wanted(wire) == [], "it may become “okay”"
        await partly(wire, "ay, s")
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await committed(wire)
        await wire.reply("As you wish.", response="r2", item="a2")
        await wire.transcribe("u2", "Okay, stop.")
        await wire.until_closed()

    async with talk(script) as (wire, _, reader):
        await until(lambda: "As you wish." in reader.written("assistant"))
        await asyncio.sleep(10)
        assert wanted(wire) == ["response.cancel"]
        assert reader.page()[1] == [("user", "Okay, stop."), ("assistant", "As you wish.")]
        assert reader.items["a1"].status == "cancelled"
        assert reader.codes == []


@pytest.mark.parametrize("refuses", ["silently", "aloud"])
@in_virtual_time
async def test_words_that_are_known_after_the_commit_are_answered_in_the_free_slot(refuses: str) -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await committed(wire)
        if refuses == "aloud":
            await wire.error("conversation_already_has_active_response")
        await asyncio.sleep(0.2)
        await wire.transcribe("u2", "Stop, please.")
        await wire.hear("response.cancel")
        await asyncio.sleep(0.5)
        assert wanted(wire) == ["response.cancel"], "the slot is taken"
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.reply("As you wish.", response="r2", item="a2")
        await wire.until_closed()

    async with talk(script) as (wire, _, reader):
        await until(lambda: "As you wish." in reader.written("assistant"))
        await asyncio.sleep(10)
        assert wanted(wire) == ["response.cancel", "response.create"]
        assert reader.page()[1] == [("user", "Stop, please."), ("assistant", "As you wish.")]
        assert reader.codes == []


@in_virtual_time
async def test_a_server_that_answers_later_by_itself_is_not_asked_twice() -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await committed(wire)
        await wire.transcribe("u2", "Stop, please.")
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.begin_reply("As you ", response="r2", item="a2")
        create = await wire.hear("response.create")
        await wire.error("conversation_already_has_active_response", event_id=create["event_id"])
        await wire.say("response.output_text.delta", response_id="r2", item_id="a2", delta="wish.")
        await wire.end_reply("r2")
        await wire.until_closed()

    async with talk(script) as (wire, session, reader):
        await until(lambda: "As you wish." in reader.written("assistant"))
        await asyncio.sleep(10)
        assert wanted(wire) == ["response.cancel", "response.create"]
        assert session.state.phase is Phase.LISTENING
        assert reader.codes == []


@pytest.mark.parametrize(("loud_ms", "cuts"), [(400, False), (1000, True)])
@in_virtual_time
async def test_a_voice_that_lasts_cuts_the_reply_short_before_any_word_is_known(loud_ms: int, cuts: bool) -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await wire.hear_words(1)
        await noticed(wire)
        await wire.until_closed()

    async with talk(script) as (wire, session, _):
        await until(lambda: session.state.phase is Phase.ANSWERING)
        await hear(session, words(*range(loud_ms // 200)))
        await keep_quiet(session, 2)
        assert (wanted(wire) == ["response.cancel"]) is cuts


@in_virtual_time
async def test_never_lets_the_reply_end_and_answers_what_was_said_after_it() -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await committed(wire)
        await wire.transcribe("u2", "And then?")
        await asyncio.sleep(1)
        assert wanted(wire) == []
        await goes_on(wire)
        await wire.hear("response.create")
        await wire.reply("The end.", response="r2", item="a2")
        await wire.until_closed()

    async with talk(script, NEVER) as (wire, session, reader):
        await until(lambda: session.state.phase is Phase.ANSWERING)
        await hear(session, words(*range(6)))
        await until(lambda: "The end." in reader.written("assistant"))
        assert wanted(wire) == ["response.create"]
        assert reader.page() == [
            [("user", "Tell me a story."), ("assistant", "Once upon a time.")],
            [("user", "And then?"), ("assistant", "The end.")],
        ]
        assert reader.codes == []


@in_virtual_time
async def test_a_server_that_cuts_replies_short_all_the_same_is_believed() -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await wire.end_reply("r1", "cancelled", "turn_detected")
        await asyncio.sleep(0.5)
        await committed(wire)
        await wire.reply("Yes?", response="r2", item="a2")
        await wire.until_closed()

    async with talk(script) as (wire, _, reader):
        await until(lambda: "Yes?" in reader.written("assistant"))
        assert wanted(wire) == []
        assert reader.codes == []
        assert reader.items["a1"].status == "cancelled"


@pytest.mark.parametrize("transcript", ["failed", "never"])
@in_virtual_time
async def test_what_cannot_be_judged_is_answered(transcript: str) -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await committed(wire)
        if transcript == "failed":
            error = {"type": "server_error", "code": None, "message": "No.", "param": None}
            name = "conversation.item.input_audio_transcription.failed"
            await wire.say(name, item_id="u2", content_index=0, error=error)
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.reply("Yes?", response="r2", item="a2")
        await wire.until_closed()

    async with talk(script) as (_, _, reader):
        await until(lambda: "Yes?" in reader.written("assistant"))
        assert reader.codes == (["transcription-failed"] if transcript == "failed" else [])


@in_virtual_time
async def test_yes_to_a_reply_that_is_over_is_an_answer() -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await goes_on(wire)
        await committed(wire)
        await wire.transcribe("u2", "Yes.")
        await wire.reply("Very well.", response="r2", item="a2")
        await wire.until_closed()

    async with talk(script) as (wire, _, reader):
        await until(lambda: "Very well." in reader.written("assistant"))
        assert reader.page()[1] == [("user", "Yes."), ("assistant", "Very well.")]
        assert wanted(wire) == []


@in_virtual_time
async def test_mm_hmm_that_ends_after_the_reply_gets_no_answer() -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await goes_on(wire)
        await committed(wire)
        await wire.say("response.created", response={"id": "r2", "status": "in_progress"})
        await wire.transcribe("u2", "Mm-hmm.")
        await wire.hear("response.cancel")
        await wire.say("response.output_text.delta", response_id="r2", item_id="a2", delta="What")
        await wire.end_reply("r2", "cancelled", "client_cancelled")
        await wire.until_closed()

    async with talk(script) as (wire, session, reader):
        await until(lambda: "response.cancel" in wanted(wire))
        await until(lambda: session.state.phase is Phase.LISTENING)
        await asyncio.sleep(5)
        assert reader.page() == [[("user", "Tell me a story."), ("assistant", "Once upon a time.")]]
        assert reader.codes == []


@pytest.mark.parametrize("how", ["Escape", "typed"])
@in_virtual_time
async def test_escape_and_a_typed_line_do_not_wait(how: str) -> None:
    async def script(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await committed(wire)
        if how == "Escape":
            await wire.reply("Yes?", response="r2", item="a2")
            await wire.transcribe("u2", "Stop")
        await wire.until_closed()

    async with talk(script) as (_, session, reader):
        await until(lambda: session.state.phase is Phase.ANSWERING)
        await asyncio.sleep(0.1)
        session.interrupt() if how == "Escape" else session.send_text("Stop")
        await until(lambda: "Stop" in reader.written("user"))
        assert reader.codes == []


@in_virtual_time
async def test_what_is_not_decided_when_the_connection_breaks_is_said_again() -> None:
    async def breaks(wire: Wire) -> None:
        await replying(wire)
        await wire.hear_words(2)
        await noticed(wire)
        await committed(wire)
        wire.abort()

    async def hears(wire: Wire) -> None:
        await wire.configure()
        assert await wire.hear_words(2) == [1, 2]
        await wire.heard_speech("u3", "Again")
        await wire.reply("Yes.", response="r3", item="a3")
        await wire.until_closed()

    async with ScriptedServer(breaks, hears).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.ANSWERING)
        await hear(session, words(1, 2))
        await until(lambda: "Yes." in reader.written("assistant"))
        assert reader.codes == []


# Spoken replies, which go on for long after they were sent.


class Page:
    """Takes what a session reports, as a page with a speaker does."""

    def __init__(self, session: RealtimeSession) -> None:
        self.events: list[SessionEvent] = []
        self.task = asyncio.create_task(self._read(session))

    async def _read(self, session: RealtimeSession) -> None:
        async for event in session:
            self.events.append(event)

    @property
    def cuts(self) -> list[bool]:
        return [event.by_speech for event in self.events if isinstance(event, PlaybackCut)]

    @property
    def pending(self) -> list[bool]:
        return [event.pending for event in self.events if isinstance(event, BargeInPending)]

    @property
    def played(self) -> list[str]:
        return [event.item_id for event in self.events if isinstance(event, ReplyAudio)]


async def speak(wire: Wire, response: str, item: str) -> None:
    place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
    await wire.say("response.created", response={"id": response, "status": "in_progress"})
    await wire.say("response.output_audio_transcript.delta", **place, delta="Once upon a time. ")
    await wire.say("response.output_audio.delta", **place, delta=audio.encode(audio.silence(5000)))
    await wire.say("response.output_audio.done", **place)


@pytest.mark.parametrize("transcript", ["", "Mm-hmm", "Stop it."])
@in_virtual_time
async def test_a_cough_over_a_spoken_reply_lets_the_voice_go_on(transcript: str) -> None:
    is_speech = transcript == "Stop it."

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story.")
        await speak(wire, "r1", "a1")
        await wire.end_reply("r1")
        await noticed(wire)
        await committed(wire)
        await speak(wire, "r2", "a2")  # the server answers at once, whatever it was
        await wire.transcribe("u2", transcript)
        if not is_speech:
            await wire.hear("response.cancel")
        await wire.end_reply("r2", "completed" if is_speech else "cancelled")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server:
        session = RealtimeSession(server.endpoint, SPOKEN, plays=True)
        page = Page(session)
        session.start()
        await until(lambda: "a1" in page.played)
        session.take_played("a1", 800)
        await until(lambda: page.pending == [True, False])
        await asyncio.sleep(1)
        assert page.cuts == ([True] if is_speech else [])
        assert page.played == (["a1", "a2"] if is_speech else ["a1"])
        assert session.state.phase is Phase.ANSWERING
        await session.close()
        page.task.cancel()


@in_virtual_time
async def test_after_stop_it_is_decided_although_the_server_says_nothing_more() -> None:
    async def silent(wire: Wire) -> None:
        await replying(wire)
        await noticed(wire)
        await wire.until_closed()

    async with ScriptedServer(silent).running() as server, RealtimeSession(server.endpoint, CONFIG) as session:
        page = Page(session)
        session.start()
        await until(lambda: page.pending == [True])
        session.stop()
        await until(lambda: page.pending == [True, False], 5)
        page.task.cancel()
