"""The functions that the model may call in a run. All are async: threads know no virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter

from voice_ui.tools import Tool, ToolContext, tool


class Functions:
    """Counts how often each call was made."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        """By id of the call."""

    def all(self) -> list[Tool]:
        """Return them as tools."""

        @tool
        async def quick(call: ToolContext) -> str:
            """Return at once."""
            self.made[call.call_id] += 1
            return "quick"

        @tool
        async def slow(call: ToolContext) -> str:
            """Return a little later."""
            self.made[call.call_id] += 1
            await asyncio.sleep(3)
            return "slow"

        @tool(approve=True)
        async def ask(call: ToolContext) -> str:
            """Return at once, if a person allows it."""
            self.made[call.call_id] += 1
            return "asked"

        @tool
        async def fails(call: ToolContext) -> str:
            """Fail."""
            self.made[call.call_id] += 1
            raise ValueError("it fails")

        @tool(timeout=8)
        async def hangs(call: ToolContext) -> str:
            """Never return."""
            self.made[call.call_id] += 1
            await asyncio.Event().wait()
            return ""

        return [quick, slow, ask, fails, hangs]
