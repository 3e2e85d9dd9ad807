"""Every fault of the offline server, as a plain websocket client sees it on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.patience import SECOND, within
from tests.protocol.offline_client import Parrot, question
from tests.servers.faulty import FaultyServer, faults, serve
from voice_ui import audio


class Witness:
    """Holds one spoken turn as well as the server lets it, and remembers everything."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.messages: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for event in map(_event, self.messages) if event]

    def all(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type]

    async def talk(self, *, until: str = "response.done", patience: float = 5) -> None:
        """Configure, speak, and listen until an event of a type, the end, or nothing more for a while."""
        session = {"type": "realtime", "output_modalities": ["text"], "audio": {"input": LISTENING}}
        try:
            await self._send("session.update", event_id="cfg", session=session)
            pcm = question()
            for start in range(0, len(pcm), 4800):
                await self._send("input_audio_buffer.append", audio=audio.encode(pcm[start : start + 4800]))
        except ConnectionClosed:
            pass
        await self.listen(until, patience)

    async def listen(self, until: str, patience: float) -> None:
        try:
            async with asyncio.timeout(patience * SECOND):
                while not self.all(until):
                    self.messages.append(await self.websocket.recv())
        except TimeoutError:
            pass
        except ConnectionClosed as error:
            self.closed = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")

    async def _send(self, type: str, **fields: Any) -> None:
        await self.websocket.send(json.dumps({"type": type, **fields}))


LISTENING = {"transcription": {"model": "any"}, "turn_detection": {"type": "server_vad"}}


def _event(message: str | bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(message)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


@asynccontextmanager
async def failing(fault: str) -> AsyncIterator[FaultyServer]:
    async with serve(recognizer=Parrot(), fault=fault) as offline:
        yield offline


@asynccontextmanager
async def witness(fault: str) -> AsyncIterator[Witness]:
    async with failing(fault) as offline, connect(offline.url, max_size=None, ping_interval=None) as websocket:
        yield Witness(websocket)


HANDSHAKES = {
    "handshake-401": 401,
    "handshake-403": 403,
    "handshake-404": 404,
    "handshake-429": 429,
    "handshake-429:7": 429,
    "handshake-500": 500,
    "html": 200,
    "handshake-redirect": 200,
}


@pytest.mark.parametrize("fault", HANDSHAKES)
async def test_the_upgrade_is_answered_with_something_else(fault: str) -> None:
    async with failing(fault) as offline:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(offline.url):
                pass
    response = refused.value.response
    assert response.status_code == HANDSHAKES[fault]
    assert response.headers["Content-Type"].startswith("text/html" if HANDSHAKES[fault] == 200 else "application/json")
    if "429" in fault:
        assert response.headers["Retry-After"] == ("7" if fault.endswith(":7") else "20")


async def test_the_upgrade_is_never_answered() -> None:
    async with failing("handshake-silent") as offline:
        with pytest.raises(TimeoutError):
            async with connect(offline.url, open_timeout=0.3 * SECOND):
                pass


GREETINGS = {
    "key-refused": ("invalid_request_error", "invalid_api_key", 3000),
    "no-model-access": ("invalid_request_error", "model_not_found", 4004),
    "model-retired": ("invalid_request_error", "model_not_found", 4004),
    "model-unknown": ("invalid_request_error", "invalid_model", 4000),
    "beta-disabled": ("invalid_request_error", "beta_api_shape_disabled", 4000),
    "no-quota": ("insufficient_quota", "credit_balance_exhausted", 1013),
    "session-limit": ("server_error", "session_limit_reached", 1013),
}


@pytest.mark.parametrize("fault", GREETINGS)
async def test_the_first_word_is_an_error_and_the_last(fault: str) -> None:
    kind, code, close_code = GREETINGS[fault]
    async with witness(fault) as client:
        await client.listen("session.created", 5)
        (event,) = client.events
        assert (event["error"]["type"], event["error"]["code"]) == (kind, code)
        assert client.closed == (close_code, f"{kind}.{code}")


async def test_a_client_of_the_beta_is_refused_as_openai_does() -> None:
    async with serve(recognizer=Parrot()) as offline:
        async with connect(offline.url, additional_headers={"OpenAI-Beta": "realtime=v1"}) as websocket:
            client = Witness(websocket)
            await client.listen("session.created", 5)
    assert client.events[0]["error"]["code"] == "beta_api_shape_disabled"
    assert client.closed == (4000, "invalid_request_error.beta_api_shape_disabled")


async def test_nothing_is_said_after_the_handshake() -> None:
    async with witness("no-session-created") as client:
        await client.talk(patience=0.5)
        assert client.messages == []
        assert client.closed is None


async def test_the_update_is_never_answered() -> None:
    async with witness("no-session-updated") as client:
        await client.talk()
        assert client.all("session.created")
        assert not client.all("session.updated")
        assert client.all("response.done")


async def test_the_update_is_refused() -> None:
    async with witness("update-rejected") as client:
        await client.talk(until="error")
        error = client.all("error")[0]["error"]
        assert (error["code"], error["param"], error["event_id"]) == ("unknown_parameter", "session.audio", "cfg")
        assert not client.all("session.updated")


async def test_the_update_is_ignored() -> None:
    async with witness("update-ignored") as client:
        await client.talk()
        assert client.all("session.updated")[0]["session"]["output_modalities"] == ["audio"]


async def test_the_transcription_fails_and_the_reply_comes() -> None:
    async with witness("transcription-failed") as client:
        await client.talk()
        names = [event["type"].rpartition(".")[2] for event in client.events if "transcription" in event["type"]]
        assert names == ["failed"]
        assert client.all("response.done")[0]["response"]["status"] == "completed"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("response-failed", "server_error"),
        ("rate-limited", "rate_limit_exceeded"),
        ("quota-in-response", "insufficient_quota"),
    ],
)
async def test_the_reply_fails(fault: str, code: str) -> None:
    async with witness(fault) as client:
        await client.talk()
        (response,) = [event["response"] for event in client.all("response.done")]
        assert response["status"] == response["status_details"]["type"] == "failed"
        assert response["status_details"]["error"]["code"] == code
        assert not client.all("response.output_text.delta")


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("response-incomplete-filter", "incomplete", "content_filter"),
        ("response-incomplete-tokens", "incomplete", "max_output_tokens"),
        ("response-cancelled", "cancelled", "client_cancelled"),
    ],
)
async def test_the_reply_is_cut_short(fault: str, status: str, reason: str) -> None:
    async with witness(fault) as client:
        await client.talk()
        (response,) = [event["response"] for event in client.all("response.done")]
        assert (response["status"], response["status_details"]["reason"]) == (status, reason)
        assert len(client.all("response.output_text.delta")) == 3
        assert client.all("response.output_text.done")


