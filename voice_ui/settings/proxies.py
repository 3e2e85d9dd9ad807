"""Whose forwarded headers are believed: the proxies that the owner named, by address, by network, or any. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

ANY = "*"
"""For container platforms, whose proxies have no fixed address and alone can reach the program."""


@dataclass(frozen=True)
class Proxies:
    """The trusted proxies; none by default."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    any: bool = False

    def __bool__(self) -> bool:
        return self.any or bool(self.networks)

    def __str__(self) -> str:
        return ANY if self.any else ", ".join(str(network).removesuffix(_whole(network)) for network in self.networks)

    def trusts(self, address: str) -> bool:
        """Whether a connection from that address is one of the proxies'."""
        if self.any:
            return True
        plain = plain_address(address)
        return bool(plain) and any(ip_address(plain) in network for network in self.networks)

    def visitor(self, forwarded_for: Sequence[str]) -> str:
        """Return the address of whoever is behind the proxies by the X-Forwarded-For headers; empty if they name none.

        Each proxy adds the address it saw at the end; what stands before those of trusted proxies may be invented.
        """
        addresses = [plain_address(part) for part in ",".join(forwarded_for).split(",")]
        if self.any:
            return addresses[-1]
        for address in reversed(addresses):
            if not address or not self.trusts(address):
                return address
        return addresses[0]


def proxies(value: str) -> Proxies:
    """Return what `10.0.0.5, 10.1.0.0/16` or `*` means; raises ValueError."""
    if value == ANY:
        return Proxies(any=True)
    return Proxies(tuple(ip_network(part.strip(), strict=False) for part in value.split(",")))


def plain_address(text: str) -> str:
    """Return an IP address in its usual form, without brackets, port and zone; empty if it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _whole(network: IPv4Network | IPv6Network) -> str:
    return f"/{network.max_prefixlen}"
