"""Which clients may connect: programs and local pages, but not other websites open in a browser. Pure.

Browsers send an `Origin` with every websocket, and let any page connect to loopback. Where the server only listens on
loopback, or a page connects, a name in `Host` that is neither localhost nor an address means that somebody's domain
name was made to point here (DNS rebinding).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from voice_ui.settings import is_this_machine, plain_address


def refusal(host: str | None, origin: str | None, *, only_loopback: bool = True) -> str | None:
    """Return why a request with these headers is refused, None if it is not; `only_loopback` is where it listens."""
    name = _hostname(f"//{host or ''}")
    if (only_loopback or origin is not None) and name != "localhost" and not plain_address(name):
        return f"The Host header names '{name[:80]}'. Connect to localhost or to an IP address."
    if origin is None:
        return None
    page = _hostname(origin)
    if page == name or is_this_machine(page):
        return None
    return f"A page of '{page[:80]}' may not connect to the practice server of this machine."


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
