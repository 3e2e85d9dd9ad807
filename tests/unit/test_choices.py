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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("instructions", "x" * 900_000), ("threshold", {"a": 1}), ("threshold", float("nan")), ("silence_ms", 10**18),
        ("silence_ms", -1), ("model", "gpt-realtime-3"), ("voice", ["marin"]), ("speed", True), ("speed", "1.0"),
        ("tools", []), ("__class__", "x"), ("output", "video"), ("reasoning_effort", "xxhigh"), ("language", {}),
    ],
)  # fmt: skip
def test_a_page_that_reports_what_cannot_be_chosen_changes_nothing(name: str, value: Any) -> None:
    assert OWNERS.changed({name: value}, MODELS, OWNERS) == OWNERS
    assert type(OWNERS.changed({"speed": True}, MODELS, OWNERS).speed) is float


def test_what_the_owner_set_can_be_chosen_again_although_it_is_on_no_list() -> None:
    owners = Choices.of("gpt-realtime-2.1", SessionConfig("y" * 20_000, voice="mine", language="de-AT", silence_ms=100))
    mine = {"voice": "marin", "language": "fr", "silence_ms": 300, "instructions": "Be brief."}
    chosen = owners.changed(mine, MODELS, owners)
    assert chosen.voice == "marin" and chosen.silence_ms == 300
    back = {"voice": "mine", "language": "de-AT", "silence_ms": 100, "instructions": "y" * 20_000}
    assert chosen.changed(back, MODELS, owners) == owners


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
