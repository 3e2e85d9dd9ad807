"""A transport as a session uses it: client events out, in the server's dialect, and server events in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from voice_ui.protocol import ClientEvent, Dialect, ServerEvent, parse
from voice_ui.session.brake import BURST, Brake
from voice_ui.session.reports import Reports
from voice_ui.transport import Transport


class EventTransport:
    """Writes and reads the events of one connection, and shows them to the session's tracer."""

    def __init__(self, transport: Transport, reports: Reports, dialect: Dialect | None) -> None:
        self.transport = transport
        self.dialect = dialect or Dialect.GA
        """As configured, or as the server turns out to speak; see `configure`."""
        self._reports = reports
        self._sent = 0

    async def send(self, event: ClientEvent) -> None:
        """Send one event; raises SessionError if the connection is gone, or breaks here."""
        wire = event.to_wire(self.dialect)
        if (tracer := self._reports.tracer) is not None:
            tracer.send(wire)
        await self.transport.send(wire)
        self._sent += 1
        if self._sent % BURST == 0:
            await asyncio.sleep(0)

    async def __aiter__(self) -> AsyncIterator[ServerEvent]:
        """Yield what the server says; raises SessionError at the end."""
        brake, received = Brake(), 0
        async for message in self.transport:
            if (tracer := self._reports.tracer) is not None:
                tracer.receive(message)
            yield parse(message)
            received += 1
            if received % BURST == 0:
                await brake.pause()
