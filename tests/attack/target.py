"""The program under attack: shared on this machine's network, with few file handles, and what it costs it."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.patience import SECOND, until
from tests.running import Program, program
from voice_ui.sharing.addresses import lan_addresses

HANDLES = 1024
"""As on many systems; the program cannot raise it here."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

TRUST_ANYTHING = ssl.create_default_context()
TRUST_ANYTHING.check_hostname = False
TRUST_ANYTHING.verify_mode = ssl.CERT_NONE


class Target:
    """The running program, seen from the network."""

    def __init__(self, app: Program, link: str) -> None:
        self.app = app
        self.link = link
        self.place = link.partition("?")[0]
        parts = urlsplit(link)
        self.host, self.port = str(parts.hostname), int(parts.port or 443)
        self.code = link.rpartition("=")[2]

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.app.process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    async def connect(self, *, tls: bool = True) -> Connection:
        """Open one connection to the door."""
        secure = {"ssl": TRUST_ANYTHING, "server_hostname": self.host} if tls else {}
        return await asyncio.wait_for(asyncio.open_connection(self.host, self.port, **secure), 20 * SECOND)

    def visitor(self, **headers: str) -> httpx.AsyncClient:
        """Return somebody's browser, without a code."""
        return httpx.AsyncClient(
            base_url=self.place, verify=False, trust_env=False, headers=headers, timeout=20 * SECOND
        )

    @asynccontextmanager
    async def guest(self) -> AsyncIterator[httpx.AsyncClient]:
        """Yield the browser of somebody with the code."""
        async with self.visitor() as client:
            answer = await client.get("/", params={"code": self.code})
            assert answer.status_code == 303
            yield client

    async def owner_waits(self) -> float:
        """Return how many seconds the owner's page takes."""
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=20 * SECOND) as owner:
            assert (await owner.get(self.app.url)).status_code == 200
        return time.monotonic() - began


@asynccontextmanager
async def under_attack(folder: Path, **environ: str) -> AsyncIterator[Target]:
    """Run the program, shared and with few handles; with the practice server unless the environment names another."""
    if sys.platform != "linux" or not lan_addresses():
        pytest.skip("needs Linux, and an address on a network")
    arguments = ["--share"] if "OPENAI_BASE_URL" in environ else ["--share", "--offline"]
    environ = {"XDG_STATE_HOME": str(folder), **environ}
    async with program(*arguments, folder=folder, handles=HANDLES, **environ) as app:
        await until(lambda: "code=" in app.log, what="the invitation is written")
        yield Target(app, re.findall(r"https://\S+/\?code=\w{8}", app.log)[0])
