"""The chat model as the part of the practice server that answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from voice_ui.errors import SessionError
from voice_ui.offline.chat.context import body, shorter
from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.chat.failures import (
    FAILED,
    MALFORMED,
    NO_MODEL,
    TIMEOUT,
    TOO_LONG,
    UNREACHABLE,
    of_status,
    of_words,
)
from voice_ui.offline.chat.stream import ChatStream, MalformedChunk, ServerSaid
from voice_ui.offline.parts import Invocation, ReplyCutOff, ReplyFailed, ReplyRequest
from voice_ui.transport import http

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0

WAIT_SECONDS = 60.0
"""For each piece of the answer, the first one included: a server may have to load several gigabytes before it."""

NOTHING_HEARD = "I heard something, but no words. Please say it again."

BODY_BYTES = 100_000
"""Of an answer that does not stream, or of an error; more is no answer to a question that was spoken."""


class ChatModel:
    """Answers with the words of a chat model. Closing the generator cancels the request."""

    delta_seconds = 0.0
    """The model sets the pace."""

    def __init__(self, endpoint: ChatEndpoint, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self.endpoint = endpoint
        self._model = endpoint.model
        self._wait_seconds = wait_seconds

    async def reply(self, request: ReplyRequest) -> AsyncGenerator[str | Invocation, None]:
        """Yield the reply piece by piece; raises ReplyFailed and ReplyCutOff."""
        if request.items and request.items[-1].role == "user" and not request.items[-1].text.strip():
            yield NOTHING_HEARD
            return
        import httpx

        try:
            async with http.client(self.endpoint.requests_to, self.endpoint.base, self._wait_seconds) as web:
                self._model = self._model or await self._first_model(web)
                async with aclosing(self._fitting(web, request)) as pieces:
                    async for piece in pieces:
                        yield piece
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise self._failed(UNREACHABLE, error) from error
        except httpx.TimeoutException as error:
            words = f"{self.endpoint.place} sent nothing for {self._wait_seconds:g} s"
            raise ReplyFailed(TIMEOUT, words) from error
        except (httpx.DecodingError, MalformedChunk) as error:
            raise self._failed(MALFORMED, error) from error
        except ServerSaid as error:
            raise of_words(f"{error}", self.endpoint) from error
        except httpx.HTTPError as error:
            raise self._failed(FAILED, error) from error
        except SessionError as error:  # a proxy
            raise ReplyFailed(UNREACHABLE, error.problem.detail or error.problem.code) from error

    async def close(self) -> None:
        """Nothing is kept open between two replies."""

    async def _fitting(self, web: httpx.AsyncClient, request: ReplyRequest) -> AsyncGenerator[str | Invocation, None]:
        """Answer, with as much of the conversation as the model has room for."""
        while True:
            try:
                async with aclosing(self._answer(web, request)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except ReplyFailed as failure:
                if failure.code != TOO_LONG or (fitting := shorter(request)) is None:
                    raise
                request = fitting

    async def _answer(self, web: httpx.AsyncClient, request: ReplyRequest) -> AsyncGenerator[str | Invocation, None]:
        import httpx

        timeout = httpx.Timeout(self._wait_seconds, connect=min(CONNECT_SECONDS, self._wait_seconds))
        url = f"{self.endpoint.base}/chat/completions"
        stream = ChatStream()
        async with web.stream("POST", url, json=body(request, self._model), timeout=timeout) as response:
            if not response.is_success:
                raise of_status(response.status_code, await _text(response), self.endpoint, self._model)
            if "json" in response.headers.get("content-type", ""):
                yield stream.whole(await _text(response))
            else:
                async with aclosing(cast("AsyncGenerator[str, None]", response.aiter_lines())) as lines:
                    async for line in lines:
                        if text := stream.process(line):
                            yield text
                        elif line.startswith(("<", "{")):
                            raise MalformedChunk(f"no event stream: {line[:80]}")
                if text := stream.finish():
                    yield text
        if not stream.over:
            raise ServerSaid("the connection ended in the middle of the answer")
        if stream.was_cut_off:
            raise ReplyCutOff
        for call in stream.calls:
            yield call

    async def _first_model(self, web: httpx.AsyncClient) -> str:
        """Return the first model that the server lists; raises ReplyFailed if there is none."""
        response = await web.get(f"{self.endpoint.base}/models")
        if not response.is_success:
            raise of_status(response.status_code, response.text, self.endpoint, "")
        try:
            models = [model["id"] for model in response.json()["data"]]
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedChunk("no list of models") from error
        if not models:
            raise ReplyFailed(NO_MODEL, f"{self.endpoint.place} has no model")
        return str(models[0])

    def _failed(self, code: str, error: Exception) -> ReplyFailed:
        return ReplyFailed(code, f"{self.endpoint.place}: {error or type(error).__name__}")


async def _text(response: httpx.Response) -> str:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > BODY_BYTES:
            raise MalformedChunk("an endless answer")
    return body.decode("utf-8", "replace")
