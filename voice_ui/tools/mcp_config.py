"""`VOICE_UI_MCP`: which MCP servers there are, each a command to start or an address. Pure but for the file it names.

    VOICE_UI_MCP="files=npx -y @modelcontextprotocol/server-filesystem ./docs; wiki=https://example.com/mcp"
    VOICE_UI_MCP=mcp.json

The file has the shape that other MCP clients use: {"mcpServers": {"files": {"command": "npx", "args": […], "env": {…}},
"wiki": {"url": "https://…", "headers": {…}}}}; `"approve": true` asks a person before each call.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from voice_ui.redaction import register
from voice_ui.tools.mcp_servers import McpServer

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,32}")


class _Entry(BaseModel):
    command: str = ""
    args: list[str] = []
    url: str = ""
    env: dict[str, str] = {}
    headers: dict[str, str] = {}
    approve: bool = False


class _File(BaseModel):
    servers: dict[str, _Entry] = Field(alias="mcpServers")


def parse(text: str) -> tuple[McpServer, ...]:
    """Return the servers of the setting; raises ValueError with the reason."""
    if text.strip().endswith(".json") and "=" not in text:
        servers = _from_file(Path(text.strip()))
    else:
        servers = [_from_line(line) for line in re.split(r"[;\n]", text) if line.strip()]
    names = [server.name for server in servers]
    if wrong := [name for name in names if not _NAME.fullmatch(name)]:
        raise ValueError(f"{wrong[0][:40]!r} is not a name: 1 to 32 ASCII letters, digits, _ or -")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]} is named twice")
    if not servers:
        raise ValueError("it names no server")
    return tuple(servers)


def _from_line(line: str) -> McpServer:
    name, equals, where = (part.strip() for part in line.partition("="))
    if not equals or not where:
        raise ValueError(f"{name[:40]!r} is not of the form NAME=COMMAND or NAME=URL")
    if where.startswith(("http://", "https://")):
        return McpServer(name, url=where)
    return McpServer(name, tuple(shlex.split(where)))


def _from_file(path: Path) -> list[McpServer]:
    try:
        entries = _File.model_validate_json(path.expanduser().read_bytes()).servers
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of a user who does not exist
        reason = error.strerror if isinstance(error, OSError) else None
        raise ValueError(f"{path} cannot be read: {reason or type(error).__name__}") from error
    except ValidationError as error:  # without what stands there: it may be a secret
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {f'{place}: ' if place else ''}{first['msg']}") from None
    servers = []
    for name, entry in entries.items():
        if bool(entry.command) == bool(entry.url):
            raise ValueError(f"{name} in {path} needs either a command or a url")
        for secret in entry.headers.values():
            register(secret)
        command = (entry.command, *entry.args) if entry.command else ()
        servers.append(McpServer(name, command, entry.url, entry.env, entry.headers, entry.approve))
    return servers
