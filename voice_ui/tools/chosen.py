"""What the owner lets the model call: the functions of a file, and the tools of MCP servers."""

from __future__ import annotations

from pathlib import Path

from voice_ui.errors import SettingsError
from voice_ui.tools.definition import Tool
from voice_ui.tools.loading import load
from voice_ui.tools.mcp_servers import McpServers


class ChosenTools:
    """Read once; the MCP servers run from `start` to `close`."""

    def __init__(self, file: Path | None = None, mcp: str | None = None, *, file_source: str = "--tools") -> None:
        """Import `file` and read what `mcp` names; raises SettingsError with a line for everything that is wrong."""
        wrong: list[str] = []
        self._tools: list[Tool] = []
        self._servers = McpServers(())
        try:
            self._tools = load(file, file_source) if file else []
        except SettingsError as error:
            wrong.append(str(error))
        try:
            self._servers = _mcp_servers(mcp) if mcp else self._servers
        except SettingsError as error:
            wrong.append(str(error))
        if wrong:
            raise SettingsError("\n".join(wrong))

    async def start(self) -> list[str]:
        """Start the MCP servers; return a line for each that cannot be reached, which is tried again later."""
        self._servers.start()
        return await self._servers.settled()

    async def close(self) -> None:
        """Leave the MCP servers."""
        await self._servers.close()

    @property
    def all(self) -> list[Tool]:
        """All tools that there are now."""
        return self._servers.joined(self._tools)


def _mcp_servers(setting: str) -> McpServers:
    from voice_ui.tools.mcp_config import parse  # loads pydantic

    try:
        return McpServers(parse(setting))
    except ValueError as error:
        raise SettingsError(f"VOICE_UI_MCP: {error}") from error
