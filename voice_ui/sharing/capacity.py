"""Limits connections from strangers, in total and per address, so that file handles remain for everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from voice_ui.settings import is_this_machine

MOST = 2000
"""Connections of strangers at once, whatever the system would allow."""

MOST_PER_ADDRESS = 200
"""A browser holds up to seven for each tab, and a whole office may have one address."""

HANDLES_WANTED = 65_536

HANDLES_KEPT = 128
"""For the owner, the log and this program's own files. Half of the rest is for connections to realtime servers."""

_SUBSCRIBER = 64
"""The network part of an IPv6 address, in bits; a client can choose the rest freely."""


class Capacity:
    """Counts connections by source address."""

    def __init__(
        self, most: int = MOST, per_address: int = MOST_PER_ADDRESS, is_shared: Callable[[str], bool] = lambda _: False
    ) -> None:
        """`is_shared` tells the addresses that many people come from, such as a proxy's."""
        self._most, self._per_address, self._is_shared = most, per_address, is_shared
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Connections that count now."""
        return self._held.total()

    def take(self, address: str) -> bool:
        """Count a connection; return False if it is one too many. Connections from this machine do not count."""
        if is_this_machine(address) and not self._is_shared(address):
            return True
        subscriber = subscriber_of(address)
        crowded = self._held[subscriber] >= self._per_address and not self._is_shared(address)
        if crowded or self.held >= self._most:
            return False
        self._held[subscriber] += 1
        return True

    def release(self, address: str) -> None:
        """Count one less, after a `take` that was True."""
        if is_this_machine(address) and not self._is_shared(address):
            return
        subscriber = subscriber_of(address)
        self._held[subscriber] -= 1
        if self._held[subscriber] <= 0:
            del self._held[subscriber]


def subscriber_of(address: str) -> str:
    """Return what one person cannot easily change of an address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, _SUBSCRIBER), strict=False))
    return str(parsed)


def most_for(handles: int) -> int:
    """Return how many connections strangers may hold, given the process's limit of open files."""
    return max(16, min(MOST, (handles - HANDLES_KEPT) // 2))


def handles() -> int:
    """Raise the limit of open files as far as this process may, and return it."""
    try:
        import resource  # not on Windows
    except ImportError:
        return HANDLES_WANTED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HANDLES_WANTED if hard == resource.RLIM_INFINITY else min(hard, HANDLES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # some systems have a lower limit that they do not tell
            pass
    return HANDLES_WANTED if soft == resource.RLIM_INFINITY else soft
