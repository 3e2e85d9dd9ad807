"""A small MCP server, written with the `mcp` package: `python -m tests.servers.mcp_server [PORT]`, else over stdio."""

from __future__ import annotations

import sys

import anyio
from mcp.server import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("tests")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def forget(what: str) -> str:
    """Forget something for ever."""
    return f"forgot {what}"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("nothing works today")


@server.tool()
async def wait(seconds: float) -> str:
    """Wait."""
    await anyio.sleep(seconds)
    return "waited"


@server.tool()
def end() -> str:
    """End the server at once."""
    import os

    os._exit(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
