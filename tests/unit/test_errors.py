"""Every code has a cause and a cure, and no text carries a key."""

import string

import pytest

from voice_ui.errors import CATALOGUE, FACTS, ConnectionFailed, Problem, code_from_wire, redact


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_entry_reads_as_whole_sentences_even_without_facts(code: str) -> None:
    problem = Problem(code)
    for sentence in (problem.cause, problem.fix):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "{" not in sentence


def test_every_fact_named_in_the_catalogue_has_a_fallback() -> None:
    names = {
        name
        for entry in CATALOGUE.values()
        for text in (entry.cause, entry.fix)
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }
    assert names <= FACTS.keys()


def test_a_code_without_an_entry_fails_where_it_is_made() -> None:
    with pytest.raises(KeyError):
        Problem("no-such-code")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("invalid_api_key",), "key-refused"),
        ((None, "insufficient_quota"), "no-quota"),
        (("invalid_request_error.beta_api_shape_disabled", 4000), "beta-disabled"),
        (("", 3000), "key-refused"),
        (("invalid_request_error.model_not_found", 4004), "no-access"),
        (("nothing known", 1006), "connection-lost"),
    ],
)
def test_wire_codes_find_their_entry(words: tuple[str | int | None, ...], code: str) -> None:
    assert code_from_wire(*words, default="connection-lost") == code


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdef1234567890.",
        "Authorization: Bearer abcdef1234567890",
        '{"api-key": "abcdef1234567890"}',
        "api_key=abcdef1234567890",
        "ek_abcdef1234567890",
    ],
)
def test_nothing_that_looks_like_a_key_stays_in_a_text(text: str) -> None:
    assert "abcdef1234567890" not in redact(text)


def test_ordinary_words_are_left_alone() -> None:
    text = "session_expired: the task-specific risk of Bearers, sess_12345678"
    assert redact(text) == text


def test_an_error_redacts_what_the_other_side_said() -> None:
    assert "abcdef123456" not in str(ConnectionFailed("connection-lost", "key sk-abcdef123456"))
