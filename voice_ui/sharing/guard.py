"""The guard in front of every page, file and socket: decides which requests are answered.

A browser lets any web site send requests to localhost and open sockets to it, so being asked is no reason to answer.
Refused are: a `Host` that is not ours (else a site could make its own name mean our address, and read us), an `Origin`
or an embedding that is not ours, forwarded headers from anybody but the proxies that were named, a proxy that does not
say for whom it asks, and visitors from the network who are not in the room.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from string import Template

from voice_ui.settings import Proxies, is_this_machine
from voice_ui.sharing.answer import Answer, Message, Send, headers
from voice_ui.sharing.capacity import subscriber_of
from voice_ui.sharing.request import Request, Scope
from voice_ui.sharing.room import Room, TooManyTries

Receive = Callable[[], Awaitable[Message]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "voice-ui-room"
OWNER_COOKIE = "voice-ui-owner"

VISITOR = "voice_ui.visitor"
"""The scope key of an admitted request's `Visitor`."""

BODY_BYTES = 1_100_000
"""Of a request's body. Socket.IO takes at most a million bytes, but reads them all before it looks."""

NO_PROXIES = Proxies()

JOIN_PAGE = Path(__file__).parent / "join.html"

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")


def is_served(host: str, names: Collection[str]) -> bool:
    """Whether a `Host`, with or without a port, is localhost or one of these names; `*.` stands for any label."""
    if not (parts := _HOST.fullmatch(host.lower())):
        return False
    name = parts[1].strip("[]")
    return is_this_machine(name) or name in names or f"*.{name.partition('.')[2]}" in names


@dataclass(frozen=True)
class Visitor:
    """The sender of a request."""

    address: str
    is_owner: bool
    """At this machine, or has the owner's link."""
    id: str = ""
    """Of a visitor: stays the same over reloads, in other tabs and browsers, and without the cookie."""


@dataclass
class Refusal(Exception):
    """The request is refused or answered here."""

    status: HTTPStatus
    words: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    page: bytes = b""
    """For a person, instead of the words."""


