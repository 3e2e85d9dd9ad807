"""A wire on loopback that a test can pull out, leave half open, flap, slow down, or bend at a chosen byte."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


class _End:
    """One end of a carried connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.dead = False
        """Nothing is written to it any more."""
        self.keeps_goodbye = False
        """Not even the end of the other side is passed on to it."""
        self.due = 0.0
        """When the last piece for it is, or was, delivered: what comes later must not overtake it."""


class Cable:
    """Carries every connection to one port, until it is told not to."""

    def __init__(self, target: int, *, seed: int = 0) -> None:
        self._target = target
        self._ends: set[_End] = set()
        self._at: tuple[int, Callable[[bytes], bytes]] | None = None
        self._cut_at: int | None = None
        self._cut_at_answer = False
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.plugged = True
        self.dead = False
        """Nothing comes through, and nobody is told."""
        self.answers = True
        """If not, connections are accepted, and never carried anywhere."""
        self.connections = 0
        """How many were ever accepted."""
        self.carried = 0
        """Bytes towards the target."""
        self.bytes_per_second: float | None = None
        """Towards the target; None is as fast as it goes."""
        self.latency_seconds = 0.0
        """In each direction."""
        self.jitter_seconds = 0.0
        """At most so much is added to the latency of each piece; their order is kept."""

    @property
    def open(self) -> int:
        """How many connections are carried at the moment."""
        return len(self._ends) // 2

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[int]:
        """Listen; yields the port."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.pull()
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def pull(self) -> None:
        """Break all connections, and refuse new ones."""
        self.cut()
        self.plugged = False

    def cut(self) -> None:
        """Break all connections; new ones are carried."""
        for end in self._ends:
            end.writer.transport.abort()

    def cut_after(self, more_bytes: int) -> None:
        """Break all connections when this much more was carried towards the target: a flap within a burst."""
        self._cut_at = self.carried + more_bytes

    def cut_at_the_next_answer(self) -> None:
        """Break all connections when the target next says something, which is lost: a flap right after a burst."""
        self._cut_at_answer = True

    def go_dead(self, *, unnoticed: bool = False) -> None:
        """Let the connections there are carry nothing any more, and tell nobody; new ones are carried.

        With `unnoticed` the target does not even learn that the other side has given one up, until `bury`.
        """
        for end in self._ends:
            end.dead, end.keeps_goodbye = True, unnoticed

    def bury(self) -> None:
        """Break the connections that are dead, so that both sides notice."""
        for end in self._ends:
            if end.dead:
                end.writer.transport.abort()

    def plug(self) -> None:
        """Carry again."""
        self.plugged, self.dead, self.answers = True, False, True

    def at_byte(self, place: int, change: Callable[[bytes], bytes]) -> None:
        """Change the piece that holds this byte, counted over everything carried towards the target."""
        self._at = (place, change)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.plugged:
            return writer.transport.abort()
        self.connections += 1
        if not self.answers:
            here = _End(writer)
            self._ends.add(here)
            with suppress(ConnectionError):
                while await reader.read(65_536):
                    pass
            self._ends.discard(here)
            return writer.close()
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        near, far = _End(writer), _End(forth)
        self._ends |= {near, far}
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await asyncio.gather(self._carry(reader, far, up=True), self._carry(back, near))
        finally:
            self._ends -= {near, far}
            self._tasks.discard(task)
            for end in (near, far):
                end.writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, end: _End, *, up: bool = False) -> None:
        try:
            while data := await reader.read(4096 if up and self.bytes_per_second else 65_536):
                is_cut = False
                if up:
                    cut_at, data = self._cut_at, self._bend(data)
                    is_cut = cut_at is not None and self._cut_at is None
                    if self.bytes_per_second:
                        await asyncio.sleep(len(data) / self.bytes_per_second)
                elif self._cut_at_answer:
                    self._cut_at_answer = False
                    self.cut()
                    return
                self._deliver(data, end)
                if is_cut:
                    return  # nothing may follow what was cut short
                if up:
                    await end.writer.drain()
        except ConnectionError:
            pass
        if end.keeps_goodbye:
            with suppress(ConnectionError):
                await end.writer.wait_closed()
        else:
            self._later(end, end.writer.close)

    def _bend(self, data: bytes) -> bytes:
        before, self.carried = self.carried, self.carried + len(data)
        if self._at and self.carried > self._at[0]:
            data, self._at = self._at[1](data), None
        if self._cut_at is not None and self.carried >= self._cut_at:
            data, self._cut_at = data[: max(0, self._cut_at - before)], None
            asyncio.get_running_loop().call_soon(self.cut)
        return data

    def _deliver(self, data: bytes, end: _End) -> None:
        def write() -> None:
            if not self.dead and not end.dead and not end.writer.is_closing():
                end.writer.write(data)

        self._later(end, write)

    def _later(self, end: _End, what: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        wait = self.latency_seconds + self._random.random() * self.jitter_seconds
        if not wait and end.due <= loop.time():
            what()
            return
        end.due = max(loop.time() + wait, end.due + 1e-6)  # a heap of timers keeps no order of equal ones
        loop.call_at(end.due, what)
