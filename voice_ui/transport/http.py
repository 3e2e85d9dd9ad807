"""Plain requests to a realtime server, with its key, through the proxy that is set and over connections it trusts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from voice_ui.errors import Refused
from voice_ui.servers import Endpoint
from voice_ui.transport import trust
from voice_ui.transport.proxy import proxy_for
from voice_ui.transport.refusals import proxy_problem

if TYPE_CHECKING:
    import httpx


@asynccontextmanager
async def client(endpoint: Endpoint, url: str, seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client for requests to `url`; each of its waits takes `seconds` at the most.

    Raises Refused or ConnectionFailed for a proxy that cannot be used, before and while the client is.
    """
    import httpx  # late: it is not needed before the first page

    proxy = proxy_for(url, endpoint.name)
    # An address without TLS needs no certificates, and making a context takes 40 ms.
    needs_trust = urlsplit(url).scheme == "https" or (proxy and proxy.url.startswith("https"))
    verify = await asyncio.to_thread(trust.context, endpoint.name) if needs_trust else False
    headers = {name: secret.reveal() for name, secret in endpoint.headers.items()}
    try:
        web = httpx.AsyncClient(
            headers=headers,
            timeout=seconds,
            verify=verify,
            trust_env=False,  # proxies and certificates are looked up here, as for websockets
            proxy=proxy.url if proxy else None,
        )
    except (ImportError, ValueError) as error:  # no socksio, or a kind of SOCKS that httpx does not know
        if proxy is None:
            raise
        raise Refused("proxy-unsupported", f"{error}", **endpoint.facts | proxy.facts) from error
    async with web:
        try:
            yield web
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            if proxy and (problem := proxy_problem(below(error), proxy, endpoint.facts)):
                raise problem from error
            raise


def below(error: BaseException) -> BaseException:
    """Return what the network or TLS said, from below the libraries; the error itself if neither did."""
    cause: BaseException | None = error
    while cause and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return cause or error
