"""A real Redis on loopback, with nothing on the disk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.patience import until, within
from tests.running import free_port


class RedisServer:
    """May be stopped and started again; it has forgotten everything then."""

    def __init__(self) -> None:
        self.path = shutil.which("redis-server") or shutil.which("valkey-server")
        if self.path is None:
            pytest.skip("no redis-server: install it (Debian: apt-get install redis-server)")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Run until it listens."""
        assert self.path is not None
        self._process = await asyncio.create_subprocess_exec(
            self.path, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await within(10, self._listens())

    async def _listens(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    async def stop(self) -> None:
        """End it, and lose what it knew."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            process = self._process
            await until(lambda: process.returncode is not None)


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Run one."""
    server = RedisServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
