"""What somebody on the network, or a web site in the owner's browser, can do without the code: nothing."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.attack.target import HANDLES, Connection, Target, under_attack
from tests.patience import SECOND, until
from voice_ui.sharing.http_protocol import HEAD_SECONDS

pytestmark = pytest.mark.long


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    async with under_attack(tmp_path) as target:
        yield target


async def test_without_the_code_no_file_no_socket_and_no_guessing(target: Target) -> None:
    async with target.visitor() as stranger:
        socket = "/_nicegui_ws/socket.io/?EIO=4&transport="
        for path in ("/", "/?code=", "/?owner=x", "/_nicegui/3.18.0/static/nicegui.js", f"{socket}polling", "/nothing"):
            answer = await stranger.get(path)
            assert answer.status_code == 403, path
            assert target.code not in answer.text
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": target.place.rstrip("/")}
        assert (await stranger.get(f"{socket}websocket", headers=upgrade)).status_code == 403
        statuses = [
            (await stranger.get("/", params={"code": f"2222222{number}"})).status_code for number in range(2, 9)
        ]
        assert statuses[-1] == 429
        assert (await stranger.get("/", params={"code": target.code})).status_code == 429


async def test_no_header_makes_a_stranger_the_owner(target: Target) -> None:
    for headers, status in (
        ({"Host": "localhost"}, 403),
        ({"Host": "127.0.0.1:8080"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"X-Forwarded-For": "127.0.0.1"}, 421),
        ({"X-Forwarded-Host": "localhost", "Forwarded": "for=127.0.0.1"}, 421),
        ({"X-Forwarded-Prefix": "//evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Cookie": "voice-ui-room=; voice-ui-owner="}, 403),
    ):
        async with target.visitor(**headers) as stranger:
            assert (await stranger.get("/")).status_code == status, headers


async def test_another_site_in_the_owners_browser_reaches_nothing(target: Target) -> None:
    async with httpx.AsyncClient(base_url=target.app.url, trust_env=False) as browser:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Host": "evil.example"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        ):
            assert (await browser.get("/", headers=headers)).status_code in {403, 421}


async def test_headers_without_end_take_no_memory_and_hold_nobody_up(target: Target) -> None:
    before = target.megabytes

    async def flood(line: bytes) -> int:
        reader, writer = await target.connect()
        sent = 0
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
            while sent < 20_000_000:
                writer.write(line)
                sent += len(line)
                await asyncio.wait_for(writer.drain(), 5 * SECOND)
        except (OSError, TimeoutError):
            pass
        finally:
            writer.transport.abort()
        return sent

    floods = [asyncio.create_task(flood(line)) for line in (b"X: x\r\n" * 10_000, b"x" * 60_000) * 3]
    waits = [await target.owner_waits() for _ in range(3)]
    sent = await asyncio.gather(*floods)
    assert max(waits) < 2 * SECOND
    assert max(sent) < 20_000_000, "all of it was taken"
    assert target.megabytes - before < 40


async def test_a_thousand_idle_connections_shut_nobody_out_and_are_cut(target: Target) -> None:
    crowd: list[Connection] = []

    async def idle() -> None:
        try:
            crowd.append(await target.connect())
        except (OSError, TimeoutError):
            pass  # one too many

    for _ in range(20):
        await asyncio.gather(*(idle() for _ in range((HANDLES - 22) // 20)))
    began = time.monotonic()
    assert await target.owner_waits() < 5 * SECOND
    ends = asyncio.gather(*(reader.read() for reader, _ in crowd), return_exceptions=True)
    await asyncio.wait_for(ends, (HEAD_SECONDS + 10) * SECOND)
    assert time.monotonic() - began < (HEAD_SECONDS + 10) * SECOND
    for _, writer in crowd:
        writer.transport.abort()
    async with target.guest() as guest:
        assert (await guest.get("/")).status_code == 200


async def test_silent_connects_do_not_shut_the_door(target: Target) -> None:
    silent = [await target.connect(tls=False) for _ in range(220)]
    began = time.monotonic()
    async with target.guest() as guest:
        assert (await guest.get("/")).status_code == 200
    assert time.monotonic() - began < 5 * SECOND
    for _, writer in silent:
        writer.transport.abort()


async def test_slow_headers_are_cut(target: Target) -> None:
    reader, writer = await target.connect()
    began = time.monotonic()
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    with pytest.raises((ConnectionError, ssl.SSLError)):
        while time.monotonic() - began < 3 * HEAD_SECONDS * SECOND:
            writer.write(b"X: x\r\n")
            await writer.drain()
            await asyncio.sleep(0.5)
    assert time.monotonic() - began < 2 * HEAD_SECONDS * SECOND
    writer.transport.abort()


async def test_no_path_writes_a_line_into_the_log(target: Target) -> None:
    async with httpx.AsyncClient(base_url=target.app.url, trust_env=False) as owner:
        for path in ("/%0A2026-01-01%2000:00:00,000%20voice_ui.app:%20forged", "/%1B[2Jcleared", "/%E2%80%AEgnp"):
            assert (await owner.get(path)).status_code == 404
        for number in range(300):
            await owner.get(f"/{number}")
    await until(lambda: "not found" in target.app.log, what="something is written")
    lines = target.app.log.splitlines()
    assert not any("forged" in line and line.startswith("2026-01-01") for line in lines)
    assert "\x1b" not in target.app.log and "\u202e" not in target.app.log
    assert sum("not found" in line for line in lines) < 100
