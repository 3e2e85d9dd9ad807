"""What somebody with the code can do to the program and to others: talk, and no more."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect as websocket
from websockets.exceptions import ConnectionClosed

from tests.attack.target import TRUST_ANYTHING, Target, under_attack
from tests.patience import SECOND

pytestmark = pytest.mark.long

SOCKET = "_nicegui_ws/socket.io/?EIO=4&transport="


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    async with under_attack(tmp_path) as target:
        yield target


async def opened(target: Target, guest: httpx.AsyncClient, **headers: str) -> ClientConnection:
    """Open the socket of a page, as far as socket.io's own greeting."""
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    socket = await websocket(
        f"wss://{target.host}:{target.port}/{SOCKET}websocket",
        ssl=TRUST_ANYTHING,
        additional_headers={"Cookie": cookie, **({"Origin": target.place.rstrip("/")} | headers)},
        proxy=None,
    )
    await socket.recv()
    await socket.send("40")
    await socket.recv()
    return socket


def client_id_of(page: str) -> str:
    """Return the id under which the page's socket introduces itself."""
    return re.findall(r"client_id': '([0-9a-f-]{36})'", page)[0]


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


class Tab:
    """A page with a live socket, driven by hand: what it sends is whatever its owner likes."""

    def __init__(self, page: str, socket: ClientConnection) -> None:
        self.socket = socket
        self.client_id = client_id_of(page)
        raw = page.partition("String.raw`")[2].partition("`")[0]
        self.elements: dict[str, dict[str, Any]] = json.loads(html.unescape(raw))

    async def shake_hands(self) -> None:
        told = {"client_id": self.client_id, "tab_id": str(uuid4()), "document_id": "d", "next_message_id": 0}
        await self.socket.send(f'420["handshake",{json.dumps(told)}]')
        await self.heard("430[true]")

    async def heard(self, words: str, seconds: float = 5) -> str:
        """Return the next message with these words; raises TimeoutError."""
        async with asyncio.timeout(seconds * SECOND):
            while words not in (message := str(await self.socket.recv())):
                if message == "2":
                    await self.socket.send("3")
        return message

    async def send(self, label: str, event: str, value: Any = None) -> None:
        """Send an event of the element with this label, as if its field had been used."""
        number, element = next(
            (number, element)
            for number, element in self.elements.items()
            if label in {element.get("props", {}).get("aria-label"), element.get("props", {}).get("label")}
        )
        listener = next(one["listener_id"] for one in element["events"] if one["type"] == event)
        args = [json.dumps(value)]
        message = {"id": int(number), "client_id": self.client_id, "listener_id": listener, "args": args}
        await self.socket.send(f'42["event",{json.dumps(message)}]')


async def test_settings_that_a_page_makes_up_are_not_taken(target: Target) -> None:
    async with target.guest() as guest:
        tab = Tab((await guest.get("/")).text, await opened(target, guest))
        await tab.shake_hands()
        silence, loudness = "Silence that ends a turn", "How loud speech must be"
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
