"""A chat model answers over a real socket, and each way in which it can fail has its own code."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from tests.patience import until, within
from tests.servers.chat import Answer, call, chat_server, event, failing, streamed
from voice_ui.errors import CODES, code_from_wire
from voice_ui.offline import defaults
from voice_ui.offline.chat import ChatEndpoint, ChatModel, failures
from voice_ui.offline.ollama import LocalModels
from voice_ui.offline.parts import Invocation, ReplyFailed, ReplyRequest
from voice_ui.protocol import Part, WireItem
from voice_ui.settings import Secret

KEY = "sk-local-0123456789abcdef"


def request(text: str = "Hello?") -> ReplyRequest:
    item = WireItem(role="user", content=(Part("input_text", text),))
    return ReplyRequest(items=(item,), now=datetime(2026, 11, 26), instructions="Be brief.")


def model(url: str, name: str = "small", wait_seconds: float = 20) -> ChatModel:
    return ChatModel(ChatEndpoint(url, name, Secret(KEY)), wait_seconds=wait_seconds)


async def pieces(reply: AsyncGenerator[str | Invocation, None]) -> list[str | Invocation]:
    async with asyncio.timeout(20):
        return [piece async for piece in reply]


async def test_it_answers_in_the_pieces_that_come() -> None:
    async with chat_server(streamed("Hel", "lo", " there.")) as chat:
        assert await pieces(model(chat.url).reply(request())) == ["Hel", "lo", " there."]
        (asked,) = chat.asked
        assert asked.path == "/v1/chat/completions"
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert asked.body["model"] == "small"
        assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]


async def test_it_calls_tools() -> None:
    lines = [event("Wait. "), call(0, '{"city":', "get_weather"), call(0, ' "Rome"}'), event(finish="tool_calls")]
    async with chat_server(Answer([*lines, "data: [DONE]\n"])) as chat:
        found = await pieces(model(chat.url).reply(request()))
        assert found == ["Wait. ", Invocation("get_weather", '{"city": "Rome"}')]


async def test_without_a_name_the_first_model_is_used() -> None:
    async with chat_server(streamed("Hi"), models=["first", "second"]) as chat:
        answering = model(chat.url, "")
        for _ in range(2):
            assert await pieces(answering.reply(request())) == ["Hi"]
        assert [asked.path for asked in chat.asked] == ["/v1/models", *["/v1/chat/completions"] * 2]
        assert chat.asked[1].body["model"] == "first"


async def test_a_server_that_does_not_stream_is_understood() -> None:
    body = '{"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}'
    async with chat_server(Answer([body], content_type="application/json; charset=utf-8")) as chat:
        assert await pieces(model(chat.url).reply(request())) == ["Hello."]


async def test_of_a_conversation_that_is_too_long_the_end_is_sent() -> None:
    items = tuple(WireItem(role="user", content=(Part("input_text", f"{number}"),)) for number in range(10))
    async with chat_server(streamed("Hi")) as chat:
        chat.room = 4
        assert await pieces(model(chat.url).reply(ReplyRequest(items=items, now=request().now))) == ["Hi"]
        assert [message["content"] for message in chat.asked[-1].body["messages"]] == ["8", "9"]
        chat.room = 0
        with pytest.raises(ReplyFailed) as caught:
            await pieces(model(chat.url).reply(request()))
        assert caught.value.code == failures.TOO_LONG


async def test_an_interruption_cancels_the_request() -> None:
    async with chat_server(Answer([event("Once upon")], hangs=True)) as chat:
        reply = model(chat.url).reply(request())
        assert await within(10, anext(reply)) == "Once upon"
        await reply.aclose()
        await within(10, chat.hung_up.wait())


async def test_a_cancelled_wait_cancels_the_request_too() -> None:
    async with chat_server(Answer(hangs=True)) as chat:
        waiting = asyncio.create_task(pieces(model(chat.url).reply(request())))
        await until(lambda: chat.asked)
        waiting.cancel()
        await within(10, chat.hung_up.wait())
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_without_words_the_model_is_not_asked() -> None:
    async with chat_server(streamed("Hi")) as chat:
        (text,) = await pieces(model(chat.url).reply(request(" ")))
        assert "no words" in str(text)
        assert chat.asked == []


FAILURES = {
    "model": (failing(404, '{"error": {"message": "model \\"small\\" not found"}}'), failures.NO_MODEL),
    "key": (failing(401, '{"error": {"message": "Incorrect API key provided"}}'), failures.KEY_REFUSED),
    "memory": (failing(500, '{"error": "model requires more system memory"}'), failures.OUT_OF_MEMORY),
    "failure": (failing(500, "oops"), failures.FAILED),
    "busy": (failing(503, '{"error": {"message": "Loading model"}}'), failures.BUSY),
    "refusal": (failing(400, '{"error": {"message": "does not support tools"}}'), failures.REFUSED),
    "silence": (Answer(hangs=True), failures.TIMEOUT),
    "a stall": (Answer([event("Once")], hangs=True), failures.TIMEOUT),
    "a web page": (Answer(["<html>Log in</html>"], content_type="text/html"), failures.MALFORMED),
    "a status page": (Answer(['{"status": "ok"}'], content_type="application/json"), failures.MALFORMED),
    "garbage": (Answer(["data: {nonsense"]), failures.MALFORMED),
    "an error in the middle": (
        Answer([event("Once"), 'data: {"error": {"message": "CUDA out of memory"}}']), failures.OUT_OF_MEMORY
    ),
    "a lost connection": (Answer([event("Once")], breaks=True), failures.FAILED),
    "an early end": (Answer([event("Once")]), failures.FAILED),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_each_failure_has_its_code_and_no_secret(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer, code = FAILURES[name]
    wait = 0.3 if code == failures.TIMEOUT else 20
    async with chat_server(answer) as chat:
        with pytest.raises(ReplyFailed) as caught:
            await pieces(model(chat.url, wait_seconds=wait).reply(request()))
    assert caught.value.code == code
    assert code_from_wire(code, default="") in CODES
    assert KEY not in f"{caught.value}" + caplog.text
    assert chat.url.removesuffix("/v1") in f"{caught.value}"


async def test_where_nothing_listens_it_says_so() -> None:
    async with chat_server(streamed()) as chat:
        pass
    for name in ("small", ""):
        with pytest.raises(ReplyFailed) as caught:
            await pieces(model(chat.url, name).reply(request()))
        assert caught.value.code == failures.UNREACHABLE


async def test_a_server_without_a_model_says_so() -> None:
    async with chat_server(streamed("Hi"), models=[]) as chat:
        with pytest.raises(ReplyFailed) as caught:
            await pieces(model(chat.url, "").reply(request()))
        assert caught.value.code == failures.NO_MODEL


@pytest.mark.parametrize(
    ("body", "found"),
    [('{"models": [{"name": "llama3.2:3b"}, {"name": "qwen3:8b", "details": {"family": "qwen3"}}]}',
      ["llama3.2:3b", "qwen3:8b"]),
     ('{"models": [{"name": "nomic-embed-text", "details": {"family": "nomic-bert"}}]}', []),
     ('{"models": [{"name": "gpt-oss:120b-cloud", "remote_host": "https://ollama.com:443"}]}', []),
     ("{}", []), ("[]", []), ("<html>", []), ('{"models": [1]}', [])],
)  # fmt: skip
async def test_an_ollama_is_found(body: str, found: list[str]) -> None:
    async with chat_server(Answer(), tags=body) as chat:
        address = chat.url.removesuffix("/v1")
        assert await within(10, LocalModels(defaults.parts(), address).find()) == found
    assert await within(10, LocalModels(defaults.parts(), address).find()) == []
