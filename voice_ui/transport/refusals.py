"""What it means that a server could not be reached, or answered with an HTTP status instead of a session."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

from voice_ui.errors import ConnectionFailed, Refused, SessionError
from voice_ui.protocol import Dialect
from voice_ui.servers import Endpoint


def refused_by_http(
    status: str, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, facts: dict[str, str]
) -> SessionError:
    """Return the error for a status such as `401 Unauthorized`.

    Servers other than OpenAI refuse a key or a model so; OpenAI does it after the upgrade of a websocket.
    """
    detail = f"HTTP {status}: {body[:300].decode('utf-8', 'replace').strip()}"
    match int(status[:3]):
        case 403 if not body:
            return Refused("not-realtime", detail, **facts)  # a web site that knows no websocket there
        case 401 | 403:
            return Refused("key-refused" if endpoint.headers else "no-key", detail, **facts)
        case 407:
            return ConnectionFailed("proxy-refused", detail, **facts)
        case 429:
            wait = headers.get("Retry-After", "")
            return ConnectionFailed("rate-limited", detail, **endpoint.facts, **_seconds(wait))
        case 500 if endpoint.dialect is Dialect.BETA:
            return Refused("beta-disabled", detail, **facts)  # seen at OpenAI before it said so in words
        case number if number >= 500:
            return ConnectionFailed("server-failed", detail, **facts)
        case _:
            return Refused("not-realtime", detail, **facts)


def _seconds(wait: str) -> dict[str, str]:
    return {"seconds": wait} if wait.isdecimal() else {}


def unreachable(error: OSError, host: str, facts: dict[str, str]) -> SessionError:
    """Return the error for what the network said while `host` was looked up, connected to or trusted."""
    match error:
        case TimeoutError():
            return ConnectionFailed("server-timeout", host, **facts)
        case ssl.SSLCertVerificationError(verify_code=9 | 10):  # not yet valid, expired (OpenSSL, x509_vfy.h)
            return Refused("clock-wrong", f"{host}: {error.verify_message}", **facts)
        case ssl.SSLError():
            return Refused("tls-failed", f"{host}: {error.reason or error}", **facts)
        case socket.gaierror():
            return ConnectionFailed("server-not-found", f"{error.strerror}", **facts | {"server": host})
        case _:
            return ConnectionFailed("server-unreachable", f"{host}: {error}", **facts)
