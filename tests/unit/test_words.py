"""Words that can be counted: the measure of all tests that ask whether anything said was lost."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tests.servers.words import MOST_WORDS, fragments, whole_words, word, words
from voice_ui import audio


def test_words_are_found_whatever_is_between_them() -> None:
    assert whole_words(words(3, 1, 4) + audio.silence(70) + words(1) + audio.silence(5) + words(MOST_WORDS - 1)) == [
        3, 1, 4, 1, MOST_WORDS - 1,
    ]  # fmt: skip


@given(cut=st.integers(2, len(word(0)) - 2), number=st.integers(0, MOST_WORDS - 1))
def test_a_word_of_which_anything_is_missing_is_not_whole(cut: int, number: int) -> None:
    cut -= cut % 2
    pcm = word(number)
    assert whole_words(pcm[:cut]) == [] and whole_words(pcm[cut:]) == []
    assert whole_words(pcm[:cut] + audio.silence(20) + pcm[cut:]) == []
    assert whole_words(pcm[:cut] + pcm) == [number], "said again from its beginning"
    assert whole_words(pcm[: cut - 2] + pcm[cut:]) == [], "a single sample is missing"
    assert number in fragments(pcm[:cut])


@pytest.mark.parametrize("number", [-1, MOST_WORDS])
def test_there_are_no_other_words(number: int) -> None:
    with pytest.raises(ValueError, match=f"{number}"):
        word(number)
