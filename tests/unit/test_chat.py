"""The chat API's side of a chat model, without a socket: what it is given, what it sends, what its errors mean."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.servers.chat import call, event
from voice_ui.offline.chat import context, failures
from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.chat.stream import ChatStream, MalformedChunk, ServerSaid
from voice_ui.offline.parts import Invocation, ReplyRequest
from voice_ui.protocol import Part, WireItem
from voice_ui.settings import Secret

NOW = datetime(2026, 11, 26, 10, 15)
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def said(role: str, text: str) -> WireItem:
    kind = "output_text" if role == "assistant" else "input_text"
    return WireItem(role=role, content=(Part(kind, text),))


def text_of(*lines: str) -> str:
    stream = ChatStream()
    return "".join(stream.process(line) for line in lines) + stream.finish()


@pytest.mark.parametrize(
    ("pasted", "base"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("http://localhost:8080/v1/chat/completions", "http://localhost:8080/v1"),
        ("https://host/llm/v1/models?x=1", "https://host/llm/v1"),
    ],
)
def test_what_people_paste_as_the_address_is_corrected(pasted: str, base: str) -> None:
    assert ChatEndpoint(pasted).base == base


def test_an_endpoint_shows_no_secret() -> None:
    endpoint = ChatEndpoint("https://user:hunter22@host/v1", "small", Secret("sk-local-0123456789abcdef"))
    assert endpoint.place == "https://host/v1"
    assert "hunter22" not in repr(endpoint) and "0123456789" not in repr(endpoint)
    assert "0123456789" not in repr(endpoint.requests_to)


def test_the_conversation_becomes_messages() -> None:
    request = ReplyRequest(
        items=(
            WireItem(role="user", content=(Part("input_audio", transcript="What's the weather in Rome?"),)),
            WireItem(role="user", content=(Part("input_audio", transcript=None),)),
            said("assistant", "One moment."),
            WireItem(type="function_call", call_id="c1", name="get_weather", arguments='{"city": "Rome"}'),
            WireItem(type="function_call", call_id="c2", name="get_weather", arguments=""),
            WireItem(type="function_call_output", call_id="c1", output="sunny"),
        ),
        now=NOW,
        instructions="Be brief.",
        tools=(WEATHER,),
        tool_choice={"type": "function", "name": "get_weather"},
        language="en",
        spoken=True,
        max_output_tokens=50,
    )
    body = context.body(request, "small")
    system, user, assistant, tool = body["messages"]
    assert system["role"] == "system"
    assert system["content"].startswith("Be brief.") and "read aloud" in system["content"]
    assert user == {"role": "user", "content": "What's the weather in Rome?"}
    assert assistant["content"] == "One moment."
    assert [each["id"] for each in assistant["tool_calls"]] == ["c1", "c2"]
    assert assistant["tool_calls"][1]["function"] == {"name": "get_weather", "arguments": "{}"}
    assert tool == {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    assert body["tools"] == [{"type": "function", "function": {k: v for k, v in WEATHER.items() if k != "type"}}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert body["max_tokens"] == 50 and body["stream"] is True and body["model"] == "small"


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    body = context.body(ReplyRequest(items=(said("user", "Hi"),), now=NOW), "small")
    assert body.keys() == {"model", "stream", "messages"}
    assert body["messages"] == [{"role": "user", "content": "Hi"}]


def test_a_conversation_that_is_too_long_loses_its_older_half() -> None:
    items = [said("user", "1"), said("assistant", "2"), WireItem(type="function_call", call_id="c", name="now")]
    items += [WireItem(type="function_call_output", call_id="c", output="noon"), said("user", "3")]
    shortened = context.shorter(ReplyRequest(items=tuple(items), now=NOW))
    assert shortened is not None
    assert [item.text for item in shortened.items] == ["3"]
    assert context.shorter(shortened) is None


def test_text_comes_as_it_is_streamed() -> None:
    stream = ChatStream()
    assert stream.process(event("Hello")) == "Hello"
    assert stream.process(": a comment") == stream.process("") == stream.process("event: x") == ""
    assert not stream.over
    assert stream.process(event(finish="stop")) == ""
    assert stream.over


def test_calls_are_put_together() -> None:
    stream = ChatStream()
    for line in (call(0, "", "get_weather"), call(0, '{"city"'), call(1, "{}", "now"), call(0, ': "Rome"}')):
        assert stream.process(line) == ""
    assert stream.calls == [Invocation("get_weather", '{"city": "Rome"}'), Invocation("now", "{}")]


def test_calls_without_an_index_and_with_an_object_are_understood() -> None:
    stream = ChatStream()
    stream.process(event(tool_calls=[{"function": {"name": "now", "arguments": {"zone": "UTC"}}}]))
    assert stream.calls == [Invocation("now", '{"zone": "UTC"}')]


@given(st.lists(st.integers(1, 5), max_size=30))
def test_thoughts_are_left_out_however_they_are_cut(lengths: list[int]) -> None:
    text = "A<think>one < two</think>\n\nB <thin C"
    pieces, at = [], 0
    for length in lengths:
        pieces.append(text[at : at + length])
        at += length
    assert text_of(*map(event, [*pieces, text[at:]])) == "AB <thin C"


def test_thoughts_that_never_end_are_no_reply() -> None:
    assert text_of(event("<think>for ever")) == ""


@pytest.mark.parametrize(
    "line",
    ["data: nonsense", "data: [1]", 'data: {"choices": [7]}', 'data: {"choices":[{"delta":{"tool_calls":[1]}}]}'],
)
def test_nonsense_is_reported(line: str) -> None:
    with pytest.raises(MalformedChunk):
        ChatStream().process(line)


@pytest.mark.parametrize(
    "line",
    ['data: {"error": {"message": "out of memory", "code": 500}}', 'error: {"message": "out of memory"}',
     'data: {"error": "out of memory"}'],
)  # fmt: skip
def test_an_error_in_the_middle_is_reported(line: str) -> None:
    with pytest.raises(ServerSaid, match="^out of memory$"):
        ChatStream().process(line)


def test_a_server_that_does_not_stream_is_understood() -> None:
    message: dict[str, Any] = {"content": "<think>hm</think>Hello.", "tool_calls": [{"function": {"name": "now"}}]}
    stream = ChatStream()
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert stream.whole(body) == "Hello."
    assert stream.calls == [Invocation("now", "{}")]
    with pytest.raises(MalformedChunk):
        ChatStream().whole('{"status": "ok"}')


@given(st.text(max_size=80) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_line_does_anything_else(text: str) -> None:
    stream = ChatStream()
    try:
        assert isinstance(stream.process(f"data:{text}"), str)
    except (MalformedChunk, ServerSaid):
        pass


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, "", failures.KEY_REFUSED),
        (403, "", failures.KEY_REFUSED),
        (404, '{"error":{"message":"model \\"small\\" not found, try pulling it first"}}', failures.NO_MODEL),
        (404, '{"detail":"Not Found"}', failures.MALFORMED),
        (404, "<html>nginx</html>", failures.NO_MODEL),
        (500, '{"error":"model requires more system memory (5.6 GiB) than is available"}', failures.OUT_OF_MEMORY),
        (500, "CUDA out of memory", failures.OUT_OF_MEMORY),
        (500, "", failures.FAILED),
        (502, "<html>", failures.FAILED),
        (429, "", failures.BUSY),
        (503, '{"error":{"message":"Loading model"}}', failures.BUSY),
        (400, '{"error":{"message":"request (3504 tokens) exceeds the available context size"}}', failures.TOO_LONG),
        (400, '{"error":{"message":"small does not support tools"}}', failures.REFUSED),
    ],
)
def test_what_a_status_means(status: int, body: str, code: str) -> None:
    failed = failures.of_status(status, body, ChatEndpoint("http://localhost:1/v1"), "small")
    assert failed.code == code
    assert str(status) in f"{failed}" and "<" not in f"{failed}"


def test_a_chat_model_is_told_of_an_image_that_it_cannot_see() -> None:
    shown = WireItem("a", role="user", content=(Part("input_text", "What is it?"), Part("input_image")))
    (message,) = context.messages([shown])
    assert message == {"role": "user", "content": f"What is it?\n\n{context.UNSEEN}"}
