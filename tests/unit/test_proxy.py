"""Which proxy a connection goes through, by what is set."""

from __future__ import annotations

import pytest

from voice_ui.errors import Refused
from voice_ui.redaction import redact
from voice_ui.transport.proxy import is_loopback, proxy_for

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY", "SOCKS_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def no_proxy_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "localhost.", "voice.localhost", "::1", "[::1]",
        "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001",
    ],
)  # fmt: skip
def test_this_machine_is_never_reached_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES[:6]:
        monkeypatch.setenv(name, "http://proxy.example:3128")
    host = f"[{host}]" if ":" in host and "[" not in host else host
    for scheme in ("ws", "wss", "http", "https"):
        assert proxy_for(f"{scheme}://{host}:8080/v1", "it") is None


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", "example.com", "128.0.0.1", "fe80::1", ""])
def test_another_machine_is_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "environ", "address", "setting"),
    [
        ("wss://far.example", {"HTTPS_PROXY": "http://p.example:3128"}, "p.example:3128", "HTTPS_PROXY"),
        ("wss://far.example", {"https_proxy": "http://p.example"}, "p.example:80", "HTTPS_PROXY"),
        ("wss://far.example", {"HTTPS_PROXY": "p.example:3128"}, "p.example:3128", "HTTPS_PROXY"),
        ("wss://far.example", {"ALL_PROXY": "http://p.example:1"}, "p.example:1", "ALL_PROXY"),
        ("https://far.example", {"ALL_PROXY": "socks5://p.example"}, "p.example:1080", "ALL_PROXY"),
        ("wss://far.example", {"ALL_PROXY": "http://a", "HTTPS_PROXY": "http://b"}, "b:80", "HTTPS_PROXY"),
        ("ws://far.example", {"HTTP_PROXY": "http://me:pw@[2001:db8::1]:8"}, "[2001:db8::1]:8", "HTTP_PROXY"),
        ("wss://far.example", {"HTTP_PROXY": "http://p.example"}, None, None),
        ("wss://far.example", {"HTTPS_PROXY": "http://p", "NO_PROXY": "far.example"}, None, None),
        ("wss://10.1.2.3/v1", {"HTTPS_PROXY": "http://p", "NO_PROXY": "x, 10.0.0.0/8"}, None, None),
        ("wss://far.example", {"HTTPS_PROXY": "http://p", "NO_PROXY": "*"}, None, None),
        ("wss://far.example", {"HTTPS_PROXY": ""}, None, None),
    ],
)
def test_the_proxy_is_the_one_that_is_set(
    url: str, environ: dict[str, str], address: str | None, setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(url, "it")
    assert (proxy and (proxy.address, proxy.setting)) == (address and (address, setting))


@pytest.mark.parametrize(
    "value",
    ["ftp://p.example", "http://", "http://me:pa/ss123456@p.example", "http://p.example/path", "http://p:port", "://", "pac+x://y"],
)  # fmt: skip
def test_what_is_no_proxy_is_a_problem_that_names_the_setting(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(Refused) as caught:
        proxy_for("wss://far.example", "it")
    problem = caught.value.problem
    assert problem.code == "proxy-invalid" and problem.facts["setting"] == "HTTPS_PROXY"
    assert "pa/ss" not in str(caught.value)


def test_the_password_of_a_proxy_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret%40word@p.example:3128")
    proxy = proxy_for("wss://far.example", "it")
    assert proxy is not None and proxy.address == "p.example:3128"
    for told in ("s3cret%40word", "s3cret@word", "me:s3cret%40word", f"{proxy.url} failed"):
        assert "s3cret" not in redact(told)


def test_a_name_without_a_password_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://token@p.example:3128")
    proxy = proxy_for("wss://far.example", "it")
    assert proxy is not None and proxy.url == "http://token:@p.example:3128"
