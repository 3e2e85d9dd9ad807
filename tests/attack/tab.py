"""A browser's tab without a browser: what it sends is whatever an attacker likes."""

from __future__ import annotations

import asyncio
import html
import json
import re
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect as websocket

from tests.attack.target import TRUST_ANYTHING, Target
from tests.patience import SECOND

SOCKET = "_nicegui_ws/socket.io/?EIO=4&transport="


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

    @classmethod
    async def of(cls, target: Target, guest: httpx.AsyncClient) -> Tab:
        """Open the page in a guest's browser."""
        tab = cls((await guest.get("/")).text, await opened(target, guest))
        await tab.shake_hands()
        return tab

    async def open_settings(self) -> None:
        """Open the settings, which are sent when they are opened."""
        await self.send("Settings", "click")
        update = await self.heard("Silence before a reply")
        sent = json.loads(update.removeprefix("42"))[1]
        self.elements |= {number: element for number, element in sent.items() if isinstance(element, dict)}

    async def heard(self, words: str, seconds: float = 5) -> str:
        """Return the next message with these words; raises TimeoutError."""
        async with asyncio.timeout(seconds * SECOND):
            while words not in (message := str(await self.socket.recv())):
                if message == "2":
                    await self.socket.send("3")
        return message

    async def send(self, label: str, event: str, value: Any = None) -> None:
        """Send an event of the element with this label, as if its field had been used; raises IndexError."""
        number, listener = [
            (number, one["listener_id"])
            for number, element in self.elements.items()
            for one in element.get("events", ())
            if label in _names_of(element) and one["type"] == event
        ][0]
        args = [json.dumps(value)]
        message = {"id": int(number), "client_id": self.client_id, "listener_id": listener, "args": args}
        await self.socket.send(f'42["event",{json.dumps(message)}]')


def _names_of(element: dict[str, Any]) -> set[str | None]:
    props = element.get("props", {})
    return {props.get("aria-label"), props.get("label"), element.get("text"), element["tag"]}
