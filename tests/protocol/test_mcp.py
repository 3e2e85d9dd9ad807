"""MCP servers over stdio and HTTP: their tools are called by a model, and a server that goes away comes back."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.patience import SECOND, until
from tests.protocol.calling import call, function_call, outputs
from tests.protocol.reader import session_with
from tests.running import free_port
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from voice_ui.conversation import FunctionCall
from voice_ui.tools import McpServer, McpServers, Tool, ToolFailed, tool

OVER_STDIO = (sys.executable, "-m", "tests.servers.mcp_server")


@pytest.fixture
def http_url() -> Iterator[str]:
    port = free_port()
    running = subprocess.Popen([*OVER_STDIO, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        running.kill()
        running.wait()


@pytest.fixture
async def over_stdio() -> AsyncIterator[McpServers]:
    async with McpServers([McpServer("local", OVER_STDIO)]) as servers:
        yield servers


def named(tools: list[Tool], name: str) -> Tool:
    return next(each for each in tools if each.name == name)


async def test_over_stdio_its_tools_join_the_list(over_stdio: McpServers) -> None:
    @tool
    def add(a: int) -> int:
        """Add."""
        return a

    assert over_stdio.problems == []
    tools = over_stdio.joined([add])
    assert [each.name for each in tools] == ["add", "local_add", "forget", "fail", "wait", "end"]
    assert [each.name for each in tools if each.approve] == ["forget"]
    assert await named(tools, "local_add").call({"a": 2, "b": 3}, None) == "5"  # type: ignore[arg-type]
    with pytest.raises(ToolFailed):
        await named(tools, "fail").call({}, None)  # type: ignore[arg-type]


async def test_over_http_a_model_calls_it(http_url: str) -> None:
    def listening() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(http_url.split(":")[2].split("/")[0]))) == 0

    await until(listening, 30, what="the MCP server listens")

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(
            wire,
            function_call("add", {"a": 2, "b": 40}),
            function_call("add", {"a": "two"}, call_id="call_2", item="item_g"),
        )
        good, bad = await outputs(wire, 2)
        assert good == "42"
        assert bad.startswith("Error: ")
        await wire.reply("42.", response="resp_2")
        await wire.until_closed()

    async with McpServers([McpServer("remote", url=http_url)]) as servers:
        async with (
            ScriptedServer(script).running() as server,
            session_with(server, tools=servers.joined()) as (session, reader),
        ):
            session.send_text("2 and 40?")
            await until(lambda: session.state.at_rest)
            statuses = [item.status for item in reader.items.values() if isinstance(item, FunctionCall)]
            assert statuses == ["done", "failed"]


async def test_a_server_that_ends_is_started_again(over_stdio: McpServers) -> None:
    tools = over_stdio.joined()
    nothing: Any = None
    with pytest.raises(ToolFailed):
        await named(tools, "end").call({}, nothing)
    assert await named(tools, "add").call({"a": 1, "b": 1}, nothing) == "2"


async def test_a_server_that_cannot_be_reached_is_one_line_and_the_others_work() -> None:
    gone = McpServer("gone", ("no-such-command-of-ours",))
    refusing = McpServer("refusing", url="http://127.0.0.1:1/mcp")
    async with McpServers([gone, refusing, McpServer("local", OVER_STDIO)]) as servers:
        assert [line.partition(" cannot be reached: ")[0] for line in servers.problems] == [
            "VOICE_UI_MCP: gone",
            "VOICE_UI_MCP: refusing",
        ]
        assert all("\n" not in line for line in servers.problems)
        assert len(servers.joined()) == 5


async def test_a_call_that_is_cancelled_leaves_the_server_as_it_is(over_stdio: McpServers) -> None:
    tools = over_stdio.joined()
    wait, nothing = named(tools, "wait"), None
    from asyncio import timeout

    with pytest.raises(TimeoutError):
        async with timeout(0.3 * SECOND):
            await wait.call({"seconds": 30}, nothing)  # type: ignore[arg-type]
    assert await named(tools, "add").call({"a": 1, "b": 1}, nothing) == "2"  # type: ignore[arg-type]
