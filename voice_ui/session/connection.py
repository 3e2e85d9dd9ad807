"""One connection of a session: configured first, then both directions at once, until it is left or lost."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator

from voice_ui import audio
from voice_ui.conversation import Item
from voice_ui.diagnosis import difference, explained, seconds_left, words
from voice_ui.errors import ConnectionFailed, Refused, SessionError
from voice_ui.protocol import ClientEvent, Dialect, ServerEvent, SessionConfig, client, dialect_of, parse, server
from voice_ui.session.outbox import Flush, Outbox, Sound
from voice_ui.session.tape import Tape
from voice_ui.session.turns import OpenTurn, Turns
from voice_ui.transport import Transport

CONFIGURE_SECONDS = 10.0
"""From the open connection to `session.updated`; nothing is sent before that confirms what we asked for."""


class Connection:
    """What is known of one connection, and its loops."""

    def __init__(
        self,
        transport: Transport,
        config: SessionConfig,
        dialect: Dialect | None,
        ids: Iterator[str],
        facts: dict[str, str],
    ) -> None:
        """`dialect` None leaves it to what the server shows; `facts` are for the words of a problem."""
        self.turns = Turns(config.silence_ms if config.turn_detection == "server_vad" else 0)
        self.tape = Tape()
        self.owed: OpenTurn | None = None
        """A turn of an earlier connection, known in writing, whose reply was asked for here."""
        self.expires_in: float | None = None
        """Seconds from its beginning, if the server says so."""
        self.differs: str | None = None
        """A field of the configuration that was confirmed with another value."""
        self._transport = transport
        self._config = config
        self._asked_dialect = dialect
        self._dialect = dialect or Dialect.GA
        self._ids = ids
        self._facts = facts
        self._seeds: deque[str] = deque()  # texts whose echo is to come
        self._trimmed_ms = 0.0  # the place at which the tape was trimmed last

    @property
    def unanswered_ms(self) -> float:
        """The place in the stream of this connection from which on something may be unanswered."""
        return self.turns.unanswered_ms(self._transport.alive_at)

    async def configure(self) -> None:
        """Ask for our configuration and wait until it is confirmed: a refused one is dropped whole.

        Raises Refused or ConnectionFailed.
        """
        update: ClientEvent = {}
        event_id = next(self._ids)
        said: server.ErrorEvent | None = None
        try:
            async with asyncio.timeout(CONFIGURE_SECONDS):
                async for message in self._transport:
                    match event := parse(message):
                        case server.SessionCreated(session):
                            self._dialect = self._asked_dialect or dialect_of(session)
                            self.expires_in = seconds_left(session, time.time())
                            update = client.session_update(self._config, event_id, self._dialect)
                            await self._transport.send(update)
                        case server.SessionUpdated(session):
                            self.differs = difference(update, session)
                            return
                        case server.ErrorEvent() if event.event_id == event_id:
                            param = event.param or "it does not say which"
                            raise Refused("update-rejected", words(event), param=param, **self._facts)
                        case server.ErrorEvent():
                            said = event  # a close that says why is about to follow, or it was nothing
        except TimeoutError as error:
            detail = "no session.updated" if said is None else words(said)
            seconds = f"{CONFIGURE_SECONDS:.0f}"
            raise ConnectionFailed("server-timeout", detail, seconds=seconds, **self._facts) from error
        except SessionError as error:
            raise explained(error, said) from error

    async def seed(self, items: Iterable[Item], owed: OpenTurn | None) -> None:
        """Give the server the conversation so far, as text, and ask for the reply that is still owed."""
        for item in items:
            self._seeds.append(item.text)
            event = client.conversation_item_create(item.id, item.role, item.text, next(self._ids), self._dialect)
            await self._transport.send(event)
        if owed:
            self.owed = owed
            await self._transport.send(client.response_create(next(self._ids)))

    async def converse(
        self,
        outbox: Outbox,
        handle: Callable[[ServerEvent], Awaitable[None]],
        flushed: Callable[[Flush], None],
        leave: asyncio.Event,
    ) -> None:
        """Send what is in the outbox and handle what comes, until `leave` is set; raises what ends it otherwise."""
        receiving = asyncio.create_task(self._receive_loop(handle), name="realtime receive")
        sending = asyncio.create_task(self._send_loop(outbox, flushed), name="realtime send")
        leaving = asyncio.create_task(_wait_for(leave), name="realtime leave")
        try:
            await asyncio.wait((receiving, sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not leaving.done():
                # The receiver knows better why the connection ended: the server may have said so.
                await asyncio.wait((receiving,), timeout=1)
            for task in (receiving, sending):
                if task.done():
                    task.result()
        finally:
            for task in (receiving, sending, leaving):
                task.cancel()
            await asyncio.gather(receiving, sending, leaving, return_exceptions=True)

    async def _send_loop(self, outbox: Outbox, flushed: Callable[[Flush], None]) -> None:
        while True:
            match await outbox.get():
                case Sound() as sound:
                    # Recorded first: what a broken send held must be said again.
                    self.tape.record(sound)
                    self.turns.audio_clock.passed(audio.milliseconds(sound.pcm), sound.arrived)
                    self._trim_tape()
                    await self._transport.send(client.input_audio_buffer_append(sound.pcm))
                case Flush() as flush:
                    flushed(flush)
                case event:
                    self.tape.record(event)
                    await self._transport.send(event)

    def _trim_tape(self) -> None:
        """Once a second, let go of what will not be needed again."""
        if self.tape.end_ms - self._trimmed_ms >= 1000:
            self._trimmed_ms = self.tape.end_ms
            self.tape.forget_until(self.unanswered_ms)

    async def _receive_loop(self, handle: Callable[[ServerEvent], Awaitable[None]]) -> None:
        said: server.ErrorEvent | None = None
        try:
            async for message in self._transport:
                event = parse(message)
                said = event if isinstance(event, server.ErrorEvent) else None
                if not self._is_echo(event):
                    await handle(event)
        except SessionError as error:
            raise explained(error, said) from error

    def _is_echo(self, event: ServerEvent) -> bool:
        """Whether the event only tells of an item that we gave the server ourselves."""
        if isinstance(event, server.ItemAdded) and self._seeds and event.text == self._seeds[0]:
            self._seeds.popleft()
            return True
        return False


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()
