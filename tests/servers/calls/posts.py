"""Posts to a port that is a websocket server's: its library reads no body, so they are read and answered here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import h11
import orjson
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Response

POST = b"POST "

BODY_BYTES = 256 * 1024
"""An offer is a few thousand."""


@dataclass(frozen=True)
class Post:
    """What was asked for."""

    target: str
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes


def answer(status: HTTPStatus, body: bytes = b"", **headers: str) -> Response:
    """Return what is said to it."""
    always = {"Content-Length": f"{len(body)}", "Connection": "close"}
    return Response(status, status.phrase, Headers(always | headers), body)


def refusal(status: HTTPStatus, message: str) -> Response:
    """Return a no, as OpenAI words it."""
    body = orjson.dumps({"error": {"type": "invalid_request_error", "message": message}})
    return answer(status, body, **{"Content-Type": "application/json"})


class Reception(ServerConnection):
    """A connection that turns out to be a post, or a websocket's."""

    answer: Callable[[Post], Awaitable[Response]]
    """Set by whoever makes a subclass for his server."""

    _first: bytes | None = b""  # what came before there was enough to tell them apart
    _reader: h11.Connection | None = None
    _request: h11.Request | None = None
    _body = b""
    _answering: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        if self._first is not None:
            self._first += data
            if len(self._first) < len(POST):
                return
            data, self._first = self._first, None
            if data.startswith(POST):
                self._reader = h11.Connection(h11.SERVER)
        if self._reader:
            self._read(data)
        else:
            super().data_received(data)

    def _read(self, data: bytes) -> None:
        assert self._reader
        try:
            self._reader.receive_data(data)
            while (event := self._reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                match event:
                    case h11.Request():
                        self._request = event
                    case h11.Data(data=more):
                        self._body += more
                    case h11.EndOfMessage():
                        self._answering = asyncio.create_task(self._respond(), name="offline: post")
                if len(self._body) > BODY_BYTES:
                    raise h11.RemoteProtocolError("too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except h11.RemoteProtocolError as error:
            self._send(refusal(HTTPStatus(error.error_status_hint), "This is no request."))

    async def _respond(self) -> None:
        assert self._request
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._request.headers}
        self._send(await self.answer(Post(self._request.target.decode("latin-1"), headers, self._body)))

    def _send(self, response: Response) -> None:
        if not self.transport.is_closing():
            self.transport.write(response.serialize())
            self.transport.close()
