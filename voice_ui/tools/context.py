"""What a tool may know about the call that runs it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from voice_ui.conversation import Conversation


class RunningSession(Protocol):
    """The part of `RealtimeSession` that is of use to a tool."""

    conversation: Conversation

    def send_text(self, text: str) -> None:
        """Say something in the person's place."""

    def stop(self) -> None:
        """Close the microphone."""

    def interrupt(self) -> None:
        """Cut the reply short, and cancel the calls that run."""


@dataclass(eq=False)
class ToolContext:
    """Given to every parameter that is annotated with it; the model does not see such a parameter.

    The session lives on the event loop. A function that is not async runs in a thread: it calls the session, and
    elements of a page, through `on_loop`.
    """

    session: RunningSession
    call_id: str
    turn: int
    """Of the conversation, counted from 1."""
    on_loop: Callable[..., Any] = field(repr=False)
    """`on_loop(function, *arguments)` calls a function on the event loop, soon; safe from any thread."""
    is_cancelled: bool = False
    """The call was cancelled or timed out. An async function is interrupted; a thread has to look for itself."""
