"""A reply is cut into sentences while it is written; nothing is lost, and markup is not read aloud."""

import pytest
from hypothesis import given, strategies as st

from voice_ui.offline.voice.sentences import LONGEST, Sentences, spoken


def cut(*pieces: str) -> list[str]:
    sentences = Sentences()
    found = [sentence for piece in pieces for sentence in sentences.process(piece)]
    return found + sentences.finish()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you?", ["Hello. ", "How are you?"]),
        ("It is 3.5 km to Dr. Smith. Really!", ["It is 3.5 km to Dr. Smith. ", "Really!"]),
        ("“Go,” he said. “Now.” She went.", ["“Go,” he said. ", "“Now.” ", "She went."]),
        ("1. Eggs\n2. Milk", ["1. Eggs\n", "2. Milk"]),
        ("Say e.g. this. J. Doe did.", ["Say e.g. this. ", "J. Doe did."]),
        ("No end", ["No end"]),
        ("", []),
        ("  \n", ["  \n"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert cut(text) == expected
    assert cut(*text) == expected


def test_the_first_sentence_does_not_wait_for_the_second_to_end() -> None:
    sentences = Sentences()
    assert sentences.process("It is noon. And") == ["It is noon. "]


def test_an_endless_sentence_is_cut_at_a_comma_or_a_space() -> None:
    clauses = cut("one two three, " * 40)
    words = cut("word " * 100)
    letters = cut("x" * 500)
    assert all(clause.endswith(", ") and len(clause) <= LONGEST for clause in clauses)
    assert all(word.endswith(" ") and len(word) <= LONGEST for word in words)
    assert [len(each) for each in letters] == [LONGEST, LONGEST, 100]


@given(st.lists(st.text(alphabet=st.sampled_from(list("ab .!?\n,*“”1")), max_size=60), max_size=20))
def test_nothing_is_lost(pieces: list[str]) -> None:
    found = cut(*pieces)
    assert "".join(found) == "".join(pieces)
    assert all(len(sentence) <= LONGEST + 60 for sentence in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**Bold** and `code`, _well_.", "Bold and code, well."),
        ("# Title\n", "Title"),
        ("- an item\n", "an item"),
        ("See [the docs](https://example.com/a?b=c).", "See the docs."),
        ("At https://www.example.com/x/y now", "At example.com now"),
        ("```python\nprint(1)\n```\n", ""),
        ("snake_case stays", "snake_case stays"),
        ("…", ""),
        ("😀 !", ""),
        ("2 + 2 = 4", "2 + 2 = 4"),
    ],
)
def test_markup_is_not_read_aloud(text: str, words: str) -> None:
    assert spoken(text) == words
