"""The offline server over real sockets: who comes in, what a turn is on the wire, and what is left after it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.patience import until, within
from tests.protocol.offline_client import Client, Parrot, client_of, half_a_question, question
from voice_ui import audio
from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.server import PracticeServer, serve


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
async def offline(parrot: Parrot) -> AsyncIterator[PracticeServer]:
    async with serve(recognizer=parrot) as offline:
        yield offline
    assert parrot.closed
    assert offline.sessions == 0


async def test_the_session_is_called_by_the_model_the_client_asks_for(offline: PracticeServer) -> None:
    assert offline.url.startswith("ws://127.0.0.1:")
    assert offline.url.endswith("/v1/realtime")
    headers = {"Authorization": "Bearer sk-anything"}
    async with client_of(f"{offline.url}?model=gpt-realtime-2.1", additional_headers=headers) as client:
        assert client.events[0]["session"]["model"] == "gpt-realtime-2.1"
    async with client_of(offline.url) as client:
        assert client.events[0]["session"]["model"] == "offline-practice"


async def test_a_spoken_turn(offline: PracticeServer, parrot: Parrot) -> None:
    async with client_of(offline.url) as client:
        await client.configure(audio={"input": {"transcription": {"model": "any"}}})
        await client.say(question())
        done = await client.hear("response.done")
    completed = client.all("conversation.item.input_audio_transcription.completed")
    assert completed[0]["transcript"] == "what is seven plus five"
    deltas = [event["delta"] for event in client.all("response.output_text.delta")]
    assert len(deltas) >= 3
    assert "".join(deltas) == done["response"]["output"][0]["content"][0]["text"]
    assert "12" in "".join(deltas) or "twelve" in "".join(deltas)
    assert done["response"]["usage"]["input_token_details"]["audio_tokens"] > 5
    started = client.all("input_audio_buffer.speech_started")[0]["audio_start_ms"]
    stopped = client.all("input_audio_buffer.speech_stopped")[0]["audio_end_ms"]
    assert parrot.fed == pytest.approx((stopped - started) * 48, abs=100 * 48)


async def test_everything_a_client_can_ask_for_is_answered_in_the_words_of_the_protocol(
    offline: PracticeServer,
) -> None:
    async with client_of(offline.url) as client:
        await client.configure(audio={"input": {"transcription": {"model": "whisper-1"}, "turn_detection": None}})
        await client.say(question())
        await client.send("input_audio_buffer.commit")
        await client.hear("conversation.item.input_audio_transcription.completed")
        await client.say(half_a_question())
        await client.send("input_audio_buffer.clear")
        await client.hear("input_audio_buffer.cleared")
        await client.type_in("good day")
        added = await client.hear("conversation.item.done")
        item_id = added["item"]["id"]
        await client.send("response.create")
        await client.hear("response.output_text.delta")
        await client.send("response.create")
        await client.hear("error")
        await client.send("response.cancel")
        await client.hear("response.done")
        await client.send("conversation.item.retrieve", item_id=item_id)
        await client.hear("conversation.item.retrieved")
        await client.send("conversation.item.delete", item_id=item_id)
        await client.hear("conversation.item.deleted")
        await client.configure(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
        await client.type_in("help")
        await client.send("response.create")
        await client.hear("response.output_text.delta")
        await client.say(question())
        interrupted = await client.hear("response.done")
        assert interrupted["response"]["status_details"]["reason"] == "turn_detected"
        await client.hear("response.done")


async def test_what_is_no_event_is_answered_with_an_error_and_the_session_goes_on(offline: PracticeServer) -> None:
    async with client_of(offline.url) as client:
        codes = []
        too_long = json.dumps({"type": "input_audio_buffer.append", "audio": "A" * (9 << 19)})
        for message in (b"\x00\x01", "not json", '{"type":"nonsense"}', too_long):
            await client.websocket.send(message)
            codes.append((await client.hear("error"))["error"]["code"])
        assert codes == ["invalid_event", "invalid_json", "invalid_value", "string_above_max_length"]
        await client.configure()


async def test_two_clients_never_meet(offline: PracticeServer) -> None:
    async with client_of(offline.url) as one, client_of(offline.url) as other:
        for client, text in ((one, "first"), (other, "second")):
            await client.configure()
            await client.type_in(text)
            await client.send("response.create")
        for client, mine, theirs in ((one, "first", "second"), (other, "second", "first")):
            text = json.dumps(await client.hear("response.done"))
            assert mine in text
            assert theirs not in text


async def test_a_client_that_leaves_takes_everything_with_it(offline: PracticeServer, parrot: Parrot) -> None:
    before = asyncio.all_tasks()
    async with client_of(offline.url) as writing, client_of(offline.url) as speaking:
        await writing.configure()
        await writing.type_in("help")
        await writing.send("response.create")
        await writing.hear("response.output_text.delta")
        await speaking.say(half_a_question())
        await speaking.hear("input_audio_buffer.speech_started")
        assert parrot.open == 1
        assert offline.sessions == 2
        speaking.websocket.transport.abort()
    await until(lambda: offline.sessions == 0)
    assert parrot.open == 0
    await until(lambda: asyncio.all_tasks() <= before, what="no task is left")


async def test_a_client_that_leaves_while_its_words_are_recognised_leaves_nothing_either(
    offline: PracticeServer, parrot: Parrot
) -> None:
    before = asyncio.all_tasks()
    parrot.thinking = True
    async with client_of(offline.url) as client:
        await client.say(question())
        await client.hear("response.created")
        assert parrot.open == 1
    await until(lambda: offline.sessions == 0)
    assert parrot.open == 0
    await until(lambda: asyncio.all_tasks() <= before, what="no task is left")


async def test_a_minute_in_one_message_does_not_hold_up_the_others(offline: PracticeServer) -> None:
    async with client_of(offline.url) as long, client_of(offline.url) as other:
        await other.configure()
        await long.send("input_audio_buffer.append", audio=audio.encode(audio.silence(60_000)))
        await within(1, other.configure())


async def test_a_session_ends_when_its_time_is_over(parrot: Parrot) -> None:
    async with serve(recognizer=parrot, session_seconds=0.3) as offline, client_of(offline.url) as client:
        error = await client.hear("error")
        assert error["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await within(5, client.websocket.recv())
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


async def failed_turn(offline: PracticeServer) -> Client:
    async with client_of(offline.url) as client:
        await client.configure(audio={"input": {"transcription": {"model": "any"}}})
        await client.say(question())
        await client.hear("conversation.item.input_audio_transcription.failed")
        await client.hear("response.done")
    return client


async def test_without_a_recogniser_the_server_runs_and_says_what_is_missing() -> None:
    parrot = Parrot()
    parrot.error = RecognizerUnavailable("pocketsphinx is not installed")
    async with serve(recognizer=parrot) as offline:
        with pytest.raises(RecognizerUnavailable):
            await offline.warm()
        client = await failed_turn(offline)
    assert "pocketsphinx is not installed" in client.all("response.output_text.done")[0]["text"]


async def test_a_recogniser_that_breaks_does_not_break_the_session(
    offline: PracticeServer, parrot: Parrot, caplog: pytest.LogCaptureFixture
) -> None:
    parrot.error = ZeroDivisionError("a bug")
    await failed_turn(offline)
    assert "a bug" in caplog.text


@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/realtime/translations"])
async def test_elsewhere_there_is_nothing(offline: PracticeServer, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(offline.url.replace("/v1/realtime", path)):
            pass
    assert refused.value.response.status_code == HTTPStatus.NOT_FOUND


async def test_a_browser_that_looks_is_told_what_this_is(offline: PracticeServer) -> None:
    def get() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(offline.url.replace("ws://", "http://")) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    status, text = await asyncio.to_thread(get)
    assert status == HTTPStatus.UPGRADE_REQUIRED
    assert "websocket" in text


async def test_a_browser_may_bring_its_key_as_a_subprotocol_and_nothing_is_compressed(offline: PracticeServer) -> None:
    protocols = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.ek_1")]
    async with connect(offline.url, subprotocols=protocols) as websocket:
        assert websocket.subprotocol == "realtime"
        assert websocket.protocol.extensions == []
        assert websocket.request is not None
        assert "permessage-deflate" in websocket.request.headers["Sec-WebSocket-Extensions"]
