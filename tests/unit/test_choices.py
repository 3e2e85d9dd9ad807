"""What a visitor can choose; what a browser remembers is not trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from voice_ui.page.choices import Choices
from voice_ui.protocol import SessionConfig

CONFIG = SessionConfig("Be brief.", reasoning_effort="low")
OWNERS = Choices.of("gpt-realtime-2.1", CONFIG)
MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini")


def test_what_was_chosen_comes_back_from_the_browser_and_nothing_else_is_remembered() -> None:
    chosen = OWNERS.remembered(
        {"model": "gpt-realtime-2.1-mini", "silence_ms": 300, "language": "de", "typing": True, "text_size": "large"},
        MODELS,
    )
    told = json.loads(json.dumps(chosen.differing(OWNERS)))
    assert set(told) == {"model", "silence_ms", "language", "typing", "text_size"}
    assert OWNERS.remembered(told, MODELS) == chosen
    assert OWNERS.differing(OWNERS) == {}


def test_choices_make_the_configuration_of_a_session() -> None:
    config = OWNERS.remembered(
        {"turn_detection": "semantic_vad", "eagerness": "high", "language": "fr"}, ()
    ).applied_to(CONFIG)
    assert (config.turn_detection, config.eagerness, config.language) == ("semantic_vad", "high", "fr")
    assert OWNERS.applied_to(CONFIG) == CONFIG


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "somebody-elses"), ("turn_detection", "maybe"), ("threshold", 7), ("threshold", "0.5"),
        ("silence_ms", True), ("silence_ms", 10**9), ("language", ["en"]), ("instructions", "x" * 10_001),
        ("typing", 1), ("device", None),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_left_out(name: str, value: Any) -> None:
    assert OWNERS.remembered({name: value}, MODELS) == OWNERS


@given(
    st.dictionaries(
        st.sampled_from([*vars(OWNERS), "other"]), st.recursive(st.none() | st.text() | st.integers(), st.lists)
    )
)
def test_garbage_in_the_memory_of_a_browser_never_raises(told: dict[str, Any]) -> None:
    OWNERS.remembered(told, MODELS).applied_to(CONFIG)


@pytest.mark.parametrize(
    ("told", "hinted"),
    [({}, False), ({"silence_ms": 2000}, True), ({"turn_detection": "semantic_vad"}, False),
     ({"turn_detection": "semantic_vad", "eagerness": "low"}, True),
     ({"turn_detection": "none", "silence_ms": 3000}, False)],
)  # fmt: skip
def test_a_choice_that_makes_two_seconds_impossible_says_so(told: dict[str, Any], hinted: bool) -> None:
    assert bool(OWNERS.remembered(told, MODELS).hint) is hinted
