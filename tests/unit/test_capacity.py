"""How many connections strangers may hold."""

from __future__ import annotations

from voice_ui.sharing.capacity import Capacity, most_for


def test_one_address_cannot_take_everything_and_all_together_cannot_either() -> None:
    capacity = Capacity(5, 3)
    assert [capacity.take("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert [capacity.take(f"192.0.2.{number}") for number in (2, 3, 4)] == [True, True, False]
    capacity.release("192.0.2.1")
    assert capacity.take("192.0.2.4") and not capacity.take("192.0.2.1")
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
        capacity.release(address)
    assert capacity.held == 0


def test_the_owner_always_comes_in() -> None:
    capacity = Capacity(1, 1)
    assert capacity.take("192.0.2.1")
    assert all(capacity.take(address) for address in ("127.0.0.1", "::1", "127.0.0.1"))
    capacity.release("127.0.0.1")
    assert capacity.held == 1


def test_an_address_of_many_people_counts_for_the_whole_only() -> None:
    capacity = Capacity(5, 2, is_shared=lambda address: address == "127.0.0.1")
    assert [capacity.take("127.0.0.1") for _ in range(6)] == [True] * 5 + [False]
    capacity.release("127.0.0.1")
    assert capacity.held == 4


def test_all_addresses_of_one_ipv6_subscriber_are_one() -> None:
    capacity = Capacity(100, 2)
    assert [capacity.take(f"2001:db8::{number}") for number in range(1, 4)] == [True, True, False]
    assert capacity.take("2001:db8:0:1::1")
    assert [capacity.take(f"::ffff:192.0.2.{number}") for number in (1, 1, 1)] == [True, True, False]


def test_handles_are_kept_for_the_owner_and_for_connections_to_servers() -> None:
    assert most_for(1024) <= (1024 - 100) // 2
    assert 16 <= most_for(64) <= most_for(65_536) <= 2000
