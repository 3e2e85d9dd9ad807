"""A wire on loopback that a test can pull out, let go dead, slow down, or bend at a chosen byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Cable:
    """Carries every connection to one port, until it is told not to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._ends: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._at: tuple[int, Callable[[bytes], bytes]] | None = None
        self.plugged = True
        self.dead = False
        """Nothing comes through, and nobody is told."""
        self.connections = 0
        """How many were ever carried."""
        self.carried = 0
        """Bytes towards the target."""
        self.bytes_per_second: float | None = None
        """Towards the target; None is as fast as it goes."""

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[int]:
        """Listen; yields the port."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.pull()
            server.close()

    def pull(self) -> None:
        """Break all connections, and refuse new ones."""
        self.cut()
        self.plugged = False

    def cut(self) -> None:
        """Break all connections; new ones are carried."""
        for end in self._ends:
            end.transport.abort()

    def go_dead(self) -> None:
        """Let the connections there are carry nothing any more, and tell nobody; new ones are carried."""
        self._dead |= self._ends

    def plug(self) -> None:
        """Carry again."""
        self.plugged, self.dead = True, False

    def at_byte(self, place: int, change: Callable[[bytes], bytes]) -> None:
        """Change the piece that holds this byte, counted over everything carried towards the target."""
        self._at = (place, change)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.plugged:
            return writer.transport.abort()
        self.connections += 1
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, forth}
        self._ends |= ends
        await asyncio.gather(self._carry(reader, forth, up=True), self._carry(back, writer))
        self._ends -= ends
        self._dead -= ends

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool = False) -> None:
        try:
            while data := await reader.read(4096 if up and self.bytes_per_second else 65_536):
                if up:
                    self.carried += len(data)
                    if self._at and self.carried > self._at[0]:
                        data, self._at = self._at[1](data), None
                    if self.bytes_per_second:
                        await asyncio.sleep(len(data) / self.bytes_per_second)
                if not self.dead and writer not in self._dead:
                    writer.write(data)
                    if up:
                        await writer.drain()
        except ConnectionError:
            pass
        writer.close()
