"""A proxy as in some offices: it passes HTTP, but no websocket, and it is far away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

REFUSAL = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def slow_proxy(target: int, round_trip_s: float) -> AsyncIterator[int]:
    """Pass every connection to a port of this machine, half a round trip later in each direction; yields the port."""
    tasks: set[asyncio.Task[None]] = set()
    connections: set[asyncio.Task[None]] = set()
    ends: list[asyncio.StreamWriter] = []

    async def carry(first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            while True:
                at, data = await on_the_way.get()
                await asyncio.sleep(at - loop.time())
                if not data:
                    return writer.close()
                writer.write(data)

        arriving = asyncio.create_task(arrive())
        tasks.add(arriving)
        data = first
        try:
            while data or (data := await reader.read(65_536)):
                on_the_way.put_nowait((loop.time() + round_trip_s / 2, data))
                data = b""
        except ConnectionError:
            pass
        on_the_way.put_nowait((loop.time() + round_trip_s / 2, b""))
        await arriving

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            connections.add(task)
        ends.append(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return writer.close()
        if b"upgrade: websocket" in head.lower():
            writer.write(REFUSAL)
            return writer.close()
        back, forth = await asyncio.open_connection("127.0.0.1", target)
        ends.append(forth)
        await asyncio.gather(carry(head, reader, forth), carry(b"", back, writer), return_exceptions=True)

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for end in ends:
            end.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *connections, return_exceptions=True)
