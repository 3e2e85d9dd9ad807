"""What the parts of one press of Start share: what they work on, and the connection in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from voice_ui.conversation import Conversation
from voice_ui.errors import Problem
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.budget import Budget
from voice_ui.session.link import Link
from voice_ui.session.outage import Outage
from voice_ui.session.reports import Reports
from voice_ui.session.stream import Stream


@dataclass(eq=False)
class Context:
    """Made by the session for each press of Start."""

    endpoint: Endpoint
    config: SessionConfig
    """What is wanted now; `link.config` is what the server has confirmed."""
    conversation: Conversation
    budget: Budget
    reports: Reports
    unknown_events: Counter[str]
    ids: Iterator[str]
    """For events and items."""
    clock: Callable[[], float]
    """Returns seconds."""
    stream: Stream = field(default_factory=Stream)
    outage: Outage = field(default_factory=Outage)
    link: Link | None = None
    """The connection in use; set and cleared by the supervisor."""

    def report(self, code: str, detail: str = "", number: int | None = None, **facts: str) -> None:
        """Report a problem with this server, and the event that caused it by its number in the trace."""
        self.reports.raise_problem(Problem(code, detail, diagnosis.facts_of(self.endpoint, **facts)), number)