class Guard:
    """ASGI middleware for http and websockets alike."""

    def __init__(
        self,
        app: App,
        names: Collection[str] = (),
        room: Room | None = None,
        proxies: Proxies = NO_PROXIES,
        *,
        frame_ancestors: str = "",
        is_ready: Callable[[], bool] = lambda: True,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        """`names` are the hosts we answer to besides localhost, in lower case; no `room`: nobody but the owner.

        `frame_ancestors` are the sites whose pages may show ours, as in a Content-Security-Policy; none if empty.
        """
        self._app, self._room, self._proxies = app, room, proxies
        self._names = frozenset(names)
        self._frame_ancestors = frame_ancestors
        self._is_ready, self._is_ending = is_ready, is_ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            request = Request(scope, self._proxies)
            self._answer_to_probe(request)
            self._examine(request)
            self._turn_away(request)
            scope[VISITOR] = self._admit(request)
        except Refusal as refusal:
            await _refuse(scope, send, refusal)
            return
        request.pass_on()
        if request.is_socket:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, _bounded(receive), Answer(send, request, self._frame_ancestors or "'none'"))

    def _answer_to_probe(self, request: Request) -> None:
        """Raise the response to a health check; it reveals nothing else."""
        if request.is_reading and request.path in {"/healthz", "/readyz"}:
            if request.path == "/readyz" and not self._is_ready():
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "not ready\n")
            raise Refusal(HTTPStatus.OK, "ok\n")

    def _examine(self, request: Request) -> None:
        """Raise Refusal for requests that nobody may make."""
        if request.from_proxy and not request.via_proxy:
            words = (
                f"This request came from {request.peer}, a trusted proxy, but has no X-Forwarded-For header. "
                "Configure the proxy to send X-Forwarded-For, X-Forwarded-Proto and the Host header it received. "
                "If you run this program, open the proxy's https address with the owner's link shown in the terminal."
            )
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, words)
        if request.is_forwarded and not request.via_proxy:
            words = (
                f"A proxy at {request.peer} forwarded this request, but it is not trusted. "
                f"If it is yours, start Voice UI with --share --behind-proxy {request.peer}"
            )
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, words)
        if request.via_proxy and not _HOST.fullmatch(request.host):
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "The proxy must send on the Host header that it received.")
        if not request.via_proxy and not is_served(request.host, self._names):
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "Unknown host name. Open the address shown in the terminal.")
        origins = request.all("origin") or ([""] if request.is_socket else [])
        for origin in origins:
            if origin.lower() != request.own_origin:
                raise Refusal(HTTPStatus.FORBIDDEN, _foreign(request, origin))
        if request.one("sec-fetch-site") in {"cross-site", "same-site"} and not request.is_navigation(
            framed=bool(self._frame_ancestors)
        ):
            raise Refusal(HTTPStatus.FORBIDDEN, "Other sites may not use this one.")

    def _turn_away(self, request: Request) -> None:
        """Raise Refusal for who comes while the program ends; pages that are here keep what they have."""
        if self._is_ending() and (request.is_page or request.is_new_socket):
            words = "Voice UI is restarting."
            retry = [("retry-after", "1"), ("refresh", "1")] if request.is_page else []
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, words, retry)

    def _admit(self, request: Request) -> Visitor:
        """Return the visitor; raises Refusal, also for the join page and its redirect."""
        if request.is_owner:
            return Visitor(request.address, is_owner=True)
        if not self._room or (self._proxies and not request.via_proxy):
            raise Refusal(HTTPStatus.FORBIDDEN, "Not shared. Start Voice UI with --share, or open its proxy's address.")
        if request.is_page and (key := request.query("owner")) is not None:
            raise self._answer_to_owner(key, request)
        if request.is_page and (code := request.query("code")) is not None:
            raise self._answer_to_code(code, request)
        if self._room.is_owner(request.cookie(OWNER_COOKIE)):
            return Visitor(request.address, is_owner=True)
        if visitor := self._room.visitor(request.cookie(COOKIE)):
            return Visitor(request.address, is_owner=False, id=visitor)
        raise self._join_page() if request.is_page else Refusal(HTTPStatus.FORBIDDEN, "An access code is required.")

    def _answer_to_owner(self, key: str, request: Request) -> Refusal:
        assert self._room is not None
        try:
            if self._room.enter_as_owner(key, request.address):
                return self._welcome(request, OWNER_COOKIE, self._room.owner_key)
        except TooManyTries as error:
            return self._wait_page(error)
        return self._join_page("This is not the owner's link. Copy it again from the terminal.")

    def _answer_to_code(self, code: str, request: Request) -> Refusal:
        assert self._room is not None
        try:
            if self._room.enter(code, request.address):
                visitor = self._room.visitor(request.cookie(COOKIE))
                visitor = visitor or self._room.visitor_at(subscriber_of(request.address))
                return self._welcome(request, COOKIE, self._room.cookie_of(visitor))
        except TooManyTries as error:
            return self._wait_page(error)
        return self._join_page("That is not the code." if code.strip() else "")

    def _welcome(self, request: Request, name: str, value: str) -> Refusal:
        """Return the redirect into the room, with the cookie."""
        secure = request.scheme == "https"
        # In a page of another site a cookie is only sent if it is marked for that, and then only over https.
        site = "None; Partitioned" if self._frame_ancestors and secure else "Lax"
        cookie = f"{name}={value}; Path={request.prefix}/; HttpOnly; SameSite={site}{'; Secure' if secure else ''}"
        return Refusal(HTTPStatus.SEE_OTHER, "", [("location", f"{request.prefix}/"), ("set-cookie", cookie)])

    def _wait_page(self, error: TooManyTries) -> Refusal:
        words = f"Too many attempts. Wait {error.seconds:.0f} seconds."
        refusal = self._join_page(words, HTTPStatus.TOO_MANY_REQUESTS)
        refusal.headers.append(("retry-after", f"{error.seconds:.0f}"))
        return refusal

    def _join_page(self, words: str = "", status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Refusal:
        if self._room and not self._room.is_open:
            words = "The owner has closed the room."
        page = Template(JOIN_PAGE.read_text(encoding="utf-8")).substitute(message=html.escape(words))
        return Refusal(status, words, page=page.encode())


def _foreign(request: Request, origin: str) -> str:
    """Return the message for a foreign Origin; behind a proxy, the proxy may have caused it."""
    if not request.via_proxy:
        return "Other sites may not use this one."
    return (
        f"The browser says Origin: {origin[:200]}, but the proxy's Host and X-Forwarded-Proto headers say "
        f"{request.own_origin}. If both are your site, configure the proxy to keep Host, with its port, and to send "
        "X-Forwarded-Proto."
    )


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that hangs up on a body that is too long."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= BODY_BYTES else {"type": "http.disconnect"}

    return bounded


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
        return
    kind = "text/html; charset=utf-8" if refusal.page else "text/plain; charset=utf-8"
    body = refusal.page or refusal.words.encode()
    own = [("content-type", kind), ("content-length", str(len(body))), ("cache-control", "no-store"), *refusal.headers]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own]
    await send({"type": "http.response.start", "status": refusal.status, "headers": [*encoded, *headers(None)]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
