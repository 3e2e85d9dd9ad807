"""One connection of a session: configured first, then both directions at once, until it is left or lost."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator

from voice_ui import audio
from voice_ui.conversation import Item
from voice_ui.diagnosis import difference, explained, seconds_left, words
from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.protocol import ClientEvent, Dialect, ServerEvent, SessionConfig, client, dialect_of, parse, server
from voice_ui.session.outbox import Commit, Entry, Interrupt, Message, Outbox, Reconfigure, Sound
from voice_ui.session.tape import Tape
from voice_ui.session.turns import OpenTurn, Turns
from voice_ui.transport import Transport

CONFIGURE_SECONDS = 10.0
"""From the open connection to `session.updated`; nothing is sent before that confirms what we asked for."""


_SETTINGS = {
    "reasoning": "VOICE_UI_REASONING_EFFORT (none leaves it out)",
    "transcription": "VOICE_UI_TRANSCRIPTION_MODEL",
    "turn_detection": "VOICE_UI_TURN_DETECTION",
    "instructions": "VOICE_UI_INSTRUCTIONS",
}
"""By a part of the path of the field that a server names."""


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
        self.turns = Turns(_silence_ms(config))
        self.tape = Tape()
        self.owed: OpenTurn | None = None
        """A turn of an earlier connection, known in writing, whose reply was asked for here."""
        self.expires_in: float | None = None
        """Seconds from its beginning, if the server says so."""
        self.differs: str | None = None
        """A field of the configuration that was confirmed with another value."""
        self.interrupted = False
        """Whether the running response was cancelled by us."""
        self._transport = transport
        self.config = config
        """The one that holds: the last to be confirmed."""
        self._asked_dialect = dialect
        self._dialect = dialect or Dialect.GA
        self._ids = ids
        self._facts = facts
        self._updates: dict[str, SessionConfig] = {}  # asked for and not confirmed yet, by the id of the event
        self._given: set[str] = set()  # ids of the items we gave the server
        self._echoes: deque[str] = deque()  # texts of these, whose echo is to come
        self._cancel_next = False  # the response that is awaited is not wanted any more
        self._ask_later = False  # for a reply, when the running one has ended
        self._trimmed_ms = 0.0  # the place at which the tape was trimmed last

    @property
    def unanswered_ms(self) -> float:
        """The place in the stream of this connection from which on something may be unanswered."""
        return self.turns.unanswered_ms(self._transport.alive_at)

    @property
    def round_trip_ms(self) -> float | None:
        """To the server and back, as last measured."""
        return self._transport.round_trip_ms

    async def configure(self) -> None:
        """Ask for our configuration and wait until it is confirmed: a refused one is dropped whole.

        Raises Refused or ConnectionFailed.
        """
        update: ClientEvent = {}
        said: server.ErrorEvent | None = None
        try:
            async with asyncio.timeout(CONFIGURE_SECONDS):
                async for message in self._transport:
                    match event := parse(message):
                        case server.SessionCreated(session):
                            self._dialect = self._asked_dialect or dialect_of(session)
                            self.expires_in = seconds_left(session, time.time())
                            update = await self._update(self.config)
                        case server.SessionUpdated(session):
                            self._confirm()
                            self.differs = difference(update, session)
                            return
                        case server.ErrorEvent():
                            if refused := self.refusal(event):
                                raise Refused(refused.code, refused.detail, **refused.facts)
                            said = event  # a close that says why is about to follow, or it was nothing
        except TimeoutError as error:
            detail = "no session.updated" if said is None else words(said)
            seconds = f"{CONFIGURE_SECONDS:.0f}"
            raise ConnectionFailed("server-timeout", detail, seconds=seconds, **self._facts) from error
        except SessionError as error:
            raise explained(error, said) from error

    def refusal(self, event: server.ErrorEvent) -> Problem | None:
        """Return what to tell if the error is about a configuration of ours, which the server then drops whole."""
        if event.event_id not in self._updates:
            return None
        del self._updates[event.event_id]
        param = event.param or "it does not say which"
        facts = self._facts | {"param": param}
        if setting := next((name for part, name in _SETTINGS.items() if part in param), None):
            facts["setting"] = setting
        return Problem("update-rejected", words(event), facts)

    async def seed(self, items: Iterable[Item], owed: OpenTurn | None) -> None:
        """Give the server the conversation so far, as text, and ask for the reply that is still owed."""
        for item in items:
            await self._give(item.id, item.role, item.text)
        if owed:
            self.owed = owed
            await self._ask()

    async def converse(
        self,
        outbox: Outbox,
        handle: Callable[[ServerEvent], Awaitable[None]],
        sent: Callable[[Entry], None],
        leave: asyncio.Event,
    ) -> None:
        """Send what is in the outbox and handle what comes, until `leave` is set; raises what ends it otherwise."""
        receiving = asyncio.create_task(self._receive_loop(handle), name="realtime receive")
        sending = asyncio.create_task(self._send_loop(outbox, sent), name="realtime send")
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

    # What we say.

    async def _send_loop(self, outbox: Outbox, sent: Callable[[Entry], None]) -> None:
        while True:
            entry = await outbox.get()
            match entry:
                case Sound():
                    # Recorded first: what a broken send held must be said again.
                    self.tape.record(entry)
                    self.turns.audio_clock.passed(audio.milliseconds(entry.pcm), entry.arrived)
                    self._trim_tape()
                    await self._transport.send(client.input_audio_buffer_append(entry.pcm))
                    continue  # nobody asks
                case Commit():
                    self.tape.record(entry)
                    self.turns.commit()
                    await self._transport.send(client.input_audio_buffer_commit(next(self._ids)))
                    await self._ask()
                case Message(item_id, text):
                    await self._write(item_id, text)
                case Interrupt():
                    await self._interrupt()
                case Reconfigure(config):
                    await self._update(config)
                    self.turns.silence_ms = _silence_ms(config)
                    if self.turns.silence_ms is None:  # what was heard so far is part of no turn by hand
                        await self._transport.send(client.input_audio_buffer_clear(next(self._ids)))
            sent(entry)

    async def _update(self, config: SessionConfig) -> ClientEvent:
        event_id = next(self._ids)
        self._updates[event_id] = config
        update = client.session_update(config, event_id, self._dialect)
        await self._transport.send(update)
        return update

    def _confirm(self) -> None:
        """The server has done what we asked for first."""
        if self._updates:
            self.config = self._updates.pop(next(iter(self._updates)))

    async def _give(self, item_id: str, role: str, text: str) -> None:
        if item_id not in self._given:
            self._given.add(item_id)
            self._echoes.append(text)
            event = client.conversation_item_create(item_id, role, text, next(self._ids), self._dialect)
            await self._transport.send(event)

    async def _ask(self) -> None:
        await self._transport.send(client.response_create(next(self._ids)))

    async def _write(self, item_id: str, text: str) -> None:
        """Say something in writing and ask for the reply: at once, or when the running one has ended."""
        self._ask_later = await self._interrupt()
        place_ms = self.unanswered_ms
        self.turns.ask(item_id, place_ms, time.monotonic())
        await self._give(item_id, "user", text)
        if not self._ask_later:
            await self._ask()

    async def _interrupt(self) -> bool:
        """Cancel the response that is being written, or is about to be; False if there is none."""
        match self.turns.replying:
            case None:
                return False
            case "":
                self._cancel_next = True
            case _:
                await self._cancel()
        return True

    async def _cancel(self) -> None:
        self.interrupted, self._cancel_next = True, False
        await self._transport.send(client.response_cancel(next(self._ids)))

    def _trim_tape(self) -> None:
        """Once a second, let go of what will not be needed again."""
        if self.tape.end_ms - self._trimmed_ms >= 1000:
            self._trimmed_ms = self.tape.end_ms
            self.tape.forget_until(self.unanswered_ms)

    # What the server says.

    async def _receive_loop(self, handle: Callable[[ServerEvent], Awaitable[None]]) -> None:
        said: server.ErrorEvent | None = None
        try:
            async for message in self._transport:
                event = parse(message)
                said = event if isinstance(event, server.ErrorEvent) else None
                if not self._is_echo(event):
                    await handle(event)
                if isinstance(event, server.SessionUpdated):
                    self._confirm()
                elif isinstance(event, server.ResponseCreated) and self._cancel_next:
                    await self._cancel()
                elif isinstance(event, server.ResponseDone):
                    self.interrupted = False
                    if self._ask_later:
                        self._ask_later = False
                        await self._ask()
        except SessionError as error:
            raise explained(error, said) from error

    def _is_echo(self, event: ServerEvent) -> bool:
        """Whether the event only tells of an item that we gave the server ourselves."""
        if isinstance(event, server.ItemAdded) and self._echoes and event.text == self._echoes[0]:
            self._echoes.popleft()
            return True
        return False


def _silence_ms(config: SessionConfig) -> int | None:
    """Return what the server waits for after speech; 0 where that is its secret, None where the speaker ends turns."""
    return {"server_vad": config.silence_ms, "none": None}.get(config.turn_detection, 0)


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()
