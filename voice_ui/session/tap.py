"""What passes on the wire, for who wants to see it: client events as they are sent, messages as they are received.

A session has a tap only while somebody looks. Without one a `TappedTransport` looks at one attribute for each event,
and does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, final

from voice_ui.errors import Problem
from voice_ui.protocol import ClientEvent, parse, server
from voice_ui.transport import Transport


@dataclass(frozen=True, slots=True)
class Passed:
    """One event, on its way."""

    number: int
    """Counted from 1, both directions together."""
    at: float
    """Seconds of the monotonic clock."""
    what: ClientEvent | str | bytes
    """A client event, or the raw message of a server; not to be changed."""


@final
class Tap:
    """Numbers what passes, and shows it; keeps nothing of it."""

    def __init__(self, show: Callable[[Passed], object], clock: Callable[[], float] = time.monotonic) -> None:
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

    def send(self, event: ClientEvent) -> None:
        """Show an event that is about to be sent."""
        self._pass(event)

    def receive(self, message: str | bytes) -> None:
        """Show a message that was received."""
        self.received = self._pass(message)
        self.error = self.received if isinstance(parse(message), server.ErrorEvent) else None

    def _pass(self, what: ClientEvent | str | bytes) -> int:
        self._count += 1
        self._show(Passed(self._count, self._clock(), what))
        return self._count


class Tapped(Protocol):
    """Who may have a tap."""

    tap: Tap | None


class TappedTransport:
    """A transport that lets its owner's tap see what passes; see `Transport`."""

    def __init__(self, transport: Transport, owner: Tapped) -> None:
        self._transport = transport
        self._owner = owner

    @property
    def alive_at(self) -> float:
        return self._transport.alive_at

    @property
    def patience(self) -> float:
        return self._transport.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._transport.patience = seconds

    @property
    def round_trip_ms(self) -> float | None:
        return self._transport.round_trip_ms

    @property
    def problem(self) -> Problem | None:
        return self._transport.problem

    async def send(self, event: ClientEvent) -> None:
        if (tap := self._owner.tap) is not None:
            tap.send(event)
        await self._transport.send(event)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for message in self._transport:
            if (tap := self._owner.tap) is not None:
                tap.receive(message)
            yield message


@asynccontextmanager
async def tapped(connection: AbstractAsyncContextManager[Transport], owner: Tapped) -> AsyncIterator[TappedTransport]:
    """Make a connection that its owner's tap can see."""
    if owner.tap is not None:
        owner.tap.begin()
    async with connection as transport:
        yield TappedTransport(transport, owner)
