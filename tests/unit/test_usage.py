"""Money: the sum is the one worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from voice_ui.models import MODELS
from voice_ui.usage import Usage, usage_of


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


def test_a_server_that_gives_no_details_is_counted_as_text() -> None:
    assert usage_of({"input_tokens": 10, "output_tokens": 5}) == Usage(text_in=10, text_out=5)
    assert usage_of({}) == Usage()


def test_cached_tokens_without_details_are_text_first() -> None:
    usage = usage_of({"input_tokens": 100, "input_token_details": {"audio_tokens": 40, "cached_tokens": 30}})
    assert usage == Usage(text_in=30, text_cached=30, audio_in=40)


numbers = st.one_of(st.none(), st.integers(-10, 10_000), st.booleans(), st.just("many"))
details = st.dictionaries(st.sampled_from(["text_tokens", "audio_tokens", "cached_tokens"]), numbers)


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
    assert min(usage.text_in, usage.text_cached, usage.audio_in, usage.audio_cached, usage.text_out) >= 0


def test_images_are_priced_apart() -> None:
    told_with_image = told(text=100, audio=0, cached_text=20, cached_audio=0, out=10)
    told_with_image["input_tokens"] += 425
    told_with_image["total_tokens"] += 425
    details = told_with_image["input_token_details"]
    details["image_tokens"] = 425
    details["cached_tokens"] += 85
    details["cached_tokens_details"]["image_tokens"] = 85
    usage = usage_of(told_with_image)
    assert usage == Usage(text_in=80, text_cached=20, text_out=10, image_in=340, image_cached=85)
    prices = MODELS["gpt-realtime-2.1"].prices
    assert prices is not None
    assert usage.cost(prices) == pytest.approx((80 * 4 + 20 * 0.4 + 10 * 24 + 340 * 5 + 85 * 0.5) / 1_000_000)
