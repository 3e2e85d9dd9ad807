"""Which tool the practice server calls for what was said, with which arguments, and how it words the result."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, Literal

import pytest
from hypothesis import example, given, strategies as st

from voice_ui.offline.parts import ReplyRequest
from voice_ui.offline.tool_choice import Choice, choose
from voice_ui.protocol import Part, WireItem
from voice_ui.tools import tool


@tool
def get_weather(
    town: str, days: int = 1, unit: Literal["celsius", "fahrenheit"] = "celsius", day: date | None = None
) -> None:
    """Return the weather forecast of a town."""


@tool
def add_to_shopping_list(item: str, amount: int = 1) -> None:
    """Add something to the shopping list."""


@tool
def read_shopping_list() -> None:
    """Read the shopping list."""


@tool
def order_pizza(
    kind: Literal["margherita", "funghi", "quattro stagioni"],
    size: Literal["small", "large"] = "small",
    extra_cheese: bool = False,
) -> None:
    """Order a pizza."""


@tool
def search_archive(words: str) -> None:
    """Search the archive."""


@tool
def add(a: float, b: float) -> None:
    """Add two numbers."""


@tool
def paintColours(colours: list[str]) -> None:
    """Paint the wall."""


TOOLS = tuple(
    each.to_wire()
    for each in (get_weather, add_to_shopping_list, read_shopping_list, order_pizza, search_archive, add, paintColours)
)
NOW = datetime(2026, 11, 26)  # a Thursday


def user(text: str) -> WireItem:
    return WireItem("item_u", role="user", content=(Part("input_audio", transcript=text),))


def asked(*items: WireItem, tools: tuple[dict[str, Any], ...] = TOOLS, tool_choice: Any = "auto") -> Choice | None:
    return choose(ReplyRequest(items, NOW, tools=tools, tool_choice=tool_choice))


def calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    choice = asked(user(text))
    assert choice and not choice.text, choice
    return [(call.name, json.loads(call.arguments)) for call in choice.calls]


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("What is the weather in Paris?", "get_weather", {"town": "Paris"}),
        ("what's the weather in New York tomorrow", "get_weather", {"town": "New York", "day": "2026-11-27"}),
        ("weather for Lyon on Friday", "get_weather", {"town": "Lyon", "day": "2026-11-27"}),
        ("the weather in Lyon on the 24th of December", "get_weather", {"town": "Lyon", "day": "2026-12-24"}),
        ("the weather in Lyon on January 3rd", "get_weather", {"town": "Lyon", "day": "2027-01-03"}),
        (
            "Weather for Aix in Fahrenheit for the next three days",
            "get_weather",
            {"town": "Aix", "days": 3, "unit": "fahrenheit"},
        ),
        ("Add milk to the shopping list.", "add_to_shopping_list", {"item": "milk"}),
        ("add two apples to my shopping list please", "add_to_shopping_list", {"item": "apples", "amount": 2}),
        ("put bread on the shopping list", "add_to_shopping_list", {"item": "bread"}),
        ("what is on my shopping list", "read_shopping_list", {}),
        (
            "Order a large pizza funghi with extra cheese",
            "order_pizza",
            {"kind": "funghi", "size": "large", "extra_cheese": True},
        ),
        (
            "order a pizza quattro stagioni without extra cheese",
            "order_pizza",
            {"kind": "quattro stagioni", "extra_cheese": False},
        ),
        ("search the archive for old maps", "search_archive", {"words": "old maps"}),
        ("Search the archive for “red balloons”", "search_archive", {"words": "red balloons"}),
        ("add seven and five", "add", {"a": 7, "b": 5}),
        ("paint colours red, green and dark blue", "paintColours", {"colours": ["red", "green", "dark blue"]}),
    ],
)
def test_a_question_becomes_a_call(text: str, name: str, arguments: dict[str, Any]) -> None:
    assert calls(text) == [(name, arguments)]


@pytest.mark.parametrize(
    "text",
    ["hello", "tell me a story", "what time is it", "What is seven plus five?", "thank you", "", "the", "?" * 999],
)
def test_what_means_no_tool_is_answered_as_ever(text: str) -> None:
    assert asked(user(text)) is None


def test_two_things_asked_for_at_once_are_two_calls() -> None:
    assert calls("The weather in Paris and the weather in London") == [
        ("get_weather", {"town": "Paris"}),
        ("get_weather", {"town": "London"}),
    ]
    assert [name for name, _ in calls("What is the weather in Paris and add milk to the shopping list.")] == [
        "get_weather",
        "add_to_shopping_list",
    ]


def test_what_is_missing_is_asked_for_and_the_answer_is_understood() -> None:
    question = asked(user("Order a large pizza"))
    assert question == Choice(text="For “order pizza” I need one more thing: which kind?")
    answer = asked(
        user("Order a large pizza"),
        WireItem("item_a", role="assistant", content=(Part("output_text", question.text),)),
        user("Funghi, please."),
    )
    assert answer
    assert [json.loads(call.arguments) for call in answer.calls] == [{"kind": "funghi", "size": "large"}]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"town": "Aix", "sky": "clear", "rain": false}', "Weather: town Aix, sky clear, rain no."),
        ("Clear sky", "Weather: Clear sky."),
        ("[]", "Weather: nothing."),
        ("42", "Weather: 42."),
        ("Error: get_weather failed with ValueError: no.", "Weather: that did not work. get_weather failed with "),
        ("Refused: the person did not", "Weather: not approved."),
        ("Cancelled: the person", "Weather: cancelled."),
        ("x" * 5000, "Weather: xxx"),
    ],
)
def test_a_result_is_put_into_words(output: str, words: str) -> None:
    choice = asked(
        user("The weather in Aix"),
        WireItem("item_f", "function_call", call_id="c", name="get_weather", arguments="{}"),
        WireItem("item_o", "function_call_output", call_id="c", output=output),
    )
    assert choice and choice.text.startswith(words)
    assert len(choice.text) < 700


def test_the_choice_of_the_session_holds() -> None:
    weather = user("What is the weather in Paris?")
    assert asked(weather, tool_choice="none") is None
    assert asked(user("hello"), tool_choice="required") is not None
    forced = asked(weather, tool_choice={"type": "function", "name": "read_shopping_list"})
    assert forced and [call.name for call in forced.calls] == ["read_shopping_list"]
    assert asked(weather, tools=({"type": "mcp", "server_label": "x"},)) is None


SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "required", "enum", "anyOf", "$ref", "items", "format", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(SCHEMAS | st.builds(lambda inner: {"properties": {"x": inner}}, SCHEMAS), st.text(max_size=60))
@example({"properties": {"x": {"type": [{}]}}}, "")
@example({"properties": {"x": {"type": "array", "items": {"type": ["integer", None]}}}}, "")
def test_no_schema_and_no_question_is_too_odd(schema: Any, text: str) -> None:
    odd = {"type": "function", "name": "get_x", "description": "Get x.", "parameters": schema}
    asked(user(text + " get x 7"), tools=(odd,), tool_choice="required")


@pytest.mark.parametrize("kind", [{"type": ["integer", "null"]}, {"anyOf": [{"type": "null"}, {"type": "integer"}]}])
def test_what_may_be_null_is_found_in_both_ways_to_write_it(kind: dict[str, Any]) -> None:
    parameters = {"type": "object", "properties": {"amount": kind}, "required": ["amount"]}
    tool = {"type": "function", "name": "count_sheep", "description": "Count sheep.", "parameters": parameters}
    choice = asked(user("count sheep, amount 7"), tools=(tool,))
    assert choice and [json.loads(call.arguments) for call in choice.calls] == [{"amount": 7}]
