"""Money: the sum is the one worked out by hand."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from openai.types.realtime import (
    RealtimeResponseUsage,
    RealtimeResponseUsageInputTokenDetails,
    RealtimeResponseUsageOutputTokenDetails,
)
from openai.types.realtime.conversation_item_input_audio_transcription_completed_event import (
    UsageTranscriptTextUsageDuration,
    UsageTranscriptTextUsageTokens,
    UsageTranscriptTextUsageTokensInputTokenDetails,
)
from openai.types.realtime.realtime_response_usage_input_token_details import CachedTokensDetails
from pydantic import BaseModel

from voice_ui.models import FREE, MODELS
from voice_ui.page.usage_words import in_words, prices_in_words, sums_in_words
from voice_ui.servers import Endpoint
from voice_ui.session import Account, Budget, Limits, LocalAccounts, Spent, UsageCounted
from voice_ui.usage import Usage, in_dollars, usage_of


def tokens(count: int, audio: int | None = None) -> UsageTranscriptTextUsageTokens:
    details = UsageTranscriptTextUsageTokensInputTokenDetails(audio_tokens=audio) if audio else None
    return UsageTranscriptTextUsageTokens(
        type="tokens", input_tokens=count, output_tokens=0, total_tokens=count, input_token_details=details
    )


def told(text: int, audio: int, cached_text: int, cached_audio: int, out: int) -> dict[str, Any]:
    cached = {"text_tokens": cached_text, "audio_tokens": cached_audio, "image_tokens": 0}
    return {
        "total_tokens": text + audio + out,
        "input_tokens": text + audio,
        "output_tokens": out,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "image_tokens": 0,
            "cached_tokens": cached_text + cached_audio,
            "cached_tokens_details": cached,
        },
        "output_token_details": {"text_tokens": out, "audio_tokens": 0},
    }


def test_cached_and_fresh_audio_and_text_are_priced_apart() -> None:
    first = usage_of(told(text=120, audio=300, cached_text=0, cached_audio=0, out=50))
    second = usage_of(told(text=200, audio=800, cached_text=128, cached_audio=256, out=70))
    total = first + second
    assert total == Usage(text_in=192, text_cached=128, text_out=120, audio_in=844, audio_cached=256, audio_out=0)
    assert (total.total, total.cached) == (1540, 384)
    # gpt-realtime-2.1, by hand: 192*4 + 128*0.40 + 120*24 + 844*32 + 256*0.40 = 30,809.6 millionths of a dollar.
    prices = MODELS["gpt-realtime-2.1"].prices
    assert prices is not None
    assert total.cost(prices) == pytest.approx(0.0308096)


TOLD = RealtimeResponseUsage(
    total_tokens=1275,
    input_tokens=1085,
    output_tokens=190,
    input_token_details=RealtimeResponseUsageInputTokenDetails(
        text_tokens=200,
        audio_tokens=800,
        image_tokens=85,
        cached_tokens=424,
        cached_tokens_details=CachedTokensDetails(text_tokens=128, audio_tokens=256, image_tokens=40),
    ),
    output_token_details=RealtimeResponseUsageOutputTokenDetails(text_tokens=70, audio_tokens=120),
)
"""In the official SDK's types. Fresh: 72 text, 544 audio, 45 image."""

FULL = 72 * 4 + 128 * 0.40 + 70 * 24 + 544 * 32 + 256 * 0.40 + 120 * 64 + 45 * 5 + 40 * 0.50
OLDER = 72 * 4 + 128 * 0.40 + 70 * 16 + 544 * 32 + 256 * 0.40 + 120 * 64 + 45 * 5 + 40 * 0.50
MINI = 72 * 0.60 + 128 * 0.06 + 70 * 2.40 + 544 * 10 + 256 * 0.30 + 120 * 20 + 45 * 0.80 + 40 * 0.08

BY_HAND = {
    "gpt-realtime-2.1": 0.0274546,
    "gpt-realtime-2": 0.0274546,
    "gpt-realtime-1.5": 0.0268946,
    "gpt-realtime": 0.0268946,
    "gpt-realtime-2025-08-28": 0.0268946,
    "gpt-realtime-2.1-mini": 0.00817488,
    "gpt-realtime-mini": 0.00817488,
    "gpt-realtime-mini-2025-12-15": 0.00817488,
    "gpt-realtime-mini-2025-10-06": 0.00817488,
}
"""US dollars of `TOLD`, worked out on paper; the three sums above show how."""


def test_there_is_an_example_for_every_model_that_has_prices() -> None:
    assert BY_HAND.keys() == {name for name, model in MODELS.items() if model.prices}
    assert [FULL, OLDER, MINI] == pytest.approx([27_454.6, 26_894.6, 8_174.88])


@pytest.mark.parametrize(("name", "dollars"), BY_HAND.items())
def test_a_reply_costs_what_was_worked_out_by_hand(name: str, dollars: float) -> None:
    prices = MODELS[name].prices
    assert prices is not None
    counted = usage_of(TOLD.model_dump())
    assert counted.cost(prices) == pytest.approx(dollars) and counted.total == 1275 and counted.cached == 424
    assert usage_of(json.loads(TOLD.model_dump_json(exclude_none=True))) == counted


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        # By hand: 7.5 s of 60 s at 0.017; 45 tokens are 4.5 s at 0.0045; the same without details.
        ("gpt-live-transcribe", UsageTranscriptTextUsageDuration(type="duration", seconds=7.5), 0.002125),
        ("gpt-realtime-whisper", UsageTranscriptTextUsageDuration(type="duration", seconds=7.5), 0.002125),
        ("gpt-transcribe", tokens(45, audio=45), 0.0003375),
        ("gpt-transcribe", tokens(45), 0.0003375),
    ],
)
def test_a_transcript_costs_what_was_worked_out_by_hand(model: str, usage: BaseModel, dollars: float) -> None:
    budget = Budget(Limits(), Account(LocalAccounts()))
    budget.add_transcription(usage.model_dump(), Endpoint.openai("sk-" + "x" * 20), model, at=0.0)
    assert budget.dollars == pytest.approx(dollars) and budget.is_exact
    assert budget.account.spent.total == pytest.approx(dollars)


