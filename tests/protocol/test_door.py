"""The door to the network: https goes in, http is sent to https, silence and noise are shown out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.patience import until, within
from tests.running import free_port
from voice_ui.sharing import certificate, door
from voice_ui.sharing.capacity import Capacity
from voice_ui.sharing.door import Door


class Echo(asyncio.Protocol):
    """What is behind the door."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    context = certificate.context(certificate.own(tmp_path, ["localhost", "127.0.0.1"]))
    port = free_port()
    ours = {
        "answers_to": lambda host: host.startswith("laptop.local"),
        "is_closing": lambda: False,
        "capacity": Capacity(),
    }
    async with Door(["127.0.0.1"], port, context, Echo, **ours):
        yield port


async def said(port: int, words: bytes) -> bytes:
    """Say something without TLS, and return what comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    try:
        return await within(5, reader.read())
    finally:
        writer.close()


async def test_tls_goes_in(port: int, tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    writer.write(b"hello")
    assert await within(5, reader.readexactly(5)) == b"hello"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("host", "place"),
    [(b"laptop.local:8080", b"laptop.local:8080"), (b"evil.example", b"127.0.0.1:%d"), (b"a b", b"127.0.0.1:%d")],
)
async def test_http_is_sent_to_https_at_a_name_of_ours(port: int, host: bytes, place: bytes) -> None:
    answer = await said(port, b"GET /page?a=b HTTP/1.1\r\nHost: %s\r\n\r\n" % host)
    assert answer.startswith(b"HTTP/1.1 307 ")
    expected = place % port if b"%" in place else place
    assert b"\r\nLocation: https://%s/page?a=b\r\n" % expected in answer


@pytest.mark.parametrize("noise", [b"\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"GET //\xff HTTP/1.1\r\n\r\n", b"x" * 9000])
async def test_noise_is_shown_out(port: int, noise: bytes) -> None:
    assert (await said(port, noise)).startswith(b"HTTP/1.1 400 ")


async def test_silence_is_shown_out(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PATIENCE_SECONDS", 0.05)
    for words in (b"", b"GET / HT", b"\x16\x03\x01"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(words)
        assert await within(5, reader.read()) == b""
        writer.close()


@pytest.mark.parametrize("limit", ["MOST_WAITING", "WAITING_PER_ADDRESS"])
async def test_a_crowd_that_says_nothing_makes_room_for_the_next(
    limit: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, limit, 2)
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
    for reader, _ in crowd[:3]:  # who waits longest goes first
        assert await within(5, reader.read()) == b""
    await test_tls_goes_in(port, tmp_path)
    for _, silent in crowd:
        silent.close()


async def test_an_address_that_holds_too_many_connections_gets_no_more(tmp_path: Path) -> None:
    context = certificate.context(certificate.own(tmp_path, ["127.0.0.1"]))
    port = free_port()
    capacity = Capacity(per_address=2, is_shared=lambda address: False)
    capacity_of_strangers = Strangers(capacity)
    ours = {"answers_to": lambda host: True, "is_closing": lambda: False, "capacity": capacity_of_strangers}
    async with Door(["127.0.0.1"], port, context, Echo, **ours):
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert await within(5, crowd[2][0].read()) == b""
        for _, writer in crowd:
            writer.close()
        await until(lambda: capacity.held == 0, what="the connections count no more")


class Strangers(Capacity):
    """Takes everybody for somebody from elsewhere."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity

    def take(self, address: str) -> bool:
        return self._capacity.take("192.0.2.7")

    def release(self, address: str) -> None:
        self._capacity.release("192.0.2.7")
