"""Which proxy a connection goes through, by the environment or the system. None leads to this machine."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from voice_ui import redaction
from voice_ui.errors import Refused
from voice_ui.settings import is_this_machine

SETTINGS = {
    "wss": ("wss", "socks", "https", "all"),
    "ws": ("ws", "socks", "https", "http", "all"),
    "https": ("socks", "https", "all"),
    "http": ("socks", "http", "all"),
}
"""By the scheme of an address, whose proxy is taken: the first of these that is set, as in HTTPS_PROXY.

For websockets it is the order of the websockets library (RFC 6455, section 4.1), with ALL_PROXY at the end."""

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080


@dataclass(frozen=True)
class Proxy:
    """One proxy, as it was set."""

    url: str
    """With credentials, if it has any."""
    address: str
    """`host:port`, to be shown."""
    setting: str
    """`HTTPS_PROXY` and the like."""

    @property
    def facts(self) -> dict[str, str]:
        """What a problem with it shows."""
        return {"proxy": self.address, "setting": self.setting}


def proxy_for(url: str, server: str) -> Proxy | None:
    """Return the proxy for an address, or None for a direct connection.

    Raises Refused if what is set is not the address of a proxy; `server` is how the page calls the other end.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or _is_bypassed(host, parts.port):
        return None
    proxies = getproxies()
    scheme = next((scheme for scheme in SETTINGS[parts.scheme] if proxies.get(scheme)), None)
    return None if scheme is None else _parsed(proxies[scheme].strip(), scheme, server)


def is_loopback(host: str) -> bool:
    """Whether a host, in any spelling the resolver takes for an address, is this machine."""
    name = host.rstrip(".").lower()
    if is_this_machine(name) or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        try:
            address = ip_address(socket.inet_aton(name))  # 127.1, 0x7f000001, 2130706433
        except OSError:
            return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _is_bypassed(host: str, port: int | None) -> bool:
    """Whether NO_PROXY, or the system, takes the host out; networks such as 10.0.0.0/8 are understood, too."""
    if proxy_bypass(f"{host}:{port}" if port else host):
        return True
    try:
        address = ip_address(host)
        networks = [part.strip() for part in getproxies().get("no", "").split(",") if "/" in part]
        return any(address in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False


def _parsed(value: str, scheme: str, server: str) -> Proxy:
    setting = f"{scheme.upper()}_PROXY"
    url = value if "://" in value else f"http://{value}"  # as curl and httpx read it
    if scheme == "socks" and not url.startswith("socks"):  # how some systems tell
        url = f"socks5h://{url.partition('://')[2]}"
    before, _, rest = url.partition("://")
    kind = {"socks": "socks5h"}.get(before.lower(), before.lower())
    authority = rest.rstrip("/")
    credentials, _, place = authority.rpartition("@")
    _register(credentials)
    try:
        parts = urlsplit(f"{kind}://{place}")
        port = parts.port or _PORTS.get(kind, _SOCKS_PORT)
    except ValueError:
        parts, port = urlsplit(""), 0
    if kind not in SCHEMES or not parts.hostname or parts.path or parts.query or parts.fragment or "/" in credentials:
        detail = f"{setting} is {place or 'empty'}" if kind in SCHEMES else f"{setting} begins with {before}://"
        raise Refused("proxy-invalid", detail, setting=setting, server=server)
    if credentials and ":" not in credentials:
        credentials += ":"  # a name without a password; websockets wants both
    full = f"{kind}://{credentials}@{place}" if credentials else f"{kind}://{place}"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Proxy(full, f"{host}:{port}", setting)


def _register(credentials: str) -> None:
    """See that neither the password nor the whole is shown in a message of a library or a proxy."""
    if credentials:
        redaction.register(credentials)
        name, _, password = credentials.partition(":")
        redaction.register(unquote(password or name))
        redaction.register(unquote(credentials))
