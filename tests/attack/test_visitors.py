"""What somebody with the code can do to the program and to others: talk, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.attack.tab import SOCKET, Tab, client_id_of, opened
from tests.attack.target import Target, under_attack
from tests.patience import SECOND

pytestmark = pytest.mark.long


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    async with under_attack(tmp_path) as target:
        yield target


async def send_as_long_as_possible(socket: ClientConnection, messages: list[str | bytes]) -> None:
    try:
        for message in messages:
            await asyncio.wait_for(socket.send(message), 5 * SECOND)
        await socket.close()
    except (ConnectionClosed, TimeoutError):
        pass


async def test_attachments_that_never_complete_are_not_kept(target: Target) -> None:
    async with target.guest() as guest:
        before = target.megabytes
        sockets = [await opened(target, guest) for _ in range(3)]
        megabyte = b"x" * 900_000
        announced = '45999-["event",{"_placeholder":true,"num":0}]'
        await asyncio.gather(*(send_as_long_as_possible(socket, [announced, *[megabyte] * 30]) for socket in sockets))
        assert target.megabytes - before < 40


async def test_tab_ids_of_a_megabyte_are_not_kept(target: Target) -> None:
    async with target.guest() as guest:
        before = target.megabytes
        for number in range(20):
            page = (await guest.get("/")).text
            client_id = client_id_of(page)
            socket = await opened(target, guest)
            tab = f"{number}" + "x" * 900_000
            told = f'{{"client_id":"{client_id}","tab_id":"{tab}","document_id":"d","next_message_id":0}}'
            await socket.send(f'420["handshake",{told}]')
            answer = await asyncio.wait_for(socket.recv(), 5 * SECOND)
            while not str(answer).startswith("43"):
                answer = await asyncio.wait_for(socket.recv(), 5 * SECOND)
            assert answer == "430[false]"
            await socket.close()
        assert target.megabytes - before < 40


async def test_settings_that_a_page_makes_up_are_not_taken(target: Target) -> None:
    async with target.guest() as guest:
        tab = await Tab.of(target, guest)
        await tab.open_settings()
        silence, loudness = "Silence before a reply", "Speech threshold"
        for label, value in ((loudness, {"a": 1}), (silence, 10**18), (silence, -5), (silence, "500"), (loudness, [])):
            await tab.send(label, "change", value)
        await tab.send("Instructions", "update:value", "x" * 900_000)
        await tab.send("Instructions", "blur")
        await tab.send(silence, "change", 650)
        remembered = await tab.heard("silence_ms")
        assert "650" in remembered and "threshold" not in remembered and "xxx" not in remembered
        assert "Traceback" not in target.app.log


async def test_a_body_without_end_is_not_read(target: Target) -> None:
    async with target.guest() as guest:
        greeting = (await guest.get(f"/{SOCKET}polling")).text
        sid = greeting.partition('"sid":"')[2].partition('"')[0]
        before = target.megabytes

        async def body() -> AsyncIterator[bytes]:
            for _ in range(800):
                yield b"x" * 65_536

        try:
            await guest.post(f"/{SOCKET}polling&sid={sid}", content=body())
        except httpx.HTTPError:
            pass
        assert target.megabytes - before < 20


async def test_a_page_of_another_origin_gets_no_socket_even_with_the_cookie(target: Target) -> None:
    from websockets.exceptions import InvalidStatus

    async with target.guest() as guest:
        for origin in ("https://evil.example", "null", f"http://{target.host}:{target.port}"):
            with pytest.raises(InvalidStatus) as caught:
                await opened(target, guest, Origin=origin)
            assert caught.value.response.status_code == 403


async def test_the_code_is_in_no_page_and_the_cookie_is_out_of_reach_of_scripts(target: Target) -> None:
    async with target.visitor() as client:
        answer = await client.get("/", params={"code": target.code})
        assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(answer.headers["set-cookie"].split("; "))
        page = await client.get("/")
        assert target.code not in page.text and "frame-ancestors 'none'" in page.headers["content-security-policy"]
