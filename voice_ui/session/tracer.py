"""Shows protocol traffic to an observer: client events as they are sent, messages as they are received.

A session has a tracer only while an inspector is open. Without one, a `TracedTransport` only checks one attribute per
event.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, final

from voice_ui.errors import Problem
from voice_ui.protocol import parse, server
from voice_ui.transport import Transport


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """One event, on its way."""

    number: int
    """Counted from 1, both directions together."""
    at: float
    """Seconds of the monotonic clock."""
    event: dict[str, Any] | str | bytes
    """A client event, or the raw message of a server; not to be changed."""


@final
class Tracer:
    """Numbers and shows events; keeps none."""

    def __init__(self, show: Callable[[TracedEvent], object], clock: Callable[[], float] = time.monotonic) -> None:
        """`show` is called before an event is sent or handled, and must not wait."""
        self._show = show
        self._clock = clock
        self._count = 0
        self.received: int | None = None
        """The number of the connection's last message."""
        self.error: int | None = None
        """The same, if that message is an `error`: right before the end of a connection, it tells why."""

    def begin(self) -> None:
        """A connection is about to be made: what came over another one is no cause of what happens here."""
        self.received = self.error = None

    def send(self, event: dict[str, Any]) -> None:
        """Show an event that is about to be sent."""
        self._pass(event)

    def receive(self, message: str | bytes) -> None:
        """Show a message that was received."""
        self.received = self._pass(message)
        self.error = self.received if isinstance(parse(message), server.ErrorEvent) else None

    def _pass(self, what: dict[str, Any] | str | bytes) -> int:
        self._count += 1
        self._show(TracedEvent(self._count, self._clock(), what))
        return self._count


class Traced(Protocol):
    """An object that may have a tracer."""

    tracer: Tracer | None


class TracedTransport:
    """A transport that passes its traffic to its owner's tracer; see `Transport`."""

    def __init__(self, transport: Transport, owner: Traced) -> None:
        self._transport = transport
        self._owner = owner

    @property
    def alive_at(self) -> float:
        return self._transport.alive_at

    @property
    def round_trip_ms(self) -> float | None:
        return self._transport.round_trip_ms

    @property
    def problem(self) -> Problem | None:
        return self._transport.problem

    @property
    def patience(self) -> float:
        return self._transport.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._transport.patience = seconds

    async def send(self, event: dict[str, Any]) -> None:
        if (tracer := self._owner.tracer) is not None:
            tracer.send(event)
        await self._transport.send(event)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for message in self._transport:
            if (tracer := self._owner.tracer) is not None:
                tracer.receive(message)
            yield message


@asynccontextmanager
async def traced(connection: AbstractAsyncContextManager[Transport], owner: Traced) -> AsyncIterator[TracedTransport]:
    """Make a connection that its owner's tracer can see."""
    if owner.tracer is not None:
        owner.tracer.begin()
    async with connection as transport:
        yield TracedTransport(transport, owner)
