"""A call that comes late or twice is told from a new one."""

from __future__ import annotations

from voice_ui.protocol import server
from voice_ui.session.late_calls import MOST_CALLS, MOST_RESPONSES, LateCalls


def announced(response_id: str, call_id: str) -> server.FunctionCallArgumentsDone:
    return server.FunctionCallArgumentsDone(
        response_id, call_id=call_id, item_id=f"item of {call_id}", name="count", arguments="{}"
    )


def test_a_call_is_new_once_in_each_response() -> None:
    late = LateCalls()
    assert late.take("r1", "c")
    assert not late.take("r1", "c")
    assert late.take("r2", "c")
    late.end("r1", is_wanted=True)
    assert not late.take("r1", "c")


def test_the_first_end_says_whether_what_comes_late_is_wanted() -> None:
    late = LateCalls()
    assert late.is_wanted("r1") is None
    assert not late.is_over("r1")
    late.end("r1", is_wanted=False)
    late.end("r1", is_wanted=True)
    assert late.is_wanted("r1") is False
    assert late.is_over("r1")


def test_a_response_that_is_announced_again_is_a_new_one() -> None:
    late = LateCalls()
    late.take("r1", "c")
    late.end("r1", is_wanted=False)
    late.announce("r1")
    assert late.is_wanted("r1") is None
    assert late.take("r1", "c")


def test_a_response_that_is_told_to_begin_twice_begins_once() -> None:
    late = LateCalls()
    late.announce("r1")
    late.take("r1", "c")
    late.announce("r1")
    assert not late.take("r1", "c")


def test_a_call_told_without_its_response_and_with_it_is_one() -> None:
    late = LateCalls()
    assert late.take("", "c")
    assert not late.take("r1", "c")
    late.end("r1", is_wanted=True)
    assert not late.take("r1", "c")
    assert late.take("", "c"), "of another response, from a server that counts its calls anew"


def test_only_without_announcements_a_turn_makes_old_responses_new() -> None:
    late = LateCalls()
    late.announce("told")
    for response_id in ("told", "untold"):
        late.take(response_id, "c")
        late.end(response_id, is_wanted=False)
    late.take("open", "c")
    late.begin_turn()
    assert late.is_wanted("told") is False
    assert not late.take("told", "c")
    assert late.is_wanted("untold") is None
    assert late.take("untold", "c")
    assert not late.take("open", "c"), "it still writes"


def test_announced_calls_are_left_until_their_item_or_the_end_comes() -> None:
    late = LateCalls()
    for response_id, call_id in (("r1", "a"), ("r1", "b"), ("", "c"), ("r2", "d")):
        late.announce_call(announced(response_id, call_id))
    late.take("r1", "a")
    assert [(item.id, item.call_id, item.name) for item in late.left_of("r1")] == [("item of b", "b", "count")]
    late.take("r2", "c")
    assert not list(late.left_of("")), "its item came with a response"
    late.announce_call(announced("", "e"))
    late.end("r1", is_wanted=True)
    assert not [*late.left_of("r1"), *late.left_of("")]
    assert [item.call_id for item in late.left_of("r2")] == ["d"]
    late.forget_announced()
    assert not list(late.left_of("r2"))


def test_the_memory_is_bounded() -> None:
    late = LateCalls()
    for number in range(MOST_RESPONSES + 1):
        late.announce_call(announced(f"r{number}", "c"))
        late.take(f"r{number}", "c")
    assert late.take("r0", "c"), "forgotten"
    assert not late.take(f"r{MOST_RESPONSES}", "c")
    for number in range(10 * MOST_CALLS):
        late.announce_call(announced("flood", str(number)))
    assert len(list(late.left_of("flood"))) == MOST_CALLS
    assert late.take_hosted("h")
    assert not late.take_hosted("h")
