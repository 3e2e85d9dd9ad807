"""The table of states: what the words mean to somebody who looks at the page."""

import pytest

from voice_ui.state import PATIENCE, TABLE, Input, State, after

CONTRACT = {"idle", "connecting", "listening", "hearing", "thinking", "answering", "reconnecting", "error"}


def walk(*inputs: Input, start: State = State.IDLE) -> list[str]:
    state, shown = start, []
    for event in inputs:
        state = after(state, event)
        shown.append(state.shown)
    return shown


def test_a_whole_turn_passes_through_every_word() -> None:
    turn = (Input.START, Input.CONFIGURED, Input.SPEECH_STARTED, Input.TURN_ENDED, Input.TEXT, Input.RESPONSE_DONE)
    assert walk(*turn) == ["connecting", "listening", "hearing", "thinking", "answering", "listening"]


def test_after_stop_the_last_words_are_still_answered() -> None:
    inputs = (Input.STOP, Input.TURN_ENDED, Input.TEXT, Input.RESPONSE_DONE, Input.WAITED)
    assert walk(*inputs, start=State.HEARING) == ["thinking", "thinking", "answering", "thinking", "idle"]


def test_stop_before_the_connection_is_up_waits_for_what_was_said() -> None:
    inputs = (Input.STOP, Input.CONFIGURED, Input.SPEECH_STARTED, Input.TURN_ENDED)
    assert walk(*inputs, start=State.CONNECTING) == ["connecting", "thinking", "thinking", "thinking"]


@pytest.mark.parametrize("state", [State.THINKING, State.ANSWERING])
def test_speaking_again_interrupts(state: State) -> None:
    assert after(state, Input.SPEECH_STARTED) is State.HEARING


@pytest.mark.parametrize("state", State)
def test_every_state_can_fail_and_start_again(state: State) -> None:
    assert after(after(state, Input.FAILED), Input.START) is State.CONNECTING


@pytest.mark.parametrize("state", State)
def test_every_state_is_shown_as_a_word_of_the_contract(state: State) -> None:
    assert state.shown in CONTRACT


@pytest.mark.parametrize("state", [state for state in State if not state.at_rest])
def test_stop_leads_from_everywhere_to_rest_even_if_the_server_says_nothing_more(state: State) -> None:
    state = after(state, Input.STOP)
    assert not state.capturing
    for _ in range(3):
        state = after(after(state, Input.CONFIGURED), Input.WAITED)
    assert state is State.IDLE


def test_every_state_that_waits_for_the_server_has_an_end_to_its_patience() -> None:
    assert {state for state, event in TABLE if event is Input.WAITED} == PATIENCE.keys()
