"""Noise has no words, whatever the model writes for it; what people say is left alone."""

import pytest

from voice_ui.offline.recognizer.invented import is_invented, repeats


@pytest.mark.parametrize(
    ("text", "confidence", "voiced_ms"),
    [
        ("You", -0.2, 800),
        ("Thank you for watching.", -0.4, 1500),
        ("♪♪", -0.7, 1000),
        ("♪ Oh, oh, oh", -0.4, 1000),
        ("이라라", -0.3, 1000),
        ("© transcript Emily Beynon", -0.3, 1000),
        ("Music", -0.4, 900),
        ("Um.", -0.5, 400),
        ("Uh, um", -0.3, 900),
        ("", -0.1, 900),
        ("...", -0.1, 900),
        ("The first is", -1.3, 2000),
        ("Oh no", -0.8, 200),
        ("What time is it?", -0.1, 96),
    ],
)
def test_what_a_model_writes_for_noise_is_dropped(text: str, confidence: float, voiced_ms: float) -> None:
    assert is_invented(text, confidence, voiced_ms)


@pytest.mark.parametrize(
    ("text", "confidence", "voiced_ms"),
    [
        ("Yes.", -0.2, 160),
        ("Thank you.", -0.4, 500),
        ("Oh no, not you.", -0.4, 700),
        ("Mm-hmm.", -0.3, 500),
        ("Music.", -0.2, 600),
        ("What is seven plus five?", -0.9, 1200),
        ("A café for 5 € – “really”?", -0.5, 1500),
    ],
)
def test_what_people_say_is_kept(text: str, confidence: float, voiced_ms: float) -> None:
    assert not is_invented(text, confidence, voiced_ms)


@pytest.mark.parametrize(
    ("ids", "dropped"),
    [
        ([], 0),
        ([5, 6, 7], 0),
        ([9, 5, 6, 5, 6], 0),
        ([9, 5, 6, 5, 6, 5, 6], 4),
        ([1, 1, 1], 0),
        ([4, 1, 1, 1, 1, 1, 1], 5),
        ([*range(6)] * 3, 12),
        ([*range(7)] * 3, 0),
    ],
)
def test_a_phrase_that_repeats_is_kept_once(ids: list[int], dropped: int) -> None:
    assert repeats(ids) == dropped
