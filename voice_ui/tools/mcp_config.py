"""`VOICE_UI_MCP`: which MCP servers there are, each a command to start or an address. Pure but for the file it names.

    VOICE_UI_MCP="files=npx -y @modelcontextprotocol/server-filesystem ./docs; wiki=https://example.com/mcp"
    VOICE_UI_MCP=mcp.json

The file has the shape that other MCP clients use: {"mcpServers": {"files": {"command": "npx", "args": […], "env": {…}},
"wiki": {"url": "https://…", "headers": {…}}}}; `"approve": true` asks a person before each call.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voice_ui.redaction import register

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,32}")


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


def parse(text: str) -> tuple[McpServer, ...]:
    """Return the servers of the setting; raises ValueError with the reason."""
    if text.strip().endswith(".json") and "=" not in text:
        servers = _from_file(Path(text.strip()))
    else:
        servers = [_from_line(line) for line in re.split(r"[;\n]", text) if line.strip()]
    names = [server.name for server in servers]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]} is named twice")
    if not servers:
        raise ValueError("it names no server")
    return tuple(servers)


def _from_line(line: str) -> McpServer:
    name, equals, where = (part.strip() for part in line.partition("="))
    if not equals or not where:
        raise ValueError(f"{name[:40]!r} is not of the form NAME=COMMAND or NAME=URL")
    _check_name(name)
    if where.startswith(("http://", "https://")):
        return McpServer(name, url=where)
    return McpServer(name, tuple(shlex.split(where)))


def _from_file(path: Path) -> list[McpServer]:
    try:
        given = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of a user who does not exist
        reason = error.strerror if isinstance(error, OSError) else None
        raise ValueError(f"{path} cannot be read: {reason or type(error).__name__}") from error
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON") from error
    entries = given.get("mcpServers") if isinstance(given, dict) else None
    if not isinstance(entries, dict):
        raise ValueError(f'{path} has no "mcpServers"')
    return [_from_entry(name, entry, path) for name, entry in entries.items()]


def _from_entry(name: str, entry: Any, path: Path) -> McpServer:
    _check_name(name)
    entry = entry if isinstance(entry, dict) else {}
    command, url = entry.get("command"), entry.get("url")
    if not isinstance(command or url, str) or (command and url):
        raise ValueError(f"{name} in {path} needs either a command or a url")
    args = entry.get("args", [])
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise ValueError(f"the args of {name} in {path} are not a list of strings")
    env, headers = (_strings(entry.get(key, {}), f"the {key} of {name} in {path}") for key in ("env", "headers"))
    for secret in headers.values():
        register(secret)
    return McpServer(
        name, (command, *args) if command else (), url or "", env, headers, approve=entry.get("approve") is True
    )


def _strings(given: Any, what: str) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise ValueError(f"{what} are not an object of strings")
    return given


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is not a name: 1 to 32 ASCII letters, digits, _ or -")
