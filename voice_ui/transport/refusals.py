"""What it means that a server or a proxy could not be reached, or answered with an HTTP status instead of a session."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Any

import orjson

from voice_ui.errors import CODES, ConnectionFailed, Refused, SessionError, code_from_wire
from voice_ui.protocol import Dialect
from voice_ui.redaction import redact
from voice_ui.servers import Endpoint
from voice_ui.transport.proxy import Proxy

BODY_BYTES = 64 * 1024
"""Of an answer's body that are looked at."""

DETAIL_CHARACTERS = 300


def refused_by_http(
    status: str, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, facts: dict[str, str]
) -> SessionError:
    """Return the error for a status such as `401 Unauthorized`.

    Servers other than OpenAI refuse a key or a model so; OpenAI does it after the upgrade of a websocket. A code in
    the body says more than the status.
    """
    error = _error_in(body)
    words = error.get("message") or body[:BODY_BYTES].decode("utf-8", "replace").strip()
    # Redacted before it is cut: half a key would not be recognised.
    detail = redact(f"HTTP {status}: {words}")[:DETAIL_CHARACTERS]
    if code := code_from_wire(error.get("code"), error.get("type"), default=""):
        if code == "key-refused" and not endpoint.headers:
            code = "no-key"
        return _error(code, detail, endpoint.facts | _wait(headers))
    match int(status[:3]):
        case 403 if not body:
            return Refused("not-realtime", detail, **facts)  # a web site that knows no websocket there
        case 401 | 403:
            return Refused("key-refused" if endpoint.headers else "no-key", detail, **facts)
        case 407:
            return ConnectionFailed("proxy-refused", detail, **facts)
        case 429:
            return ConnectionFailed("rate-limited", detail, **endpoint.facts | _wait(headers))
        case 500 if endpoint.dialect is Dialect.BETA:
            return Refused("beta-disabled", detail, **facts)  # seen at OpenAI before it said so in words
        case number if number >= 500:
            return ConnectionFailed("server-failed", detail, **facts)
        case _:
            return Refused("not-realtime", detail, **facts)


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


def proxy_problem(error: BaseException, proxy: Proxy, facts: dict[str, str]) -> SessionError | None:
    """Return the error if it was the proxy that could not be reached, or said no; None if it was the server."""
    match error:
        case ssl.SSLError() if not proxy.url.startswith("https"):
            return None
        case OSError():
            return ConnectionFailed("proxy-unreachable", f"{error.strerror or error}", **facts | proxy.facts)
        case _:
            return ConnectionFailed("proxy-refused", f"{error}", **facts | proxy.facts)


def _error(code: str, detail: str, facts: dict[str, str]) -> SessionError:
    """Return the error of the kind that says whether it may help to try again."""
    return (ConnectionFailed if CODES[code].retry else Refused)(code, detail, **facts)


def _error_in(body: bytes) -> dict[str, str]:
    """Return the words of `{"error": {"code": …, "type": …, "message": …}}`; empty if the body is something else."""
    try:
        told: Any = orjson.loads(body[:BODY_BYTES])
    except orjson.JSONDecodeError:
        return {}
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, str):
        return {"message": error}
    return {name: value for name, value in error.items() if isinstance(value, str)} if isinstance(error, dict) else {}


def _wait(headers: Mapping[str, str]) -> dict[str, str]:
    """Return for how many seconds the server asks; it may not say, or say it as a date."""
    wait = headers.get("Retry-After", "")
    return {"seconds": wait} if wait.isdecimal() else {}
