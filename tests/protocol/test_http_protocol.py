"""What anybody who reaches the port can do before a code is asked for: nothing that lasts, nothing that is large."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from tests.patience import until, within
from voice_ui.sharing import http_protocol
from voice_ui.sharing.capacity import Capacity
from voice_ui.sharing.http_protocol import HEAD_BYTES, bounded

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(capacity: Capacity) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app, "127.0.0.1", 0, http=bounded(capacity), ws="websockets-sansio", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    try:
        await until(lambda: server.started, what="the server listens")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


@pytest.fixture
async def capacity() -> Capacity:
    return Capacity(3, 3, is_shared=lambda _: True)  # so that loopback counts


@pytest.fixture
async def port(capacity: Capacity) -> AsyncIterator[int]:
    async with serving(capacity) as port:
        yield port


async def said(port: int, *words: bytes) -> bytes:
    """Say something, and return what comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for word in words:
            writer.write(word)
            await writer.drain()
        return await within(10, reader.read())
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def test_an_ordinary_request_is_answered(port: int) -> None:
    assert (await said(port, GET + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    long_cookie = b"Cookie: " + b"x" * 30_000 + b"\r\n"
    assert (await said(port, GET + long_cookie + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: " + b"x" * HEAD_BYTES + b"\r\n\r\n",
        GET + b"X: x\r\n" * (HEAD_BYTES // 4) + b"\r\n",
        b"GET /" + b"x" * HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"X" * (HEAD_BYTES + 1),
        GET + b"X: " + b"x" * (20 * HEAD_BYTES),
    ],
    ids=["one line", "many lines", "the path", "no end of a name", "no end of a line"],
)
async def test_a_head_above_64_kilobytes_is_refused(head: bytes, port: int, capacity: Capacity) -> None:
    pieces = [head[place : place + 8192] for place in range(0, len(head), 8192)]
    for way in ([head], pieces):
        answer = await said(port, *way)
        # Who still sends when we have gone may lose the answer (RFC 9112, section 9.6).
        assert answer.startswith(b"HTTP/1.1 431 ") or answer == b"reset"
    await until(lambda: capacity.held == 0, what="nothing is held")


async def test_the_limit_holds_for_each_request_of_a_connection(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(GET + b"X: " + b"x" * 40_000 + b"\r\n\r\n")
        assert b" 200 " in await within(5, reader.readuntil(b"ok"))
    writer.write(GET + b"X: " + b"x" * 80_000 + b"\r\n\r\n")
    assert (await within(5, reader.read())).startswith(b"HTTP/1.1 431 ")
    writer.close()


@pytest.mark.parametrize("piece", [1_000_000, 200_000, 65_536, 1_000])
async def test_a_body_is_no_head_however_long_it_is(piece: int, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for length in (84_703, 300_000, 9):
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length
        for place in range(0, len(request), piece):
            writer.write(request[place : place + piece])
            await writer.drain()
        assert b" 200 " in await within(10, reader.readuntil(b"ok"))
    writer.close()


@pytest.mark.parametrize(
    "words", [b"", b"GET / HTTP/1.1\r\nHo", b"\r\n", GET, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_who_does_not_get_on_with_it_is_cut_off(
    words: bytes, port: int, capacity: Capacity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", 0.3)
    assert await said(port, words) in {b"", b"reset"}
    await until(lambda: capacity.held == 0, what="nothing is held")


@pytest.mark.parametrize("drop", [b"X: y\r\n", b"\r\n"])
async def test_a_drop_now_and_then_buys_no_time(drop: bytes, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET + b"\r\n")  # one request well answered first
    assert b" 200 " in await within(5, reader.readuntil(b"ok"))
    writer.write(b"" if drop == b"\r\n" else GET)

    async def dribble() -> None:
        with pytest.raises(ConnectionError):
            while True:
                writer.write(drop)
                await writer.drain()
                await asyncio.sleep(0.05)

    await within(5, asyncio.gather(dribble(), reader.read(), return_exceptions=True))
    writer.close()


async def test_connections_are_counted_until_they_end_also_as_sockets(port: int, capacity: Capacity) -> None:
    upgrade = (
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    sockets: list[Connection] = []
    for _ in range(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade)
        assert b" 101 " in await within(5, reader.readuntil(b"\r\n\r\n"))
        sockets.append((reader, writer))
    assert capacity.held == 3
    assert await said(port, GET + b"\r\n") in {b"", b"reset"}
    sockets[0][1].close()
    await until(lambda: capacity.held == 2, what="a place is free")
    assert b" 200 " in await said(port, GET + b"Connection: close\r\n\r\n")
    for _, writer in sockets:
        writer.close()
    await until(lambda: capacity.held == 0, what="all are gone")


async def test_a_socket_outlives_the_deadline_of_its_request(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await within(5, reader.readuntil(b"\r\n\r\n"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.6)
    writer.close()
