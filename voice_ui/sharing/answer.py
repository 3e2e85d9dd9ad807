"""Adds security headers to every response, and a script that checks whether a proxy changed the page's address."""

from __future__ import annotations

import gzip
import json
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from voice_ui.sharing.request import Request

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

ADDRESS_CHECK = Path(__file__).parent / "address_check.js"

_SCRIPT = re.compile(rb"<script(?=[\s>])")
_HEAD = re.compile(rb"<head[^>]*>")


class Answer:
    """Passes a response on with our headers."""

    def __init__(self, send: Send, request: Request, frame_ancestors: str) -> None:
        self._send, self._request, self._frame_ancestors = send, request, frame_ancestors
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            if kind.startswith(b"text/html"):
                self._start = message  # its scripts are marked as ours first
                return
            message["headers"] = [*message["headers"], *headers(self._request, frame_ancestors=self._frame_ancestors)]
        elif self._start and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_page(self._start)
            return
        await self._send(message)

    async def _send_page(self, start: Message) -> None:
        nonce = secrets.token_urlsafe(16)
        is_compressed = (b"content-encoding", b"gzip") in start["headers"]  # by NiceGUI's middleware
        body = gzip.decompress(self._body) if is_compressed else self._body
        if self._request.via_proxy:
            check = b"<script>%s</script>" % _address_check(self._request).encode()
            body = _HEAD.sub(lambda head: head[0] + check, body, count=1)
        # NOTE: safe because NiceGUI escapes every `<` of the elements it writes into a page.
        body = _SCRIPT.sub(b'<script nonce="%s"' % nonce.encode(), body)
        if is_compressed:
            body = gzip.compress(body, 6, mtime=0)
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        ours = headers(self._request, nonce, self._frame_ancestors)
        await self._send({**start, "headers": [*kept, length, *ours]})
        await self._send({"type": "http.response.body", "body": body})


def _address_check(request: Request) -> str:
    """Return the script that compares the page's address with what the proxy told us of it."""
    told = {"origin": request.own_origin, "host": request.host, "path": f"{request.prefix}{request.path}"}
    # Nothing in it can end the script: a `<` of a path or a host is written as an escape.
    return ADDRESS_CHECK.read_text(encoding="utf-8").replace("TOLD", json.dumps(told).replace("<", "\\u003c"), 1)


def headers(request: Request | None, nonce: str = "", frame_ancestors: str = "'none'") -> list[tuple[bytes, bytes]]:
    """Return the headers of every answer."""
    socket = request.socket_origin if request else ""
    policy = (
        "default-src 'none'",
        # NiceGUI compiles Vue templates and event handlers in the browser, which needs eval; a script that somebody
        # managed to write into the page would still not run, as it has no nonce.
        f"script-src 'self' 'unsafe-eval' 'nonce-{nonce}'" if nonce else "script-src 'none'",
        # Quasar and NiceGUI add style elements and attributes as they go; these cannot have a nonce.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        f"connect-src 'self' {socket}".rstrip(),  # older Safari does not take 'self' for sockets
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        f"frame-ancestors {frame_ancestors}",
    )
    ours = {
        "content-security-policy": "; ".join(policy),
        "permissions-policy": "microphone=(self), camera=(self), display-capture=(self), geolocation=()",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }
    return [(name.encode(), value.encode()) for name, value in ours.items()]
