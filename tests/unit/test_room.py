"""The key to the room: a code, a cookie, and patience with those who guess."""

import pytest

from voice_ui.sharing.room import ADDRESSES, LENGTH, LETTERS, TRIES, TRIES_SECONDS, Room, TooManyTries


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_code_opens_the_door_however_it_is_written() -> None:
    room = Room(Clock())
    assert len(room.code) == LENGTH and set(room.code) <= set(LETTERS)
    for written in (room.code, room.code.lower(), f" {room.code[:4]}-{room.code[4:]} "):
        assert room.enter(written, "192.0.2.1")


@pytest.mark.parametrize("wrong", ["", "x", "ÄÖÜ", "2" * 10_000, "\0\r\n"])
def test_nothing_else_does(wrong: str) -> None:
    room = Room(Clock())
    assert not room.enter(wrong, "192.0.2.1")
    assert not room.enter(room.code + "2", "192.0.2.1")


def test_the_cookie_of_those_inside_is_not_the_code() -> None:
    room = Room(Clock())
    cookie = room.cookie_of("v")
    assert room.visitor(cookie) == "v"
    for wrong in ("", room.code, cookie[:-1], cookie[1:], f"w{cookie[1:]}", "v.", ".", "é", "v.é"):
        assert room.visitor(wrong) is None


def test_a_visitor_is_the_same_in_another_browser_and_at_another_address_with_the_cookie() -> None:
    room = Room(Clock())
    first = room.visitor_at("192.0.2.1")
    assert room.visitor_at("192.0.2.1") == first != room.visitor_at("192.0.2.2")
    assert room.visitor(room.cookie_of(first)) == first
    room.close()
    room.open()
    assert room.visitor_at("192.0.2.1") == first, "and is remembered where the room is opened again"
    assert "192" not in first and Room(Clock()).visitor_at("192.0.2.1") != first


def test_who_guesses_waits_and_others_do_not() -> None:
    room = Room(clock := Clock())
    for _ in range(TRIES):
        assert not room.enter("22222222", "192.0.2.1")
    with pytest.raises(TooManyTries) as caught:
        room.enter(room.code, "192.0.2.1")
    assert caught.value.seconds == TRIES_SECONDS
    assert room.enter(room.code, "192.0.2.2")
    clock.now += TRIES_SECONDS
    assert room.enter(room.code, "192.0.2.1")


def test_a_closed_room_lets_nobody_in_and_a_new_one_has_a_new_code() -> None:
    room = Room(Clock())
    code, cookie = room.code, room.cookie_of("v")
    room.close()
    assert not room.is_open
    for given in ("", code):
        assert not room.enter(given, "192.0.2.1")
    assert room.visitor(cookie) is None and room.visitor("") is None
    room.open()
    assert room.visitor(cookie) is None
    assert code != room.code
    assert Room(Clock()).code != room.code


def test_many_guessers_take_no_more_than_their_share_of_memory() -> None:
    room = Room(Clock())
    for number in range(3 * ADDRESSES):
        room.enter("22222222", f"guesser {number}")
    assert len(room._guesses) == ADDRESSES


def test_a_code_that_the_owner_chose_stays_and_so_do_those_inside() -> None:
    room, replica = Room(Clock(), "LETMEIN2026"), Room(Clock(), "LETMEIN2026")
    assert room.code == "LETMEIN2026" and room.enter("letmein-2026", "192.0.2.1")
    before = room.cookie_of("v")
    assert replica.visitor(before) == "v" and replica.visitor_at("192.0.2.1") == room.visitor_at("192.0.2.1")
    assert "LETMEIN2026" not in before
    room.close()
    room.open()
    assert room.code == "LETMEIN2026" and room.visitor(before) is None
    assert Room(Clock(), "LETMEIN2027").visitor(before) is None


def test_the_owner_has_a_key_that_no_code_opens_and_no_closing_ends() -> None:
    room = Room(Clock())
    room.close()
    assert room.enter_as_owner(room.owner_key, "192.0.2.1") and room.is_owner(room.owner_key)
    for wrong in ("", room.code, room.owner_key[:-1], "é"):
        assert not room.is_owner(wrong) and not room.enter_as_owner(wrong, f"192.0.2.{len(wrong)}")
    assert Room(Clock()).owner_key != room.owner_key
