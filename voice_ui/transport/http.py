"""Plain requests to a realtime server, with the key and over connections it trusts."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING

from voice_ui.servers import Endpoint

if TYPE_CHECKING:
    import httpx


def client(endpoint: Endpoint, seconds: float) -> httpx.AsyncClient:
    """Return a client to use with `async with`; each of its waits takes `seconds` at the most."""
    import httpx  # late: it is not needed before the first page

    headers = {name: secret.reveal() for name, secret in endpoint.headers.items()}
    return httpx.AsyncClient(headers=headers, timeout=seconds, verify=_trust())


@cache
def _trust() -> ssl.SSLContext:
    """Read the certificates once: it takes 40 ms, in which everybody waits."""
    import httpx

    return httpx.create_ssl_context()
