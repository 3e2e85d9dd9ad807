"""A connection lives as long as its other end gives any sign of life, and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.patience import until, within
from voice_ui import transport
from voice_ui.errors import ConnectionFailed
from voice_ui.servers import Endpoint
from voice_ui.transport import Transport
from voice_ui.transport.interface import PATIENCE_SECONDS

Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def connected(script: Script) -> AsyncIterator[Transport]:
    async with serve(script, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        port = server.sockets[0].getsockname()[1]
        async with transport.connect(Endpoint("it", f"ws://127.0.0.1:{port}/v1/realtime", "m")) as connection:
            yield connection


def deaf(websocket: ServerConnection) -> None:
    """See that no ping is read, and so none is answered."""
    websocket.transport.pause_reading()


async def test_a_server_that_thinks_and_answers_no_ping_is_not_given_up() -> None:
    done = asyncio.Event()

    async def think(websocket: ServerConnection) -> None:
        deaf(websocket)
        await asyncio.sleep(0.6)
        await websocket.send("the answer")
        await done.wait()
        websocket.transport.abort()

    async with connected(think) as connection:
        assert connection.patience == PATIENCE_SECONDS >= 10
        connection.patience = 2
        assert await within(5, anext(aiter(connection))) == "the answer"
        done.set()


async def test_any_message_is_a_sign_of_life() -> None:
    stop = asyncio.Event()

    async def talk(websocket: ServerConnection) -> None:
        deaf(websocket)
        while not stop.is_set():
            await websocket.send("still here")
            await asyncio.sleep(0.02)
        await websocket.wait_closed()

    async with connected(talk) as connection:
        connection.patience = 0.3
        began = time.monotonic()
        heard = 0
        with pytest.raises(ConnectionFailed) as caught:
            async for _ in connection:
                heard += 1
                if time.monotonic() - began > 1.2:
                    stop.set()
        assert caught.value.problem.code == "connection-lost"
        assert time.monotonic() - began > 1.2 and heard > 5
        assert connection.alive_at <= began  # nothing that was sent is known to have arrived


async def test_a_pong_is_a_sign_of_life_and_says_what_has_arrived() -> None:
    async def listen(websocket: ServerConnection) -> None:
        await websocket.wait_closed()

    async with connected(listen) as connection:
        connected_at = connection.alive_at
        await until(lambda: connection.round_trip_ms is not None, what="a pong")
        assert connected_at <= connection.alive_at <= time.monotonic()


async def test_patience_can_grow_while_a_reply_is_awaited() -> None:
    async def never(websocket: ServerConnection) -> None:
        deaf(websocket)
        await asyncio.sleep(0.9)
        await websocket.send("at last")
        await websocket.wait_closed()

    async with connected(never) as connection:
        connection.patience = 0.4
        await asyncio.sleep(0.1)
        connection.patience = 30
        assert await within(5, anext(aiter(connection))) == "at last"


async def test_a_program_that_does_not_read_gives_nobody_up() -> None:
    async def flood(websocket: ServerConnection) -> None:
        for _ in range(200):
            await websocket.send("x" * 100_000)
        await websocket.wait_closed()

    async with connected(flood) as connection:
        connection.patience = 0.2
        await asyncio.sleep(0.8)  # a page that is busy elsewhere: what has come is not read
        received = 0
        connection.patience = 5
        async for _ in connection:
            received += 1
            if received == 200:
                break
        assert received == 200
