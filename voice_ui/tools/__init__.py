"""Python functions and MCP servers as tools that the model may call: definition, schema, loading.

    @tool
    def weather(town: str) -> str:
        "Return the weather of a town."

Knows no session and no page: `voice_ui.session` runs what is called.
"""

from voice_ui.tools.chosen import ChosenTools
from voice_ui.tools.collection import AnyTool, HostedTool, Toolbox
from voice_ui.tools.context import RunningSession, ToolContext
from voice_ui.tools.definition import Tool, tool
from voice_ui.tools.loading import load
from voice_ui.tools.mcp_servers import McpServer, McpServers
from voice_ui.tools.refusals import InvalidArguments, ToolError, ToolFailed

__all__ = [
    "AnyTool",
    "ChosenTools",
    "HostedTool",
    "InvalidArguments",
    "McpServer",
    "McpServers",
    "RunningSession",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "Toolbox",
    "load",
    "tool",
]
