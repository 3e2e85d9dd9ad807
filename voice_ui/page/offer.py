"""What our own page offers: the server, its models, and the limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from voice_ui.errors import Problem
from voice_ui.offline.ollama import LocalModels
from voice_ui.page.conversations import Conversations
from voice_ui.page.handover import Handovers
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import Limits, RealtimeSession


@dataclass(frozen=True)
class Offer:
    """Made by the app, for one page."""

    notice: Callable[[], str]
    """Notice about the server, shown before anyone speaks; may be empty."""
    model: str
    models: Sequence[str]
    """To choose from; empty if there is no choice."""
    config: SessionConfig
    """The owner's defaults."""
    endpoint: Callable[[str], Endpoint]
    """For a model."""
    check: Callable[[str], Awaitable[Problem | None]]
    """Return a known problem with a model, before anyone speaks."""
    limits: Limits
    open_session: Callable[[Endpoint, SessionConfig], RealtimeSession]
    """Opens a session within the limits."""
    conversations: Conversations
    handovers: Handovers
    local_models: LocalModels | None = None
    """Of an Ollama on this machine, where nothing else is configured."""
    may_choose_local: bool = False
    """Whether this page offers them."""
    controls: Callable[[], object] = lambda: None
    """Builds more controls into the header."""
    sums: Callable[[], str] = lambda: ""
    """Says where the limits of cost stand; nothing to visitors."""
    address: str = ""
    """Of the visitor; empty for the owner."""
