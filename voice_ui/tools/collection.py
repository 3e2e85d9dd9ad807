"""The tools of one session, by name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from voice_ui.tools.definition import Tool, tool
from voice_ui.tools.refusals import ToolError

HostedTool = Mapping[str, Any]
"""A tool that the server itself runs, such as `{"type": "mcp", "server_label": …}`: passed through as it is."""

AnyTool = Tool | Callable[..., Any] | HostedTool


class Toolbox:
    """What the model may call; a function that is not in here cannot be called."""

    def __init__(self, tools: Iterable[AnyTool] = ()) -> None:
        """Raises ToolError for a function that cannot be a tool, and for two of one name."""
        self._tools: dict[str, Tool] = {}
        self._hosted: list[dict[str, Any]] = []
        for each in tools:
            if isinstance(each, Mapping):
                self._hosted.append(dict(each))
                continue
            made = each if isinstance(each, Tool) else tool(each)
            if made.name in self._tools:
                raise ToolError(f"two tools are called {made.name!r}; set another name with name=")
            self._tools[made.name] = made

    def __bool__(self) -> bool:
        return bool(self._tools or self._hosted)

    def get(self, name: str) -> Tool | None:
        """Return the tool of that name."""
        return self._tools.get(name)

    @property
    def all(self) -> list[AnyTool]:
        """All tools, those included that the server runs."""
        return [*self._tools.values(), *self._hosted]

    @property
    def names(self) -> list[str]:
        """The names of all tools that run here."""
        return list(self._tools)

    def to_wire(self) -> tuple[dict[str, Any], ...]:
        """Return the `tools` of a session."""
        return (*(each.to_wire() for each in self._tools.values()), *self._hosted)
