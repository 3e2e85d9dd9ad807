"""Proxies between this program and a server that a test stands in for: one by HTTP CONNECT, one by SOCKS 5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Leads every connection to one port of loopback, whatever place was asked for."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.asked: list[str] = []
        """The places that were asked for."""
        self.carried = 0
        """Bytes, in both directions."""

    async def carry(self, near: Streams) -> None:
        far = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._copy(near[0], far[1]), self._copy(far[0], near[1]))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.carried += len(data)
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


Talk = Callable[[Proxy, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _listening(proxy: Proxy, talk: Talk) -> AsyncIterator[Proxy]:
    open_: set[tuple[asyncio.Task[None], asyncio.StreamWriter]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_.add((task, writer))
        try:
            await talk(proxy, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for _, writer in open_:
            writer.transport.abort()
        await asyncio.gather(*(task for task, _ in open_))


@asynccontextmanager
async def http_proxy(target: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> AsyncIterator[Proxy]:
    """Run an HTTP proxy that gives this answer to each CONNECT."""

    async def talk(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        proxy.asked.append(head.decode().split()[1])
        writer.write(answer)
        if b" 200 " in answer:
            await proxy.carry((reader, writer))

    async with _listening(Proxy(target), talk) as proxy:
        yield proxy


@asynccontextmanager
async def socks_proxy(target: int) -> AsyncIterator[Proxy]:
    """Run a SOCKS 5 proxy without authentication (RFC 1928) that is asked by name."""

    async def talk(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        version, command, _, kind = await reader.readexactly(4)
        assert (version, command, kind) == (5, 1, 3), "CONNECT to a name"
        (length,) = await reader.readexactly(1)
        name = (await reader.readexactly(length)).decode()
        port = int.from_bytes(await reader.readexactly(2))
        proxy.asked.append(f"{name}:{port}")
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await proxy.carry((reader, writer))

    async with _listening(Proxy(target), talk) as proxy:
        yield proxy
