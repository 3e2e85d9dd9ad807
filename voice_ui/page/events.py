"""What a panel reports to its page: NiceGUI event arguments, and the `on_*` methods that add handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from nicegui import ui
from nicegui.events import Handler, UiEventArguments

from voice_ui.callbacks import Callbacks
from voice_ui.errors import Problem
from voice_ui.page import messages
from voice_ui.usage import Usage


@dataclass(kw_only=True, slots=True)
class TranscriptEventArguments(UiEventArguments):
    """What the user said, as far as it has been recognized."""

    text: str
    final: bool
    """Whether the text is final."""


@dataclass(kw_only=True, slots=True)
class DeltaEventArguments(UiEventArguments):
    """Text was added to the reply."""

    text: str


@dataclass(kw_only=True, slots=True)
class ReplyEventArguments(UiEventArguments):
    """A reply is over."""

    text: str
    status: str
    """`completed`, `cancelled`, `incomplete`, `failed` or `lost`."""
    preamble: bool
    """Whether this is a preamble: the answer follows as another reply."""


@dataclass(kw_only=True, slots=True)
class StateEventArguments(UiEventArguments):
    """The state has changed."""

    state: str
    """`idle`, `opening`, `connecting`, `listening`, `hearing`, `thinking`, `answering`, `reconnecting` or `error`."""
    microphone: bool
    """Whether it is open, or about to be."""


@dataclass(kw_only=True, slots=True)
class ProblemEventArguments(UiEventArguments):
    """Something went wrong; the panel shows it as well."""

    problem: Problem

    @property
    def cause(self) -> str:
        """What happened, in one sentence."""
        return messages.cause(self.problem)

    @property
    def fix(self) -> str:
        """What to do about it."""
        return messages.fix(self.problem)


@dataclass(kw_only=True, slots=True)
class UsageEventArguments(UiEventArguments):
    """What the conversation has used so far."""

    usage: Usage
    cost: float | None
    """US dollars, for the part whose prices are known; None if no price is known."""


class PanelEvents(ui.element):
    """Keeps the handlers of a panel: several for each event, plain functions or coroutine functions."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers: dict[str, Callbacks] = {}  # by the name of the event, where somebody handles it

    def on_transcript(self, handler: Handler[TranscriptEventArguments] | None) -> Self:
        """Add a handler for what the user said; called again as the transcript grows."""
        return self._add("transcript", handler)

    def on_delta(self, handler: Handler[DeltaEventArguments] | None) -> Self:
        """Add a handler for each piece of text added to the reply."""
        return self._add("delta", handler)

    def on_reply(self, handler: Handler[ReplyEventArguments] | None) -> Self:
        """Add a handler called when a reply is complete or was interrupted."""
        return self._add("reply", handler)

    def on_state(self, handler: Handler[StateEventArguments] | None) -> Self:
        """Add a handler for state changes."""
        return self._add("state", handler)

    def on_problem(self, handler: Handler[ProblemEventArguments] | None) -> Self:
        """Add a handler for problems."""
        return self._add("problem", handler)

    def on_usage(self, handler: Handler[UsageEventArguments] | None) -> Self:
        """Add a handler for tokens and cost, called after each reply."""
        return self._add("usage", handler)

    def _add(self, name: str, handler: Callable[..., Any] | None) -> Self:
        if handler is not None:
            self._handlers.setdefault(name, Callbacks(self)).add(handler)
        return self

    def _report(self, name: str, arguments: type[UiEventArguments], **values: Any) -> None:
        if handlers := self._handlers.get(name):
            handlers(arguments(sender=self, client=self.client, **values))
