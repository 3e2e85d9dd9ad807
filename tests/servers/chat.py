"""A chat server that answers as told: OpenAI's `/v1/chat/completions`, and everything that can go wrong there.

It lists its models as OpenAI's API does, and as Ollama's own does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What comes back: a status, lines that are sent one by one, and how it ends."""

    lines: Sequence[str] = ()
    status: int = 200
    content_type: str = "text/event-stream"
    hangs: bool = False
    """After the lines, nothing more, and the connection stays open."""
    breaks: bool = False
    """After the lines, the connection is lost."""


@dataclass
class Asked:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class ChatServer:
    """Answers with what is in `first`, one each, then with `answer`; keeps what was asked."""

    answer: Answer
    models: Sequence[str] = ("small",)
    url: str = ""
    tags: str = ""
    """What comes back instead of Ollama's list of the models."""
    room: int = 1000
    """Messages that the model's context has room for."""
    asked: list[Asked] = field(default_factory=list)
    first: list[Answer] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client left before its answer was whole."""

    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _listening: asyncio.Server = field(init=False)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection in a task that is awaited at the end."""
        task = asyncio.create_task(self.handle(reader, writer))
        self._serving.add(task)

    def close(self) -> None:
        """Listen no more, as a server that was ended."""
        self._listening.close()

    async def listen(self) -> None:
        """Take connections on a free port."""
        self._listening = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listening.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        """Leave no connection open."""
        self._listening.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            given = await reader.readexactly(int(headers.get("content-length", 0)))
            path = request.split()[1]
            self.asked.append(Asked(path, headers, json.loads(given or b"{}")))
            if path == "/api/tags":
                tags = [{"name": name, "details": {"family": "llama"}} for name in self.models]
                body = self.tags or json.dumps({"models": tags})
                await self._send(writer, Answer([body], content_type="application/json"))
            elif path.endswith("/models"):
                listed = json.dumps({"data": [{"id": name} for name in self.models]})
                await self._send(writer, Answer([listed], content_type="application/json"))
            elif len(self.asked[-1].body.get("messages", ())) > self.room:
                await self._send(writer, failing(400, '{"error": {"message": "exceeds the available context size"}}'))
            else:
                answer = self.first.pop(0) if self.first else self.answer
                try:
                    await self._send(writer, answer)
                    if answer.hangs:
                        await reader.read()
                finally:
                    if answer.hangs:
                        self.hung_up.set()

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\nContent-Type: {answer.content_type}\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode())
        for line in answer.lines:
            data = f"{line}\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
            await asyncio.sleep(0)
        if not answer.hangs and not answer.breaks:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


@asynccontextmanager
async def chat_server(answer: Answer, models: Sequence[str] = ("small",), tags: str = "") -> AsyncIterator[ChatServer]:
    """Listen until the context is left."""
    chat = ChatServer(answer, models, tags=tags)
    await chat.listen()
    try:
        yield chat
    finally:
        await chat.stop()


def event(content: str | None = None, *, finish: str | None = None, **delta: Any) -> str:
    """Return one event of a stream."""
    if content is not None:
        delta["content"] = content
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}) + "\n"


def streamed(*pieces: str) -> Answer:
    """Return a whole answer in pieces, as llama.cpp and Ollama send one."""
    return Answer([event("", role="assistant"), *map(event, pieces), event(finish="stop"), "data: [DONE]\n"])


def call(index: int, arguments: str, name: str | None = None) -> str:
    """Return an event with a piece of a call."""
    function = {"arguments": arguments} | ({"name": name} if name else {})
    wire = {"index": index, "function": function} | ({"id": f"call_{index}", "type": "function"} if name else {})
    return event(tool_calls=[wire])


def failing(status: int, body: str) -> Answer:
    """Return an error."""
    return Answer([body], status, "application/json")