def test_what_has_no_price_is_unknown_and_never_zero() -> None:
    local = Endpoint.compatible("http://localhost:8080/v1", "mine")
    budget = Budget(Limits(), Account(LocalAccounts()))
    assert budget.cost == 0.0
    budget.add(TOLD.model_dump(), local, at=1.0)
    assert budget.cost is None and not budget.is_exact and budget.per_minute(60.0, 0.0) is None
    priced = Budget(Limits(), Account(LocalAccounts()))
    priced.add(TOLD.model_dump(), Endpoint.openai("sk-" + "x" * 20), at=1.0)
    priced.add_transcription({"type": "duration", "seconds": 5}, Endpoint.openai("sk-" + "x" * 20), "scribe", at=2.0)
    assert priced.cost == pytest.approx(0.0274546) and not priced.is_exact, "it is at least that"


def test_a_minute_costs_now_what_the_last_two_cost_on_average() -> None:
    budget = Budget(Limits(), Account(LocalAccounts()))
    openai, began = Endpoint.openai("sk-" + "x" * 20), 100.0
    budget.add(TOLD.model_dump(), openai, at=110.0)
    assert budget.per_minute(115.0, began) is None, "too early to say"
    assert budget.per_minute(130.0, began) == pytest.approx(2 * 0.0274546)
    budget.add(TOLD.model_dump(), openai, at=210.0)
    assert budget.per_minute(220.0, began) == pytest.approx(0.0274546)
    assert budget.per_minute(300.0, began) == pytest.approx(0.0274546 / 2)
    assert budget.per_minute(400.0, began) == 0.0
    assert budget.per_minute(440.0, began=415.0) == 0.0, "what a session before this one spent is not of now"


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (0, "$0.00"),
        (1e-5, "under $0.0001"),
        (0.0308096, "$0.0308"),
        (0.5, "$0.50"),
        (1.234, "$1.234"),
        (1234.5, "$1,234.50"),
    ],
)
def test_dollars_are_shown_with_two_to_four_places(dollars: float, shown: str) -> None:
    assert in_dollars(dollars) == shown


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        (UsageCounted(Usage(), 0.0), ""),
        (UsageCounted(Usage(text_in=1540), 0.0), "1,540 tokens"),
        (UsageCounted(Usage(text_in=1156, audio_cached=384), 0.0308, True, 0.12),
         "1,540 tokens, 384 cached · $0.0308 · $0.12 a minute"),
        (UsageCounted(Usage(text_in=15), None, False), "15 tokens · price unknown"),
        (UsageCounted(Usage(text_in=15), 0.5, False), "15 tokens · at least $0.50"),
    ],
)  # fmt: skip
def test_the_page_shows_what_is_known_and_nothing_while_there_is_nothing(counted: UsageCounted, words: str) -> None:
    assert in_words(counted) == words


def test_the_owner_sees_where_the_limits_stand() -> None:
    assert sums_in_words(Spent(), Limits()) == ""
    assert sums_in_words(Spent(day=0.125, total=3.2), Limits()) == "Today (UTC) $0.125 · in total $3.20"
    limits = Limits(max_cost=0.5, max_cost_per_visitor=1, max_cost_per_day=5)
    assert sums_in_words(Spent(), limits) == (
        "Today (UTC) $0.00 of $5.00 · each visitor up to $1.00 · each conversation up to $0.50"
    )


def test_the_price_is_shown_with_the_day_it_was_read() -> None:
    assert prices_in_words(Endpoint.openai("sk-" + "x" * 20, "gpt-realtime-2.1-mini")) == (
        "US dollars per million tokens, as of 2026-11-25: text 0.6 in, 0.06 cached, 2.4 out; "
        "audio 10 in, 0.3 cached, 20 out."
    )
    assert prices_in_words(Endpoint.compatible("http://localhost:8080/v1", "mine")) == "The price of mine is unknown."
    assert prices_in_words(replace(Endpoint.compatible("http://localhost:8080/v1", "mine"), prices=FREE)) == ""


def test_a_server_that_gives_no_details_is_counted_as_text() -> None:
    assert usage_of({"input_tokens": 10, "output_tokens": 5}) == Usage(text_in=10, text_out=5)
    assert usage_of({}) == Usage()


def test_cached_tokens_without_details_are_text_first() -> None:
    usage = usage_of({"input_tokens": 100, "input_token_details": {"audio_tokens": 40, "cached_tokens": 30}})
    assert usage == Usage(text_in=30, text_cached=30, audio_in=40)


numbers = st.one_of(st.none(), st.integers(-10, 10_000), st.booleans(), st.just("many"))
details = st.dictionaries(st.sampled_from(["text_tokens", "audio_tokens", "image_tokens", "cached_tokens"]), numbers)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "input_tokens": numbers,
            "output_tokens": numbers,
            "input_token_details": details,
            "output_token_details": details | st.none(),
        },
    )
)
def test_no_odd_count_makes_a_negative_bill(odd: dict[str, Any]) -> None:
    usage = usage_of(odd)
    assert min(astuple(usage)) >= 0