async def test_the_reply_is_full_of_markup() -> None:
    async with witness("reply-markup") as client:
        await client.talk()
        text = client.all("response.output_text.done")[0]["text"]
        assert "<script>" in text
        assert "<img" in text


async def test_the_reply_is_long() -> None:
    async with witness("reply-long") as client:
        await client.talk(patience=20)
        assert len(client.all("response.output_text.done")[0]["text"]) >= 20_000


async def test_the_session_expires() -> None:
    async with witness("expired:0.5") as client:
        await client.listen("nothing", 5)
        assert client.all("error")[0]["error"]["code"] == "session_expired"
        assert client.closed is not None
        assert client.closed[0] == 1001


async def test_the_connection_drops_in_mid_speech() -> None:
    async with witness("lost") as client:
        await client.talk()
        assert client.all("input_audio_buffer.speech_started")
        assert client.closed == (1006, "")


async def test_the_connection_freezes() -> None:
    async with witness("half-open") as client:
        await client.talk(patience=0.5)
        assert client.events[-1]["type"] == "input_audio_buffer.speech_started"
        assert client.closed is None
        pong = await client.websocket.ping()
        with pytest.raises(TimeoutError):
            await within(0.3, pong)
        client.websocket.transport.abort()


@pytest.mark.parametrize(("fault", "code"), [("server-error", 1011), ("server-restart", 1012)])
async def test_the_server_goes_down_when_the_reply_begins(fault: str, code: int) -> None:
    async with witness(fault) as client:
        await client.talk()
        assert client.all("response.created")
        assert bool(client.all("error")) == (fault == "server-error")
        assert client.closed is not None
        assert client.closed[0] == code


async def test_audio_is_never_answered() -> None:
    async with witness("stall") as client:
        await client.talk(patience=0.5)
        assert [event["type"] for event in client.events] == ["session.created", "session.updated"]
        assert client.closed is None


async def test_the_reply_never_comes() -> None:
    async with witness("stall-reply") as client:
        await client.talk(patience=1)
        assert client.all("response.created")
        assert not [event for event in client.events if event["type"].startswith("response.output")]
        assert not client.all("response.done")


async def test_everything_is_late() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with witness("slow:50") as client:
        await client.talk(patience=30)
        assert client.all("response.done")
        assert loop.time() - began > 0.05 * len(client.events)


async def test_nonsense_comes_between() -> None:
    async with witness("garbage") as client:
        await client.talk(until="response.output_item.done")
        while not any(event["response"] != "done" for event in client.all("response.done")):
            client.messages.append(await within(5, client.websocket.recv()))
        assert any(isinstance(message, bytes) for message in client.messages)
        assert "this is not JSON" in client.messages
        assert client.all("nobody.knows.this")
        (done,) = [event["response"] for event in client.all("response.done") if event["response"] != "done"]
        text = "".join(str(event["delta"]) for event in client.all("response.output_text.delta") if "event_id" in event)
        assert done["output"][0]["content"][0]["text"] == text


async def test_one_message_is_too_long_for_anybody() -> None:
    async with witness("oversized") as client:
        await client.talk(until="response.output_text.delta", patience=20)
        assert max(len(message) for message in client.messages) > 16 * 1024 * 1024


async def test_a_fault_is_over_when_the_server_is_started_without_it() -> None:
    async with serve(recognizer=Parrot()) as offline, connect(offline.url) as websocket:
        client = Witness(websocket)
        await client.talk()
        assert client.all("response.done")[0]["response"]["status"] == "completed"


def test_every_fault_is_described_and_has_a_test_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    for name, fault in faults.FAULTS.items():
        assert f'"{name}' in source, name
        assert name in faults.listing()
        assert fault.about


@pytest.mark.parametrize("wrong", ["nonsense", "lost:3", "slow:much", "slow:-1", "expired:", ""])
def test_a_fault_that_does_not_exist_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        faults.parse(wrong)
