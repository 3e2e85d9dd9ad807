"""Which tools a hosted MCP server has: shown once, although each new connection lists them again."""

from __future__ import annotations

from voice_ui.conversation import Change, FunctionCall
from voice_ui.protocol import ServerEvent, server, well_formed
from voice_ui.session.context import Context
from voice_ui.session.running import Outcome, failed


class HostedTools:
    """The lists of one press of Start."""

    def __init__(self, context: Context) -> None:
        self._conversation, self._reports = context.conversation, context.reports
        self._listing: dict[str, str] = {}  # by item: the server whose tools are being listed

    def take(self, event: ServerEvent) -> list[Change]:
        """Take in one event; return what it changes in the conversation."""
        match event:
            case server.ItemAdded(item) if item.type == "mcp_list_tools" and item.id:
                self._listing[item.id] = item.server_label
            case server.ItemDone(item) if item.type == "mcp_list_tools":
                return self._show(item.server_label, Outcome("done", well_formed("\n".join(item.tools)) or "none"))
            case server.McpListToolsFailed(item_id):
                return self._show(self._listing.get(item_id, ""), failed("it did not say which tools it has"))
        return []

    def _show(self, server_label: str, outcome: Outcome) -> list[Change]:
        item_id = f"tools of {server_label}"
        known = [
            item for item in self._conversation.items if isinstance(item, FunctionCall) and item.id.startswith(item_id)
        ]
        if known and (known[-1].status, known[-1].result) == (outcome.status, outcome.result):
            return []
        call = FunctionCall(item_id, "tool", name="mcp_list_tools", server_label=server_label or "MCP")
        call.status, call.result, call.event_number = outcome.status, outcome.result, self._reports.received
        return [self._conversation.begin_call("", call)]
