"""The names and addresses under which others on the network reach this machine."""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import IPv4Address

import ifaddr


def lan_addresses() -> list[str]:
    """Return this machine's IPv4 addresses except loopback, starting with the one used for the default route."""
    found = {str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4}
    usual = _address_of_default_route()
    reachable = [ip for ip in found if not IPv4Address(ip).is_loopback]
    return sorted(reachable, key=lambda ip: (ip != usual, IPv4Address(ip).is_link_local, IPv4Address(ip)))


def _address_of_default_route() -> str:
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # a datagram socket: nothing is sent (RFC 5737: an address of nobody)
        return str(probe.getsockname()[0])
    return ""


def host_names() -> list[str]:
    """Return the name of this machine, as it is and as multicast DNS knows it, in the form browsers send."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    names = (ascii_form(word) for word in (name, f"{short}.local") if short)
    return list(dict.fromkeys(word for word in names if word))


def ascii_form(name: str) -> str:
    """Return a host name as used in Host headers and certificates (RFC 5890); empty if it cannot be encoded."""
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:  # an empty or very long label, or a character no name may have
        return ""
