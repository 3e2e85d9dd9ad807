"""Ports: the next free one, and who holds one that is not."""

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from voice_ui import ports
from voice_ui.errors import SettingsError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_the_next_free_one_is_found(taken: int) -> None:
    assert taken < ports.free(["127.0.0.1"], taken, fixed=False) <= taken + ports.MORE


def test_one_that_was_asked_for_is_an_error_that_names_who_holds_it(taken: int) -> None:
    with pytest.raises(SettingsError, match=f"127.0.0.1 port {taken} .*--port") as caught:
        ports.free(["127.0.0.1"], taken, fixed=True)
    if sys.platform == "linux":
        assert f"process {os.getpid()}" in str(caught.value)


def test_a_free_one_is_held_by_nobody(taken: int) -> None:
    assert ports.held_by(ports.free(["127.0.0.1"], taken, fixed=False)) == ""
