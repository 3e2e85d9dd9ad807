"""Configures a new connection: `session.update` must be confirmed before any audio is sent."""

from __future__ import annotations

import asyncio
import time

from voice_ui.errors import ConnectionFailed, SessionError
from voice_ui.protocol import SessionConfig, client, dialect_of, server
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.event_transport import EventTransport

CONFIGURE_SECONDS = 10.0
"""From the open connection to `session.updated`."""

REASON_SECONDS = 1.0
"""After an `error` while we configure: the close that explains it, or `session.updated`, follows within this time."""


async def configure(
    transport: EventTransport, endpoint: Endpoint, config: SessionConfig, event_id: str
) -> tuple[float | None, str | None]:
    """Send `config`, in the dialect of the server, and wait until it is confirmed.

    Returns the seconds until the server ends the session, and a field that it confirmed with another value; None where
    it does not say, or there is none. A server that refuses one field applies none. Raises Refused or ConnectionFailed.
    """
    expires_in: float | None = None
    asked = False
    said: server.ErrorEvent | None = None
    try:
        async with asyncio.timeout(CONFIGURE_SECONDS) as patience:
            async for event in transport:
                match event:
                    case server.SessionCreated(session) if not asked:
                        transport.dialect = endpoint.dialect or dialect_of(session)
                        expires_in = diagnosis.seconds_left(session, time.time())
                        asked = True
                        await transport.send(client.SessionUpdate(config, event_id=event_id))
                    case server.SessionUpdated(session) if asked:
                        update = client.SessionUpdate(config).to_wire(transport.dialect)
                        return expires_in, diagnosis.difference(update, session)
                    case server.ErrorEvent():
                        if said is None:  # a server that goes on and on about it extends nothing
                            said = event
                            patience.reschedule(asyncio.get_running_loop().time() + REASON_SECONDS)
    except TimeoutError as error:
        if said is None:
            facts = diagnosis.facts_of(endpoint, seconds=f"{CONFIGURE_SECONDS:.0f}")
            raise ConnectionFailed("server-timeout", "no session.updated", **facts) from error
        raise _not_configured(said, endpoint, event_id, asked) from error
    except SessionError as error:
        if said is None:
            raise
        raise diagnosis.explained(error, _not_configured(said, endpoint, event_id, asked)) from error
    raise ConnectionFailed("connection-lost", "it ended before session.updated", **diagnosis.facts_of(endpoint))


def _not_configured(said: server.ErrorEvent, endpoint: Endpoint, event_id: str, asked: bool) -> SessionError:
    """Return what an error before `session.updated` means; an error without an event id must be about our update."""
    return diagnosis.not_configured(said, endpoint, about_update=asked and said.event_id in {event_id, None, ""})
