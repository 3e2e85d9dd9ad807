"""One slot for a response: nobody is refused, and a cancel hits only the response it was meant for."""

from __future__ import annotations

from voice_ui.session.responses import Action, Responses


def running(response_id: str = "r1") -> Responses:
    responses = Responses()
    responses.created(response_id)
    responses.wrote(response_id)
    return responses


def test_a_reply_is_asked_for_at_once_when_the_slot_is_free() -> None:
    responses = Responses()
    assert responses.want() is Action.CREATE
    assert responses.want() is None, "one is on its way"


def test_who_wants_a_reply_waits_for_the_end_of_the_running_one() -> None:
    responses = running()
    assert responses.interrupt() is Action.CANCEL
    assert responses.want() is None
    assert not responses.is_writing
    assert responses.done("r1") is Action.CREATE


def test_a_cancel_is_sent_once() -> None:
    responses = running()
    assert responses.interrupt() is Action.CANCEL
    assert responses.interrupt() is None


def test_an_expected_response_is_cancelled_when_it_comes() -> None:
    responses = Responses()
    responses.expect()
    assert responses.interrupt() is None
    assert responses.created("r1") is Action.CANCEL
    assert responses.done("r1") is None


def test_a_cancel_dies_with_the_response_that_was_refused() -> None:
    responses = Responses()
    responses.want()
    responses.asked("e1")
    responses.interrupt()
    assert responses.is_ours("e1") and not responses.is_ours("e2") and not responses.is_ours(None)
    responses.refused(is_taken=False)
    assert responses.want() is Action.CREATE
    assert responses.created("r2") is None


def test_a_cancel_dies_when_somebody_speaks_before_the_response_came() -> None:
    responses = Responses()
    responses.expect()
    responses.interrupt()
    responses.begin_turn()
    assert responses.created("r2") is None


def test_a_wish_that_met_a_response_of_the_servers_own_is_kept() -> None:
    responses = Responses()
    responses.want()
    responses.asked("e1")
    assert responses.created("theirs") is None
    assert responses.refused(is_taken=True) is None
    assert responses.done("theirs") is Action.CREATE


def test_a_wish_whose_refusal_comes_after_the_end_of_the_other_response_is_renewed_at_once() -> None:
    responses = Responses()
    responses.want()
    responses.asked("e1")
    responses.created("theirs")
    responses.done("theirs")
    assert responses.refused(is_taken=True) is Action.CREATE


def test_what_comes_after_the_end_changes_nothing() -> None:
    responses = running()
    responses.done("r1")
    assert not responses.is_new("r1")
    assert not responses.wrote("r1")
    assert not responses.is_writing
    assert responses.done("r1") is None


def test_a_response_that_was_not_announced_is_recognised() -> None:
    responses = Responses()
    responses.expect()
    assert responses.is_new("r1")
    responses.created("r1")
    assert not responses.is_new("r1")
    assert responses.wrote("r1") and responses.is_writing


def test_a_response_without_an_id_is_the_one_that_runs() -> None:
    responses = running("")
    assert responses.is_writing
    assert responses.done("") is None
    assert responses.active is None


def test_a_reply_to_tools_waits_for_the_slot_and_for_quiet() -> None:
    responses = Responses()
    responses.expect()
    assert responses.want_in_quiet() is None
    assert responses.is_blocked
    responses.created("resp_1")
    responses.quiet = False
    assert responses.done("resp_1") is None
    responses.quiet = True
    assert responses.want_in_quiet() is Action.CREATE
    assert not responses.is_blocked


def test_an_interruption_leaves_the_reply_to_tools_wanted_until_it_is_given_up() -> None:
    responses = Responses()
    responses.created("resp_1")
    responses.want_in_quiet()
    assert responses.interrupt() is Action.CANCEL
    assert responses.is_blocked
    responses.want_no_more_in_quiet()
    assert responses.done("resp_1") is None


def test_a_response_that_begins_by_itself_answers_what_was_said_and_is_not_asked_for_again() -> None:
    responses = running()
    responses.interrupt()
    assert responses.want_for_speech() is None
    assert responses.done("r1") is Action.CREATE
    responses.asked("e1")
    responses.created("theirs")
    assert responses.refused(is_taken=True) is None
    assert responses.done("theirs") is None


def test_what_was_said_over_a_reply_waits_for_its_end_and_escape_takes_it_back() -> None:
    responses = running()
    responses.want_for_speech()
    assert responses.is_blocked
    responses.interrupt()
    assert responses.done("r1") is None
