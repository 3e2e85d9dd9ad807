"""One connection: configured, given the conversation so far, then sending and receiving until it is closed or lost.

All state of a connection lives here and in its `Exchange`. Audio and messages come from the stream, in order; urgent
events (a cancel, a changed configuration) bypass it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator
from dataclasses import replace

from voice_ui import audio
from voice_ui.conversation import Item
from voice_ui.errors import Problem, SessionError
from voice_ui.protocol import ClientEvent, ServerEvent, SessionConfig, WireItem, client, server
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.configure import REASON_SECONDS, configure
from voice_ui.session.entries import SHORTEST_TURN_MS, Audio, Clear, Commit, Message, Outputs, StreamEntry
from voice_ui.session.event_transport import EventTransport
from voice_ui.session.exchange import Exchange
from voice_ui.session.stream import Stream
from voice_ui.session.turns import ResponseBegan, Turn, TurnEnded
from voice_ui.transport.interface import PATIENCE_SECONDS

BUSY_SECONDS = 26.0
"""`PATIENCE_SECONDS` while a reply is awaited: servers that compute it in one thread answer no ping (11 s seen). Less
than `progress.REPLY_SECONDS`: if the connection is gone, the turn is delivered again and not given up."""

TRIM_MS = 1000.0
"""How often to drop audio that is no longer needed."""

Handle = Callable[[ServerEvent], Awaitable[None]]


class Link:
    """A connection of a session."""

    def __init__(
        self,
        events: EventTransport,
        endpoint: Endpoint,
        config: SessionConfig,
        stream: Stream,
        ids: Iterator[str],
        clock: Callable[[], float],
        on_mark: Callable[[StreamEntry], object],
        may_ask: Callable[[], bool],
    ) -> None:
        """`ids` yields ids for events we send; `clock` returns seconds; `on_mark` is called after a mark was sent.

        `may_ask` is called before a reply is asked for.
        """
        self._urgent: asyncio.Queue[ClientEvent] = asyncio.Queue()  # few: each is an answer to one event, or one press
        self.exchange = Exchange(config, stream, ids, clock, send=self._urgent.put_nowait, may_ask=may_ask)
        self.turns, self.responses = self.exchange.turns, self.exchange.responses
        self.expires_in: float | None = None
        """Seconds from its beginning until the server ends the session, where it says so."""
        self.differs: str | None = None
        """A field that the server confirmed with another value."""
        self._events, self._transport = events, events.transport
        self._endpoint = endpoint
        self._stream, self._ids, self._clock, self._on_mark = stream, ids, clock, on_mark
        self._updates: dict[str, SessionConfig] = {}  # sent and not confirmed yet, by the id of the event
        self._given = self.exchange.given
        self._spoken: set[str] = set()  # ids of the items of which audio came
        self._committed_ms, self._trim_at_ms = 0.0, TRIM_MS

    @property
    def config(self) -> SessionConfig:
        """The last confirmed configuration."""
        return self.exchange.config

    @property
    def round_trip_ms(self) -> float | None:
        """The last measured round trip to the server."""
        return self._transport.round_trip_ms

    @property
    def problem(self) -> Problem | None:
        """A problem to report even though the connection works."""
        return self._transport.problem

    @property
    def has_updates(self) -> bool:
        """Whether a configuration was sent that is neither confirmed nor refused."""
        return bool(self._updates)

    @property
    def has_spoken(self) -> bool:
        """Whether the model has spoken; the voice of a session cannot be changed after that (openai 3.54,
        types/realtime/realtime_audio_config_output.py)."""
        return bool(self._spoken)

    @property
    def is_at_image(self) -> bool:
        """Whether the server was given an image and has said nothing since."""
        return self._given.is_at_image

    def has_received(self, moment: float) -> bool:
        """Whether the server is known to have received everything sent before that moment."""
        return self._transport.alive_at >= moment

    @property
    def unanswered_ms(self) -> float:
        """The position in the audio after which something may be unanswered."""
        return self.turns.unanswered_ms(self._transport.alive_at)

    def spoken_until(self, turn: Turn) -> float | None:
        """Return when the last words of a turn were captured: the silence that ended it is no part of them."""
        silence_ms = self.config.silence_ms if self.config.turn_detection == "server_vad" else 0
        return self._stream.captured_at(max(0.0, turn.end_ms - silence_ms))

    # Before audio is sent.

    async def configure(self) -> None:
        """Send our configuration and wait until it is confirmed; raises Refused or ConnectionFailed."""
        event_id = next(self._ids)
        self.expires_in, self.differs = await configure(self._events, self._endpoint, self.config, event_id)

    async def seed(self, items: Iterable[Item], unanswered_calls: Container[str] = ()) -> None:
        """Give the server the conversation so far, as text; the outputs of `unanswered_calls` follow later."""
        for event in self._given.seed(items, unanswered_calls):
            await self._events.send(event)

    # Both directions.

    async def converse(self, handle: Handle) -> None:
        """Send and receive until cancelled; raises when the connection ends."""
        loops = [
            asyncio.create_task(loop, name=f"realtime {name}")
            for name, loop in (
                ("receive", self._receive_loop(handle)),
                ("send", self._send_loop()),
                ("send urgent", self._send_urgent_loop()),
            )
        ]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            if loops[0] not in ended:
                # The receiver knows better why the connection ended: the server may have said so.
                await asyncio.wait(loops[:1], timeout=REASON_SECONDS)
            for loop in (loops[0], *ended):
                if loop.done():
                    loop.result()
        finally:
            self.exchange.close()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    def truncate(self, item_id: str, heard_ms: int) -> None:
        """Tell the server how much of a spoken item was heard; otherwise it assumes all of it."""
        if item_id in self._spoken:
            wire_id = self.exchange.names.wire_id(item_id)
            event = client.ConversationItemTruncate(wire_id, 0, heard_ms, event_id=next(self._ids))
            self._urgent.put_nowait(event)

    def answer_hosted(self, request_id: str, *, approve: bool) -> None:
        """Answer a server that asks whether it may run a hosted tool."""
        item_id, event_id = next(self._ids), next(self._ids)
        item = WireItem(item_id, "mcp_approval_response", approval_request_id=request_id, approve=approve)
        self._urgent.put_nowait(client.ConversationItemCreate(item, event_id=event_id))

    def reconfigure(self, config: SessionConfig) -> None:
        """Send another configuration, with the old voice once the model has spoken: servers refuse a new one."""
        if self.has_spoken:
            config = replace(config, voice=self.config.voice)
        self._urgent.put_nowait(self._update(config.after(self.config)))
        by_hand = config.turn_detection == "none"
        if by_hand == self.turns.by_hand:
            return
        self.turns.by_hand = by_hand
        self.turns.forget_speech()
        self.exchange.hand_over()
        self._stream.append(Clear())  # what was heard so far is part of no turn that ends in the other way

    def refusal(self, event: server.ErrorEvent) -> Problem | None:
        """Return the problem if the error is about a configuration of ours, which the server then drops whole."""
        event_id = event.event_id
        if event_id is None and (event.param or "").startswith("session"):  # not every server names the event
            event_id = next(iter(self._updates), None)
        if event_id is None or event_id not in self._updates:
            return None
        del self._updates[event_id]
        self.turns.by_hand = self.config.turn_detection == "none"
        self.exchange.hand_over()
        return diagnosis.update_rejected(event, self._endpoint)

    def refused_image(self, event: server.ErrorEvent) -> str | None:
        """Return the item whose image the error is about, if it is."""
        return self._given.refused_image(event)

    def expects(self, event: server.ErrorEvent) -> bool:
        """Take in an error that answers an event of ours and changes what we do; False if it is none of these."""
        return self._given.expects(event) or self.exchange.expects(event)

    def apply(self, event: ServerEvent) -> list[TurnEnded | ResponseBegan]:
        """Bring turns, responses and configuration up to date; return what began or ended (most events: nothing)."""
        if isinstance(event, server.AudioDelta):
            self._spoken.add(event.item_id)
        elif isinstance(event, server.SessionUpdated) and self._updates:
            self.exchange.config = self._updates.pop(next(iter(self._updates)))
            self.exchange.hand_over()
        news = self.exchange.apply(event)
        self._be_patient()
        return news

    def _be_patient(self) -> None:
        self._transport.patience = BUSY_SECONDS if self.turns.are_unanswered else PATIENCE_SECONDS

    async def _send_loop(self) -> None:
        while True:
            await self._stream.filled()
            match entry := self._stream.send_next(self._clock()):
                case Audio(pcm):
                    if self._stream.sent_ms >= self._trim_at_ms:
                        self._trim()
                    await self._events.send(client.InputAudioBufferAppend(audio.encode(pcm)))
                    continue
                case Clear():
                    self._committed_ms = entry.end_ms
                    while not self._urgent.empty():  # turns by hand are asked for first
                        await self._events.send(self._urgent.get_nowait())
                    await self._events.send(client.InputAudioBufferClear(event_id=next(self._ids)))
                case Commit() if not self._may_commit(entry):
                    self._stream.answer(entry)
                case Commit():
                    await self._events.send(self.exchange.commit(entry))
                    if entry.wants_reply:
                        self.exchange.want()
                case Message(item_id, text, image):
                    if entry.wants_reply:
                        entry.attempts += 1
                        self.turns.ask(entry)
                    for message in self._given.message(item_id, "user", text, image):
                        await self._events.send(message)
                    if not entry.wants_reply:
                        self._stream.answer(entry)
                    elif self.turns.are_about(entry):  # or it was taken back meanwhile
                        self.exchange.want()
                case Outputs():
                    self.exchange.take_outputs(entry)
            self.exchange.wait_for_slot()
            self._be_patient()
            self._on_mark(entry)

    def _may_commit(self, commit: Commit) -> bool:
        """Whether there is audio to commit: turn detection may have changed since it was said."""
        before_ms, self._committed_ms = self._committed_ms, commit.end_ms
        return self.turns.by_hand and commit.end_ms - before_ms >= SHORTEST_TURN_MS

    async def _send_urgent_loop(self) -> None:
        while True:
            await self._events.send(await self._urgent.get())

    async def _receive_loop(self, handle: Handle) -> None:
        said: server.ErrorEvent | None = None
        try:
            async for event in self._events:
                self._given.is_at_image = False
                said = event if isinstance(event, server.ErrorEvent) else None
                if not (self._given.items and self._given.is_echo(event)):
                    await handle(event)
        except SessionError as error:
            if said is None:
                raise
            raise diagnosis.explained(error, diagnosis.ended(said, error, self._endpoint)) from error

    def _update(self, config: SessionConfig) -> ClientEvent:
        event_id = next(self._ids)
        self._updates[event_id] = config
        return client.SessionUpdate(config, event_id=event_id)

    def _trim(self) -> None:
        self._trim_at_ms = self._stream.sent_ms + TRIM_MS
        self._stream.trim(self.unanswered_ms)
