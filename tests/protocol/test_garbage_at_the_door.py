"""Garbage from the network, at the running program: nothing breaks, nothing is written down, nothing piles up."""

from __future__ import annotations

import asyncio
import random
import re
import ssl
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.patience import SECOND, until
from tests.running import Program, program
from voice_ui.sharing.addresses import lan_addresses

VISITS = 300
MOST_MB = 8.0
"""Of one round of visits after another that warmed everything up; at 10 kB a visit it would be less than half."""

CONTROLS = dict.fromkeys((0, 0x7F))
"""What the client that we visit with cannot send."""

BEGUN = ["", "4", "9", "40/other,", "42", '42["event",', "451-", '42["handshake",{"client_id":']
WELL_FORMED = ["40", "41", "42[]", "42{}", '42["ack",{}]', '451-["event",{"_placeholder":true,"num":0}]'] + [
    f'42["{event}",{what}]'
    for event in ("event", "handshake", "ack", "javascript_response", "log", "nonsense")
    for what in ("{}", "null", '{"client_id":"x","id":1,"args":[]}')
]

SOCKET = "_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def anybody() -> ssl.SSLContext:
    """Return what accepts every certificate, as somebody does who was warned."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def memory_mb(app: Program) -> float:
    status = Path(f"/proc/{app.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s*(\d+)", status)
    assert found
    return int(found[1]) / 1024


def noise(chance: random.Random, most: int = 60) -> str:
    return "".join(chance.choice("ABC234 -%&=?/\\'\"<>{}[]:;,.\x7fäß€😀\0") for _ in range(chance.randrange(most)))


async def knock(client: httpx.AsyncClient, chance: random.Random) -> None:
    """Ask for something that is none, or come in with a code that is none."""
    headers = {
        name: noise(chance).translate(CONTROLS).strip().encode()
        for name in chance.sample(["cookie", "origin", "x-forwarded-for", "sec-fetch-site", "range", "accept"], 2)
    }
    path = chance.choice(["/", "/", "/_nicegui/" + noise(chance), "/" + noise(chance), f"/{SOCKET}"])
    method = chance.choice(["GET", "GET", "POST", "HEAD", "OPTIONS", "DELETE", "X"])
    try:
        url = httpx.URL(client.base_url).copy_with(path=path.translate(CONTROLS).partition("?")[0])
        answer = await client.request(method, url, params={"code": noise(chance)}, headers=headers)
    except (httpx.RemoteProtocolError, httpx.InvalidURL):
        return  # what the server's parser refuses outright
    assert answer.status_code < 500, (method, path, answer.status_code)


async def babble(place: str, cookie: str, chance: random.Random) -> None:
    """Say nonsense on the socket of a page."""
    address, origin = place.replace("https", "wss", 1) + SOCKET, place.rstrip("/")
    try:
        async with connect(address, ssl=anybody(), origin=origin, additional_headers={"cookie": cookie}) as wire:  # type: ignore[arg-type]
            for _ in range(chance.randrange(1, 6)):
                words = chance.choice(WELL_FORMED + [start + noise(chance) for start in BEGUN])
                await wire.send(words if chance.random() < 0.8 else words.encode())
            async with asyncio.timeout(0.05):
                await wire.recv()
    except (ConnectionClosed, TimeoutError):
        pass  # shown out, or not answered


@pytest.mark.skipif(not lan_addresses(), reason="this machine has no address on a network")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="how much memory it takes is not told here")
@pytest.mark.long
async def test_garbage_at_the_join_page_and_at_the_socket_is_shown_out(tmp_path: Path) -> None:
    chance = random.Random(6)
    async with program("--share", folder=tmp_path, XDG_STATE_HOME=str(tmp_path)) as app:
        await until(lambda: "private" in app.log, what="the invitation is written")
        link = re.findall(r"https://\S+", app.log)[0]
        place = link.partition("?")[0]
        async with httpx.AsyncClient(verify=anybody(), base_url=place, timeout=10 * SECOND) as client:
            joined = await client.get(link)
            cookie = joined.headers["set-cookie"].partition(";")[0]
            client.cookies.clear()
            memory = []
            for _ in range(3):
                for _ in range(VISITS // 10):
                    await asyncio.gather(*(knock(client, chance) for _ in range(10)))
                    await babble(place, cookie, chance)
                memory.append(memory_mb(app))
            assert memory[-1] - memory[-2] < MOST_MB, memory
            assert (await client.get("/", headers={"cookie": cookie})).status_code == 200  # and it goes on
