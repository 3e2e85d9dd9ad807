"""Who may speak to this program at all: the guard in front of every page, file and socket.

A browser lets any web site send requests to localhost and open sockets to it, so being asked is no reason to answer.
Refused are: a `Host` that is not ours (else a site could make its own name mean our address, and read us), an `Origin`
or an embedding that is not ours, forwarded headers from anybody but the proxy that was named, and visitors from the
network who are not in the room. What is answered carries the headers that keep a page to itself.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs

from voice_ui.settings import is_this_machine
from voice_ui.sharing.room import Room, TooManyTries

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "voice-ui-room"

VISITOR = "voice_ui.visitor"
"""Where the scope of a request that was let in holds its `Visitor`."""

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix")

JOIN_PAGE = Path(__file__).parent / "join.html"

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")

_SCRIPT = re.compile(rb"<script(?=[\s>])")


def is_served(host: str, names: Collection[str]) -> bool:
    """Whether a `Host`, with or without a port, is localhost or one of these names; `*.` stands for any label."""
    if not (parts := _HOST.fullmatch(host.lower())):
        return False
    name = parts[1].strip("[]")
    return is_this_machine(name) or name in names or f"*.{name.partition('.')[2]}" in names


@dataclass(frozen=True)
class Visitor:
    """Whoever a request comes from."""

    address: str
    is_owner: bool
    """Sits at this machine."""


@dataclass
class Refusal(Exception):
    """A request is not let through."""

    status: HTTPStatus
    words: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    page: bytes = b""
    """For a person, instead of the words."""


class Guard:
    """ASGI middleware for http and websockets alike."""

    def __init__(
        self, app: App, names: Collection[str] = (), room: Room | None = None, proxy: str | None = None
    ) -> None:
        """`names` are the hosts we answer to besides localhost, in lower case; no `room`: nobody but the owner."""
        self._app, self._room, self._proxy = app, room, proxy
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            request = _Request(scope, self._proxy)
            self._examine(request)
            scope[VISITOR] = self._admit(request)
        except Refusal as refusal:
            await _refuse(scope, send, refusal)
            return
        scope["client"], scope["scheme"] = (request.address, 0), request.scheme
        answer = _Answer(send, request) if scope["type"] == "http" else send
        await self._app(scope, receive, answer)

    def _examine(self, request: _Request) -> None:
        """Raise Refusal for what nobody may do."""
        if request.is_forwarded and not request.via_proxy:
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "This came through a proxy: see --behind-proxy.")
        if not request.via_proxy and not is_served(request.host, self._names):
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "This host is not served here.")
        origins = request.all("origin") or ([""] if request.is_socket else [])
        if any(origin.lower() != request.own_origin for origin in origins):
            raise Refusal(HTTPStatus.FORBIDDEN, "Other sites have no business here.")
        if request.one("sec-fetch-site") in {"cross-site", "same-site"} and not request.is_navigation:
            raise Refusal(HTTPStatus.FORBIDDEN, "Other sites have no business here.")

    def _admit(self, request: _Request) -> Visitor:
        """Return who comes in; raises Refusal, also where the answer is the way in."""
        visitor = Visitor(request.address, request.is_owner)
        if visitor.is_owner:
            return visitor
        if not self._room or (self._proxy and not request.via_proxy):
            raise Refusal(HTTPStatus.FORBIDDEN, "This is not shared.")
        if request.is_page and (code := request.query("code")) is not None:
            raise self._answer_to_code(code, request)
        if self._room.is_inside(request.cookie):
            return visitor
        raise self._join_page() if request.is_page else Refusal(HTTPStatus.FORBIDDEN, "This needs a code.")

    def _answer_to_code(self, code: str, request: _Request) -> Refusal:
        assert self._room is not None
        try:
            if self._room.enter(code, request.address):
                secure = "; Secure" if request.scheme in {"https", "wss"} else ""
                cookie = f"{COOKIE}={self._room.cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"
                return Refusal(HTTPStatus.SEE_OTHER, "", [("location", "/"), ("set-cookie", cookie)])
        except TooManyTries as error:
            words = f"That were too many tries. Wait {error.seconds:.0f} seconds."
            refusal = self._join_page(words, HTTPStatus.TOO_MANY_REQUESTS)
            refusal.headers.append(("retry-after", f"{error.seconds:.0f}"))
            return refusal
        return self._join_page("That is not the code." if code.strip() else "")

    def _join_page(self, words: str = "", status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Refusal:
        if self._room and not self._room.is_open:
            words = "The owner has closed the room."
        page = Template(JOIN_PAGE.read_text(encoding="utf-8")).substitute(message=html.escape(words))
        return Refusal(status, words, page=page.encode())


class _Request:
    """What the guard wants to know of a scope."""

    def __init__(self, scope: Scope, proxy: str | None) -> None:
        self._scope = scope
        self._headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        self.is_socket = scope["type"] == "websocket"
        self.is_forwarded = any(name in FORWARDED for name, _ in self._headers)
        peer = (scope.get("client") or ("",))[0]
        self.via_proxy = proxy is not None and peer == proxy and bool(self.all("x-forwarded-for"))
        hosts = self.all("host")
        self.host = hosts[0].lower() if len(hosts) == 1 else ""
        self.address, self.scheme = peer, scope["scheme"]
        if self.via_proxy:
            self.address = ",".join(self.all("x-forwarded-for")).rpartition(",")[2].strip()[:60]  # what it saw itself
            secure = self.one("x-forwarded-proto").rpartition(",")[2].strip() in {"https", "wss"}
            self.scheme = {(False, False): "http", (False, True): "https", (True, False): "ws"}.get(
                (self.is_socket, secure), "wss"
            )

    def all(self, name: str) -> list[str]:
        """Return every header of that name."""
        return [value for header, value in self._headers if header == name]

    def one(self, name: str) -> str:
        """Return the header of that name, or nothing."""
        return next(iter(self.all(name)), "")

    @property
    def is_owner(self) -> bool:
        name = self.host.rpartition(":")[0] if re.search(r":\d+$", self.host) else self.host
        peer_is_here = is_this_machine(self.address)
        return not self.via_proxy and peer_is_here and is_this_machine(name.strip("[]"))

    @property
    def own_origin(self) -> str:
        return f"{'https' if self.scheme in {'https', 'wss'} else 'http'}://{self.host}"

    @property
    def socket_origin(self) -> str:
        return self.own_origin.replace("http", "ws", 1)

    @property
    def is_navigation(self) -> bool:
        """Whether a person followed a link to us, not a page that fetches or embeds us."""
        return (
            self._scope.get("method") == "GET"
            and self.one("sec-fetch-mode") == "navigate"
            and self.one("sec-fetch-dest") == "document"
        )

    @property
    def is_page(self) -> bool:
        return not self.is_socket and self._scope["method"] in {"GET", "HEAD"} and self._scope["path"] == "/"

    @property
    def cookie(self) -> str:
        """The one that `Room.enter` earned; other programs on this host may have left stranger ones beside it."""
        pairs = (pair.strip().partition("=") for line in self.all("cookie") for pair in line.split(";"))
        return next((value for name, _, value in pairs if name == COOKIE), "")

    def query(self, name: str) -> str | None:
        """Return the last value of a part of the query."""
        try:
            found = parse_qs(self._scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return None
        return found[name][-1] if name in found else None


class _Answer:
    """Passes an answer on, with the headers that keep a page to itself."""

    def __init__(self, send: Send, request: _Request) -> None:
        self._send, self._request = send, request
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            if kind.startswith(b"text/html"):
                self._start = message  # its scripts are marked as ours first
                return
            message["headers"] = [*message["headers"], *_headers(self._request)]
        elif self._start and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_page()
            return
        await self._send(message)

    async def _send_page(self) -> None:
        assert self._start is not None
        nonce = secrets.token_urlsafe(16)
        # NOTE: safe because NiceGUI escapes every `<` of the elements it writes into a page.
        body = _SCRIPT.sub(b'<script nonce="%s"' % nonce.encode(), self._body)
        kept = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**self._start, "headers": [*kept, length, *_headers(self._request, nonce)]})
        await self._send({"type": "http.response.body", "body": body})


def _headers(request: _Request | None, nonce: str = "") -> list[tuple[bytes, bytes]]:
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
        "frame-ancestors 'none'",
    )
    headers = {
        "content-security-policy": "; ".join(policy),
        "permissions-policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
        return
    kind = "text/html; charset=utf-8" if refusal.page else "text/plain; charset=utf-8"
    body = refusal.page or refusal.words.encode()
    own = [("content-type", kind), ("content-length", str(len(body))), ("cache-control", "no-store"), *refusal.headers]
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own]
    await send({"type": "http.response.start", "status": refusal.status, "headers": [*headers, *_headers(None)]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
