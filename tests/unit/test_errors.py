"""A problem has a code and the facts that its words need, and no text carries a key."""

import pytest

from voice_ui.errors import CODES, ENDPOINT_FACTS, ConnectionFailed, Problem, Refused, code_from_wire
from voice_ui.redaction import redact


def test_an_unknown_code_is_refused_where_the_problem_is_made() -> None:
    with pytest.raises(ValueError, match="no-such-code"):
        Problem("no-such-code")


@pytest.mark.parametrize("code", [code for code, known in CODES.items() if known.facts])
def test_a_problem_cannot_be_made_without_the_facts_of_its_message(code: str) -> None:
    facts = dict.fromkeys(CODES[code].facts, "x")
    assert Problem(code, facts=facts).code == code
    for missing in facts:
        with pytest.raises(ValueError, match=missing):
            Problem(code, facts={name: value for name, value in facts.items() if name != missing})


@pytest.mark.parametrize("code", [code for code, known in CODES.items() if known.wire])
def test_what_a_server_says_needs_no_more_facts_than_an_endpoint_has(code: str) -> None:
    assert set(CODES[code].facts) <= set(ENDPOINT_FACTS)


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
def test_codes_of_the_wire_are_translated(words: tuple[str | int | None, ...], code: str) -> None:
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
    assert "abcdef123456" not in str(ConnectionFailed("connection-lost", "key sk-abcdef123456", server="s"))


def test_an_error_reads_as_code_and_detail() -> None:
    assert str(ConnectionFailed("connection-lost", "closed: 1006", server="s")) == "connection-lost: closed: 1006"
    assert str(Refused("no-quota")) == "no-quota"
