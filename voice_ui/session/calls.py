"""The tool calls of one response until their outputs are sent, and the messages for calls that fail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from voice_ui.conversation import FunctionCall
from voice_ui.protocol import WireItem, server, well_formed
from voice_ui.session.running import Outcome, failed
from voice_ui.tools import InvalidArguments, Tool

APPROVAL_SECONDS = 120.0
"""Time for the user to approve a call; after it, the call counts as refused."""

MOST_CHARACTERS = 4000
"""Of the result of a hosted call, when it is told in words."""

CANCELLED = "Cancelled: the person does not want this any more."
REFUSED = "Refused: the person did not approve this call. Do not try again unless asked to."
NOT_APPROVED = f"Refused: nobody approved this call within {APPROVAL_SECONDS:.0f} seconds."


@dataclass
class Batch:
    """The calls of one response."""

    calls: list[FunctionCall] = field(default_factory=list)
    is_open: bool = True
    """Whether more may come."""
    wants_reply: bool = True


@dataclass
class PendingCall:
    """A call without a result."""

    call: FunctionCall
    batch: Batch
    approval: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    hosted: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """What the server says of a call that it runs itself."""
    task: asyncio.Task[None] | None = None


def read_arguments(tool: Tool, arguments: str) -> dict[str, Any] | Outcome:
    """Check the arguments, before a person is asked to approve them."""
    try:
        return tool.read(arguments)
    except InvalidArguments as error:
        return failed(f"the arguments of {tool.name} do not fit: {error}")
    except Exception as error:  # of a type that checks itself
        return failed(f"the arguments of {tool.name} cannot be checked: {type(error).__name__}")


def outcome_of(item: WireItem) -> Outcome:
    return failed(well_formed(item.error)) if item.error else Outcome("done", well_formed(item.output))


def in_words(call: FunctionCall) -> str:
    """Return what a new connection is told of a hosted call: a client cannot create its item."""
    what = f"Earlier in this conversation the tool {call.name} of {call.server_label} was called with {call.arguments}"
    return f"{what}. Its result ({call.status}): {call.result[:MOST_CHARACTERS]}"


def ends_with_words(event: server.ResponseDone, batch: Batch) -> bool:
    """Whether a response that used only hosted tools already contains the answer."""
    is_hosted = all(call.server_label for call in batch.calls)
    return is_hosted and bool(event.output) and event.output[-1].type == "message"
