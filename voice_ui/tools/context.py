"""What a tool may know about the call that runs it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from voice_ui.conversation import Conversation


class RunningSession(Protocol):
    """The part of `RealtimeSession` that is of use to a tool."""

    conversation: Conversation

    def send_text(self, text: str) -> object:
        """Say something in the person's place."""

    def stop(self) -> None:
        """Close the microphone."""

    def interrupt(self) -> None:
        """Cut the reply short, and cancel the calls that run."""


@dataclass(eq=False)
class ToolContext:
    """Passed to each parameter annotated with it. The model does not see such parameters.

    Sessions and page elements may only be used on the event loop. A function that is not async runs in a thread and
    must call them through `on_loop`.
    """

    session: RunningSession
    call_id: str
    turn: int
    """Number of the turn in the conversation, from 1."""
    on_loop: Callable[..., Any] = field(repr=False)
    """`on_loop(function, *arguments)` schedules a call on the event loop; safe from any thread."""
    is_cancelled: bool = False
    """Whether the call was cancelled or timed out. Async functions are interrupted; threads must check this."""
