"""Connections to MCP servers, with the official `mcp` package (extra `mcp`), and their tools as ours.

async with McpServers(servers) as running:
    session = RealtimeSession(endpoint, tools=running.joined([weather]))
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from voice_ui.errors import SettingsError
from voice_ui.redaction import redact
from voice_ui.tools.definition import Tool
from voice_ui.tools.refusals import ToolFailed

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

START_SECONDS = 30.0
"""For a server to start and list its tools: `npx` may have to download it first."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds between two attempts to reach a server; each is twice as long as the one before."""

READY_SECONDS = 10.0
"""That a call waits for a server which is being started again."""

CALL_SECONDS = 60.0
"""For one call."""

_log = logging.getLogger("voice_ui.tools")


@dataclass(frozen=True)
class McpServer:
    """One MCP server; it has a command or an address."""

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    approve: bool = False
    """Whether a person has to approve every call of its tools."""


class McpServers:
    """Several MCP servers, from entering it to leaving it."""

    def __init__(self, servers: Iterable[McpServer]) -> None:
        """Raises SettingsError if the `mcp` package is missing."""
        self._connections = [_Connection(server) for server in servers]
        if self._connections and not find_spec("mcp"):
            raise SettingsError("VOICE_UI_MCP needs the package mcp: pip install 'voice-ui[mcp]'")
        # It logs what it cannot read, which may be the result of a tool.
        logging.getLogger("mcp").setLevel(logging.CRITICAL)

    @property
    def problems(self) -> list[str]:
        """A line for each server that cannot be reached."""
        return [each.problem for each in self._connections if each.problem]

    def joined(self, tools: Iterable[Tool] = ()) -> list[Tool]:
        """Return `tools` and those of all servers; where two names collide, the server's name comes before it."""
        joined = list(tools)
        taken = Counter(tool.name for tool in joined)
        found = [(each.server, tool) for each in self._connections for tool in each.tools]
        taken.update(tool.name for _, tool in found)
        for server, tool in found:
            if taken[tool.name] > 1:
                tool = tool.renamed(f"{server.name}_{tool.name}"[:64])
            if tool.name not in {each.name for each in joined}:
                joined.append(tool)
        return joined

    def start(self) -> None:
        """Begin to connect."""
        for connection in self._connections:
            connection.start()

    async def settled(self) -> list[str]:
        """Wait until every server was reached or cannot be; return a line for each that cannot."""
        await asyncio.gather(*(connection.settled() for connection in self._connections))
        return self.problems

    async def close(self) -> None:
        """Leave all servers."""
        await asyncio.gather(*(connection.stop() for connection in self._connections))

    async def __aenter__(self) -> Self:
        self.start()
        await self.settled()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Connection:
    """One server: connected again when it is lost, by one task, as the package wants it."""

    def __init__(self, server: McpServer) -> None:
        self.server = server
        self.tools: list[Tool] = []
        self.problem = ""
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._settled, self._ready, self._lost = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._hold(), name=f"mcp {self.server.name}")

    async def settled(self) -> None:
        """Wait until the first attempt to connect has an end."""
        await self._settled.wait()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _hold(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                await self._connect_and_wait()
            except Exception as error:
                problem = f"VOICE_UI_MCP: {self.server.name} cannot be reached: {_reason(error)}"
                if problem != self.problem:
                    _log.warning("%s", problem)
                self.problem = problem
            finally:
                was_connected, self._client = self._client is not None, None
                self._ready.clear()
                self._settled.set()
            if was_connected:
                delay = FIRST_DELAY
                continue
            await asyncio.sleep(delay)
            delay = min(LONGEST_DELAY, delay * 2)

    async def _connect_and_wait(self) -> None:
        from mcp import Client

        async with AsyncExitStack() as stack:
            transport = await self._transport(stack)
            async with asyncio.timeout(START_SECONDS):
                client = await stack.enter_async_context(Client(transport))
                self.tools = await self._list(client)
            self._client, self.problem = client, ""
            self._lost.clear()
            self._settled.set()
            self._ready.set()
            _log.info("mcp server %s: %d tools", self.server.name, len(self.tools))
            await self._lost.wait()

    async def _transport(self, stack: AsyncExitStack) -> Any:
        if self.server.url:
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            client = httpx2.AsyncClient(headers=dict(self.server.headers), timeout=httpx2.Timeout(30, read=300))
            return streamable_http_client(self.server.url, http_client=await stack.enter_async_context(client))
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        command, *args = self.server.command
        # What a server writes to stderr is its own business, and may hold arguments.
        nowhere = stack.enter_context(_nowhere())
        return stdio_client(StdioServerParameters(command=command, args=args, env=dict(self.server.env)), nowhere)

    async def _list(self, client: Client) -> list[Tool]:
        found: list[Tool] = []
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            for each in page.tools:
                hints = each.annotations
                made = Tool(
                    self._function(each.name),
                    name=re.sub(r"[^a-zA-Z0-9_-]", "_", each.name)[:64],
                    description=each.description or each.title or each.name,
                    schema=each.input_schema,
                    approve=self.server.approve or (hints is not None and hints.destructive_hint is True),
                    timeout=CALL_SECONDS,
                    takes_dict=True,
                )
                found.append(made)
            cursor = page.next_cursor
            if not cursor:
                return found

    def _function(self, name: str) -> Any:
        async def call(arguments: dict[str, Any]) -> str:
            from mcp import MCPError

            try:
                async with asyncio.timeout(READY_SECONDS):
                    await self._ready.wait()
            except TimeoutError as error:
                raise ToolFailed(f"the server {self.server.name} cannot be reached at the moment") from error
            client = self._client
            assert client

            try:
                result = await client.call_tool(name, arguments)
            except MCPError as error:
                if await self._is_gone(client):
                    self._lose(client)
                raise ToolFailed(f"{self.server.name}: {error.message}") from error
            except (OSError, RuntimeError) as error:
                self._lose(client)
                raise ToolFailed(f"the server {self.server.name} was lost") from error
            return _text(result)

        return call

    def _lose(self, client: Client) -> None:
        if client is self._client:
            self._ready.clear()
            self._lost.set()

    async def _is_gone(self, client: Client) -> bool:
        try:
            async with asyncio.timeout(5):
                await client.list_tools()
        except Exception:
            return True
        return False


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _text(result: CallToolResult) -> str:
    """Return a result in words; raises ToolFailed if it is an error."""
    parts = [getattr(block, "text", None) or f"[{block.type}]" for block in result.content]
    text = "\n".join(parts)
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    if result.is_error:
        raise ToolFailed(text or "it failed without a reason")
    return text


def _reason(error: BaseException) -> str:
    """Return why a server cannot be reached, in one line; of a group, the first reason."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"no answer within {START_SECONDS:.0f} s"
    words = " ".join(redact(str(error)).split())[:200]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
