"""Connections through the proxy that is set; none to this machine; and what it means when one fails."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.proxies import http_proxy, socks_proxy
from tests.running import free_port
from tests.unit.test_proxy import NAMES
from voice_ui import preflight, transport
from voice_ui.errors import Problem, SessionError
from voice_ui.servers import Endpoint
from voice_ui.transport import trust

FAR = Endpoint("far", "ws://far.example/v1/realtime?model=m", "m")
TODAY = date(2026, 11, 26)


@pytest.fixture(autouse=True)
def no_proxy_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """Run a server that says hello, and return its port."""

    async def hello(websocket: ServerConnection) -> None:
        await websocket.send('{"type":"hello"}')
        await websocket.wait_closed()

    async with serve(hello, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


async def first_message(endpoint: Endpoint) -> str | bytes:
    async with transport.connect(endpoint) as connection:
        return await anext(aiter(connection))


async def problem_with(endpoint: Endpoint) -> Problem:
    with pytest.raises(SessionError) as caught:
        await first_message(endpoint)
    return caught.value.problem


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("setting", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "all_proxy"])
async def test_a_server_on_this_machine_is_not_asked_for_through_a_proxy(
    host: str, setting: str, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_proxy(server) as proxy:
        monkeypatch.setenv(setting, f"http://127.0.0.1:{proxy.port}")
        endpoint = Endpoint("near", f"ws://{host}:{server}/v1/realtime?model=m", "m")
        assert await first_message(endpoint) == '{"type":"hello"}'
        await preflight.ask(endpoint, today=TODAY)
        assert (proxy.asked, proxy.carried) == ([], 0)


@pytest.mark.parametrize("setting", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
async def test_another_server_is_reached_through_the_proxy(
    setting: str, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_proxy(server) as proxy:
        monkeypatch.setenv(setting, f"http://127.0.0.1:{proxy.port}")
        assert await first_message(FAR) == '{"type":"hello"}'
        assert proxy.asked == ["far.example:80"]


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "socks"])
async def test_another_server_is_reached_through_a_socks_proxy(
    scheme: str, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("python_socks")
    far = Endpoint("far", "ws://localhost.example/v1/realtime?model=m", "m")
    async with socks_proxy(server) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy.port}")
        if scheme == "socks5":  # the name is looked up here, where nobody knows it
            assert (await problem_with(far)).facts["setting"] == "ALL_PROXY"
            return
        assert await first_message(far) == '{"type":"hello"}'
        assert proxy.asked == ["localhost.example:80"]


async def test_a_socks_proxy_without_its_package_is_a_problem_with_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(*_: object, **__: object) -> None:
        raise ImportError("connecting through a SOCKS proxy requires python-socks")

    monkeypatch.setattr(sys.modules["websockets.asyncio.client"], "connect_socks_proxy", missing)
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:9")
    problem = await problem_with(FAR)
    assert (problem.code, problem.facts["setting"]) == ("proxy-unsupported", "HTTPS_PROXY")


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
async def test_a_proxy_that_is_not_running_is_named_with_its_setting(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("python_socks")
    port = free_port()
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:hunter2hunter2@127.0.0.1:{port}")
    for problem in (await problem_with(FAR), await preflight.ask(Endpoint.openai("sk-1234"), today=TODAY)):
        assert problem is not None
        assert problem.code == "proxy-unreachable"
        assert (problem.facts["proxy"], problem.facts["setting"]) == (f"127.0.0.1:{port}", "HTTPS_PROXY")
        assert "hunter2" not in repr(problem)


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"SSH-2.0-x\r\n\r\n"],
)
async def test_a_proxy_that_says_no_is_named_with_its_setting(
    answer: bytes, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_proxy(server, answer) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        problem = await problem_with(FAR)
        assert (problem.code, problem.facts["setting"]) == ("proxy-refused", "ALL_PROXY")
        asked = await preflight.ask(Endpoint.openai("sk-1234"), today=TODAY)
        assert asked is None or asked.code == "proxy-refused"


async def test_a_proxy_that_is_malformed_is_named_by_its_setting_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "htp:/me:hunter2hunter2@p.example:x")
    for problem in (await problem_with(FAR), await preflight.ask(Endpoint.openai("sk-1234"), today=TODAY)):
        assert problem is not None
        assert (problem.code, problem.facts["setting"]) == ("proxy-invalid", "HTTPS_PROXY")
        assert "hunter2" not in repr(problem)


async def test_certificates_that_are_gone_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for setting, path in (
        ("SSL_CERT_FILE", tmp_path / "gone.pem"), ("SSL_CERT_FILE", empty), ("SSL_CERT_DIR", tmp_path / "gone"),
    ):  # fmt: skip
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.setenv(setting, str(path))
        openai = Endpoint.openai("sk-1234")
        for problem in (await problem_with(openai), await preflight.ask(openai, today=TODAY)):
            assert problem is not None
            assert (problem.code, problem.facts["setting"]) == ("certificates-missing", setting)
            assert str(path) in problem.detail
    assert await preflight.ask(Endpoint("near", "ws://127.0.0.1:9/v1/realtime", "m"), today=TODAY) is None
    # OpenSSL looks into several folders, of which not all need to exist.
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join((str(tmp_path / "gone"), str(tmp_path))))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert trust.context("here").verify_mode == ssl.CERT_REQUIRED
