"""Who may use the practice server, and how little a bad client can do to it and to the others."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.patience import SECOND, until, within
from tests.protocol.offline_client import Parrot, client_of
from voice_ui import audio
from voice_ui.offline import connection, origins, server
from voice_ui.offline.server import PracticeServer, serve


@pytest.fixture
async def practice() -> AsyncIterator[PracticeServer]:
    async with serve(recognizer=Parrot()) as practice:
        yield practice
    assert practice.sessions == 0


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1:8080", None, True),
        ("localhost", None, True),
        ("[::1]:8080", None, True),
        ("192.168.1.5:8080", None, True),
        ("127.0.0.1:8080", "http://localhost:3000", True),
        ("127.0.0.1:8080", "http://127.0.0.1:3000", True),
        ("192.168.1.5:8080", "http://192.168.1.5:8081", True),
        ("127.0.0.1:8080", "https://example.com", False),
        ("127.0.0.1:8080", "http://192.168.1.5", False),
        ("127.0.0.1:8080", "http://localhost.example.com", False),
        ("127.0.0.1:8080", "null", False),
        ("127.0.0.1:8080", "", False),
        ("127.0.0.1:8080", "http://[", False),
        ("example.com:8080", "http://example.com:8080", False),
        ("example.com", None, False),
        (None, None, False),
    ],
)
def test_only_programs_and_pages_of_this_machine_come_in(host: str | None, origin: str | None, allowed: bool) -> None:
    assert (origins.refusal(host, origin) is None) == allowed


def test_a_server_for_the_network_has_a_name_there_but_not_for_pages() -> None:
    assert origins.refusal("practice.local:8080", None, only_loopback=False) is None
    assert origins.refusal("example.com:8080", "http://example.com:8080", only_loopback=False)


async def test_a_page_of_a_foreign_site_gets_no_session(practice: PracticeServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(practice.url, origin="https://example.com"):
            pass
    assert refused.value.response.status_code == HTTPStatus.FORBIDDEN
    assert b"example.com" in (refused.value.response.body or b"")


async def test_a_name_that_was_made_to_point_here_gets_no_session(practice: PracticeServer) -> None:
    address, _, port = practice.url.removeprefix("ws://").partition("/")[0].partition(":")
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://example.com:{port}/v1/realtime", host=address, port=int(port), proxy=None):
            pass
    assert refused.value.response.status_code == HTTPStatus.FORBIDDEN


async def test_sessions_are_capped_and_a_place_comes_free_again(
    practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_SESSIONS", 1)
    async with client_of(practice.url):
        async with connect(practice.url) as second:
            error = json.loads(await within(5, second.recv()))
            assert error["error"]["code"] == "session_limit_reached"
            with pytest.raises(ConnectionClosed):
                await within(5, second.recv())
            assert second.close_code == 1013
    await until(lambda: practice.sessions == 0)
    async with client_of(practice.url):
        pass


async def test_minutes_of_audio_at_once_hold_up_nobody(practice: PracticeServer) -> None:
    half_a_minute = audio.encode(audio.silence(30_000))

    async def flood() -> None:
        async with client_of(practice.url) as each:
            await each.send("input_audio_buffer.append", audio=half_a_minute)
            await each.configure()  # answered when all of it was processed

    async with client_of(practice.url) as other:
        await other.configure()
        flooding = asyncio.gather(*(flood() for _ in range(8)))
        worst, started = 0.0, time.perf_counter()
        while not flooding.done():
            asked = time.perf_counter()
            await other.configure()
            worst = max(worst, time.perf_counter() - asked)
        assert worst < (time.perf_counter() - started) / 2, "it need not wait for the others"


async def test_what_one_client_has_sent_at_once_does_not_hold_up_the_loop(
    practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, taken = 0, Counter[int]()

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(connection.ClientConnection, "receive", lambda self, message: taken.update([turns]))
    async with connect(practice.url, ping_interval=None) as flooding:
        for _ in range(3000):
            await flooding.send("{}")
        counting = asyncio.create_task(count_turns())
        await until(lambda: taken.total() == 3000)
        counting.cancel()
    assert max(taken.values()) <= 20


async def test_a_client_that_does_not_read_is_dropped(
    practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OUTBOX_BYTES", 200_000)
    nonsense = json.dumps({"type": "x" * 80})
    async with connect(practice.url, max_queue=1, ping_interval=None) as deaf:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(20 * SECOND):
                while True:
                    await deaf.send(nonsense)
    await until(lambda: practice.sessions == 0)


async def test_a_client_that_does_not_read_does_not_delay_the_end() -> None:
    async with serve(recognizer=Parrot()) as practice:
        async with connect(practice.url, max_queue=1, ping_interval=None) as deaf:
            nonsense = json.dumps({"type": "x" * 80})
            for _ in range(2000):
                await deaf.send(nonsense)
            deaf.transport.pause_reading()
            started = asyncio.get_running_loop().time()
            await practice.stop()
            assert asyncio.get_running_loop().time() - started < 3 * SECOND
            assert practice.sessions == 0
            deaf.transport.abort()
