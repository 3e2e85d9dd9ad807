"""Every problem code has a message in whole sentences, and each message names facts that are known."""

import pytest

from voice_ui.errors import CODES, Problem
from voice_ui.page import messages
from voice_ui.page.messages import LONGEST_DETAIL, MESSAGES, Wording

ALL = [(code, message) for code, rows in MESSAGES.items() for message in rows]


def test_every_code_has_a_message_and_every_message_a_code() -> None:
    assert MESSAGES.keys() == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_the_last_message_of_a_code_needs_exactly_the_facts_a_problem_must_have(code: str) -> None:
    assert MESSAGES[code][-1].facts == set(CODES[code].facts)


@pytest.mark.parametrize(("code", "message"), ALL)
def test_a_message_is_two_whole_sentences(code: str, message: Wording) -> None:
    facts = dict.fromkeys(message.facts | set(CODES[code].facts), "Something")
    problem = Problem(code, facts.get("detail", ""), facts)
    for sentence in (messages.cause(problem), messages.fix(problem)):
        assert sentence[0].isupper() or sentence[0].isdecimal()
        assert sentence.endswith(".")
        assert "{" not in sentence


def test_the_most_specific_message_is_used() -> None:
    bare = Problem("rate-limited", facts={"server": "OpenAI"})
    assert messages.fix(bare) == "Wait a minute, then try again."
    assert messages.fix(Problem("rate-limited", facts={"server": "OpenAI", "seconds": "7"})).startswith("Wait 7 s")


def test_the_servers_own_words_are_quoted_in_one_line_and_not_without_end() -> None:
    problem = Problem("server-said", "out of memory.\n\n" + "x" * 1000, {"server": "my-server.local"})
    cause = messages.cause(problem)
    assert cause.startswith("my-server.local reported an error: out of memory. xxx")
    assert len(cause) < LONGEST_DETAIL + 60
    assert messages.cause(Problem("server-said", facts={"server": "OpenAI"})) == "OpenAI reported an error."


def test_while_a_retry_is_under_way_there_is_nothing_to_do() -> None:
    problem = Problem("connection-lost", facts={"server": "OpenAI"}, recovering=True)
    assert messages.fix(problem) == messages.RECOVERING
