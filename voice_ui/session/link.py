"""One connection: configured, given the conversation so far, then sending and receiving until it is closed or lost.

All state of a connection lives here. Audio and messages come from the stream, in order; urgent events (a cancel, a
changed configuration) bypass it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator
from dataclasses import replace

from voice_ui import audio
from voice_ui.conversation import Item
from voice_ui.errors import Problem, SessionError
from voice_ui.protocol import ClientEvent, ServerEvent, SessionConfig, client, server
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.brake import Brake
from voice_ui.session.configure import REASON_SECONDS, configure
from voice_ui.session.event_transport import EventTransport
from voice_ui.session.given import Given
from voice_ui.session.intake import SHORTEST_TURN_MS
from voice_ui.session.responses import Action, Responses
from voice_ui.session.stream import Audio, Clear, Commit, Entry, Message, Outputs, Stream
from voice_ui.session.timer import Timer
from voice_ui.session.turns import ResponseBegan, Turn, TurnEnded, Turns
from voice_ui.transport.interface import PATIENCE_SECONDS

BUSY_SECONDS = 26.0
"""`PATIENCE_SECONDS` while a reply is awaited: servers that compute it in one thread answer no ping (11 s seen). Less
than `patience.REPLY_SECONDS`: if the connection is gone, the turn is delivered again and not given up."""

UNANNOUNCED_SECONDS = 3.0
"""A response that the server creates by itself is announced within this time, and one that was cancelled ends; after
it we ask for what we want."""

TRIM_MS = 1000.0
"""How often to drop audio that is no longer needed."""

_OF_A_RESPONSE = (
    server.ReplyTextDelta,
    server.ReplyTextDone,
    server.AudioDelta,
    server.OutputItemAdded,
    server.OutputItemDone,
    server.ResponseDone,
)

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
        on_mark: Callable[[Entry], object],
        may_ask: Callable[[], bool],
    ) -> None:
        """`ids` yields ids for events we send; `clock` returns seconds; `on_mark` is called after a mark was sent.

        `may_ask` is called before a reply is asked for.
        """
        self.config = config
        """The last confirmed configuration."""
        self.turns = Turns(stream, by_hand=config.turn_detection == "none")
        self.responses = Responses()
        self.expires_in: float | None = None
        """Seconds from its beginning until the server ends the session, where it says so."""
        self.held = False
        """Whether the push-to-talk button is held."""
        self.spoken_over: list[Turn] | None = None
        """The turns that were said over a reply, while it is not decided whether they cut it short; else None."""
        self.differs: str | None = None
        """A field that the server confirmed with another value."""
        self._events, self._transport = events, events.transport
        self._endpoint = endpoint
        self._stream, self._ids, self._clock, self._on_mark, self._may_ask = stream, ids, clock, on_mark, may_ask
        self._urgent: asyncio.Queue[ClientEvent] = asyncio.Queue()  # few: each is an answer to one event, or one press
        self._updates: dict[str, SessionConfig] = {}  # sent and not confirmed yet, by the id of the event
        self._commits: dict[str, Commit] = {}  # by the id of the event
        self._given = Given(ids, self.turns.arrive)
        self._spoken: set[str] = set()  # ids of the items of which audio came
        self._outputs: list[Outputs] = []  # of tools, until the slot for a response is free and nobody speaks
        self._unannounced = Timer()
        self._committed_ms, self._trim_at_ms = 0.0, TRIM_MS

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
        confirmed = await configure(self._events, self._endpoint, self.config, event_id)
        self.expires_in, self.differs = confirmed.expires_in, confirmed.differs

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
            self._unannounced.stop()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    def interrupt(self) -> None:
        """Interrupt the running or expected reply."""
        action = self.responses.interrupt()
        self._drop_turns()
        self._act(action)

    @property
    def is_replying(self) -> bool:
        """Whether a reply is being written, or expected, that is not one to what is said over it."""
        is_theirs = any(turn.response_id == self.responses.active for turn in self.spoken_over or ())
        is_expected_for_them = self.responses.active == "" and bool(self.spoken_over)
        return self.responses.active is not None and not (self.responses.cancelled or is_theirs or is_expected_for_them)

    def cut_short(self) -> None:
        """What was said over the reply cuts it short, and is answered."""
        if self.is_replying:
            self._act(self.responses.interrupt())
        if any(turn.is_refused and turn.response_id is None for turn in self._unanswered_over):
            self._act(self.responses.want_for_speech())
            self._wait_for_slot()
        self.spoken_over = None

    def ignore(self, item_id: str) -> None:
        """What was said over the reply is nothing to be answered."""
        for turn in self._unanswered_over:
            if turn.item_id == item_id:
                is_answered = turn.response_id is not None and turn.response_id == self.responses.active
                is_expected = self.responses.active == "" and self.turns.awaited == [turn]
                if is_answered or is_expected:
                    self._act(self.responses.interrupt())
                if turn in self.turns.open:
                    self.turns.drop(turn)

    @property
    def _unanswered_over(self) -> list[Turn]:
        return [turn for turn in self.spoken_over or () if turn in self.turns.open]

    def truncate(self, item_id: str, heard_ms: int) -> None:
        """Tell the server how much of a spoken item was heard; otherwise it assumes all of it."""
        if item_id in self._spoken:
            event = client.ConversationItemTruncate(item_id, 0, heard_ms, next(self._ids))
            self._urgent.put_nowait(event)

    def release_outputs(self) -> None:
        """Give the server the outputs of tools that wait for the slot, and ask for no reply to them."""
        self.responses.want_no_more_in_quiet()
        for entry in self._outputs:
            self._give_outputs(entry)
            self._stream.answer(entry)
        self._outputs.clear()

    def hand_over(self) -> None:
        """Ask for a reply to outputs of tools; they wait until nobody speaks, and for the slot."""
        self.responses.quiet = not self.turns.speaking and not self.held
        if self._outputs:
            self._act(self.responses.want_in_quiet())
            self._wait_for_slot()

    def say(self, event: ClientEvent) -> None:
        """Send an event that is not part of the stream."""
        self._urgent.put_nowait(event)

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
        if by_hand:  # what was heard so far is part of no turn by hand
            self._stream.append(Clear())

    def give_up(self) -> None:
        """Stop waiting for the reply."""
        self._drop_turns()
        self._act(self.responses.interrupt() if self.responses.active else self.responses.free())

    def _drop_turns(self) -> None:
        for turn in list(self.turns.open):
            self.turns.drop(turn)
        self.turns.answer(None)

    def refusal(self, event: server.ErrorEvent) -> Problem | None:
        """Return the problem if the error is about a configuration of ours, which the server then drops whole."""
        if event.event_id is None or event.event_id not in self._updates:
            return None
        del self._updates[event.event_id]
        self.turns.by_hand = self.config.turn_detection == "none"
        return diagnosis.update_rejected(event, self._endpoint)

    def refused_image(self, event: server.ErrorEvent) -> str | None:
        """Return the item whose image the error is about, if it is."""
        return self._given.refused_image(event)

    def expects(self, event: server.ErrorEvent) -> bool:
        """Take in an error that answers an event of ours and changes what we do; False if it is none of these."""
        if self._given.expects(event):
            return True
        is_taken = event.code == "conversation_already_has_active_response"
        if is_taken and not event.event_id and not self.config.interrupts_at_once and self._is_taken_care_of:
            return True
        if is_taken and not event.event_id and self.turns.awaited:
            # The server could not reply to what was just said, because a response runs that began meanwhile.
            self._act(self.responses.interrupt())
            self._act(self.responses.want())
            self._wait_for_slot()
            return True
        if self.responses.is_ours(event.event_id):
            self._act(self.responses.refused(is_taken=is_taken))
            self._wait_for_slot()
            return is_taken
        if event.event_id and event.event_id in self._commits:
            self.turns.refuse_commit(self._commits.pop(event.event_id))
            return event.code in diagnosis.NOTHING_TO_DO
        return False

    @property
    def _is_taken_care_of(self) -> bool:
        """Whether a turn to which the server could not reply is asked about when it is decided, or is already."""
        return self.spoken_over is not None or self.responses.is_blocked or not self.turns.awaited

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
                    await self._events.send(client.InputAudioBufferClear(next(self._ids)))
                case Commit() if not self._may_commit(entry):
                    self._stream.answer(entry)
                case Commit():
                    event_id = next(self._ids)
                    self._commits[event_id] = entry
                    self.turns.ask(entry)
                    await self._events.send(client.InputAudioBufferCommit(event_id))
                    self._act(self.responses.want())
                case Message(item_id, text, image):
                    if entry.wants_reply:
                        entry.attempts += 1
                        self.turns.ask(entry)
                    for message in self._given.message(item_id, "user", text, image):
                        await self._events.send(message)
                    if entry.wants_reply:
                        self._act(self.responses.want())
                    else:
                        self._stream.answer(entry)
                case Outputs(wants_reply=True):
                    self._outputs.append(entry)
                    self.hand_over()
                case Outputs():
                    self._give_outputs(entry)
                    self._stream.answer(entry)
            self._wait_for_slot()
            self._on_mark(entry)

    def _may_commit(self, commit: Commit) -> bool:
        """Whether there is audio to commit: turn detection may have changed since it was said."""
        before_ms, self._committed_ms = self._committed_ms, commit.end_ms
        return self.turns.by_hand and commit.end_ms - before_ms >= SHORTEST_TURN_MS

    def _wait_for_slot(self) -> None:
        if self.responses.is_stuck:
            self._unannounced.set(UNANNOUNCED_SECONDS, self._ask_anyway)

    def _ask_anyway(self) -> None:
        """The response that holds the slot was never announced, or never ended when it was cancelled."""
        if self.responses.is_stuck:
            self._act(self.responses.free())

    async def _send_urgent_loop(self) -> None:
        while True:
            await self._events.send(await self._urgent.get())

    async def _receive_loop(self, handle: Handle) -> None:
        said: server.ErrorEvent | None = None
        brake = Brake()
        try:
            async for event in self._events:
                said = event if isinstance(event, server.ErrorEvent) else None
                if not (self._given.items and self._given.is_echo(event)):
                    await handle(event)
                if brake.is_flood():
                    await brake.slow_down()
        except SessionError as error:
            if said is None:
                raise
            raise diagnosis.explained(error, diagnosis.ended(said, error, self._endpoint)) from error

    def identified(self, event: ServerEvent) -> ServerEvent:
        """Return the event with the id of its response; where a server leaves it out, it is the one that runs."""
        if isinstance(event, _OF_A_RESPONSE) and not event.response_id and self.responses.active:
            return replace(event, response_id=self.responses.active)
        return event

    def apply(self, event: ServerEvent) -> list[TurnEnded | ResponseBegan]:
        """Bring turns and responses up to date; return what began or ended (most events: nothing)."""
        news: list[TurnEnded | ResponseBegan] = []
        match event:
            case server.ReplyTextDelta(response_id) | server.ReplyTextDone(response_id):
                news = self._announce(response_id)
                self.responses.wrote(response_id)
            case server.AudioDelta(response_id, item_id):
                news = self._announce(response_id)
                self.responses.wrote(response_id)
                self._spoken.add(item_id)
            case server.OutputItemAdded(response_id):
                news = self._announce(response_id)
            case server.ResponseCreated(response_id):
                news = [self._begin_response(response_id)]
            case server.ResponseDone(response_id):
                news = self._announce(response_id)
                self.turns.answer(response_id or self.responses.active or "")
                self._act(self.responses.done(response_id))
            case server.SpeechStarted() if not self.turns.by_hand:  # else it crossed our change to turns by hand
                self.turns.begin_speech(event, self._clock())
                self.responses.begin_turn()
            case server.SpeechStopped():
                news = self._end_turn(self.turns.end_speech(event, self._clock()))
            case server.Committed(item_id):
                news = self._end_turn(self.turns.commit(item_id, self._clock()))
            case server.SessionUpdated() if self._updates:
                self.config = self._updates.pop(next(iter(self._updates)))
            case _:
                return news
        self._transport.patience = BUSY_SECONDS if self.turns.open else PATIENCE_SECONDS
        self.hand_over()
        return news

    def _end_turn(self, turn: Turn | None) -> list[TurnEnded | ResponseBegan]:
        if turn is None:
            return []
        if not self.turns.by_hand:
            self._await_response(turn)
        return [TurnEnded(turn)]

    def _await_response(self, turn: Turn) -> None:
        """A turn has ended at a server that replies by itself, unless a response runs that it does not cut short."""
        turn.is_refused = bool(self.responses.active) and not self.config.interrupts_at_once
        if self.spoken_over is not None:
            self.spoken_over.append(turn)
        if not turn.is_refused:
            self.responses.expect()
        elif self.spoken_over is None:
            if self.config.barge_in != "never":
                self._act(self.responses.interrupt())
            self._act(self.responses.want_for_speech())
            self._wait_for_slot()

    def _announce(self, response_id: str) -> list[TurnEnded | ResponseBegan]:
        """Take in the beginning of a response that the server has not announced."""
        is_expected = bool(response_id) or bool(self.turns.awaited)
        if self.responses.is_new(response_id) and is_expected:
            return [self._begin_response(response_id)]
        return []

    def _begin_response(self, response_id: str) -> ResponseBegan:
        began = self.turns.begin_response(response_id)
        self._act(self.responses.created(response_id))
        return began

    def _act(self, action: Action | None) -> None:
        match action:
            case Action.CREATE if not self._may_ask():
                self.responses.want_no_more_in_quiet()
                self.responses.interrupt()
                self.responses.free()
            case Action.CREATE:
                for entry in self._outputs:
                    entry.attempts += 1
                    self.turns.ask(entry)
                    self._give_outputs(entry)
                self._outputs.clear()
                event_id = next(self._ids)
                self.responses.asked(event_id)
                self._urgent.put_nowait(client.ResponseCreate(event_id))
            case Action.CANCEL:
                for turn in [turn for turn in self.turns.open if turn.response_id == self.responses.active]:
                    self.turns.drop(turn)
                self._urgent.put_nowait(client.ResponseCancel(next(self._ids), self.responses.active or None))

    def _update(self, config: SessionConfig) -> ClientEvent:
        event_id = next(self._ids)
        self._updates[event_id] = config
        return client.SessionUpdate(config, event_id)

    def _give_outputs(self, entry: Outputs) -> None:
        for call_id, output in entry.outputs:
            self._urgent.put_nowait(self._given.output(call_id, output))

    def _trim(self) -> None:
        self._trim_at_ms = self._stream.sent_ms + TRIM_MS
        self._stream.trim(self.unanswered_ms)
