"""One tab's realtime session: chunks out, events in, the timing of turns. Knows no page and no microphone.

`RealtimeSession` is an asynchronous iterator over what a page wants to know: states, items that changed, turns that
were timed, problems. `start`, `stop` and `append_audio` never wait. A connection is open from Start until the last
reply after Stop is written; the next Start opens a new one and gives it the conversation so far.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from itertools import count

from voice_ui import audio
from voice_ui.conversation import Conversation, Item
from voice_ui.diagnosis import explained, problem_of, words
from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.latency import Stage, TurnTimer
from voice_ui.outbox import Flush, Outbox, Sound
from voice_ui.protocol import ServerEvent, SessionConfig, client, parse, server
from voice_ui.state import PATIENCE, Input, State, after
from voice_ui.transport import Transport
from voice_ui.turns import Turns

CONFIGURE_SECONDS = 10.0
"""From the open connection to `session.updated`; nothing is sent before that confirms what we asked for."""

EVENTS_KEPT = 1000
"""Events a page may be behind; the connection is not read any further until it catches up."""

_log = logging.getLogger("voice_ui.session")


@dataclass(frozen=True)
class StateChanged:
    state: State


@dataclass(frozen=True)
class ItemChanged:
    item: Item


@dataclass(frozen=True)
class TurnTimed:
    """The first text of a turn has arrived."""

    timer: TurnTimer


@dataclass(frozen=True)
class ProblemRaised:
    problem: Problem


SessionEvent = StateChanged | ItemChanged | TurnTimed | ProblemRaised

Connect = Callable[[], AbstractAsyncContextManager[Transport]]


class RealtimeSession:
    """The session of one conversation, over as many connections as it takes."""

    def __init__(
        self,
        connect: Connect,
        config: SessionConfig,
        *,
        server_name: str = "the server",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.conversation = Conversation()
        self.state = State.IDLE
        self.unknown_events: Counter[str] = Counter()
        """Events of the server that were no use, by type or by what was wrong with them."""
        self._connect = connect
        self._config = config
        self._facts = {"server": server_name}
        self._clock = clock
        self._events: asyncio.Queue[SessionEvent] = asyncio.Queue(EVENTS_KEPT)
        self._task: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._ids = (f"voice_ui_{number}" for number in count(1))
        self._begin()

    def _begin(self) -> None:
        """Reset what belongs to one connection."""
        self._outbox = Outbox()
        self._turns = Turns(self._config.silence_ms if self._config.turn_detection == "server_vad" else 0)
        self._resampler: tuple[int, audio.Resampler] | None = None
        self._flush: Flush | None = None  # put into the outbox by the last Stop
        self._flushed_at: float | None = None  # when all that was said before it had been sent
        self._over = asyncio.Event()
        self._seeds: deque[Item] = deque()

    # What a page calls.

    def start(self) -> None:
        """Begin to listen; opens a connection unless the last one still finishes a reply."""
        if self.state.at_rest:
            self._begin()
            self._step(Input.START)
            self._task = asyncio.create_task(self._run(), name="realtime session")
        else:
            self._flush = None
            self._step(Input.START)

    def stop(self) -> None:
        """Stop listening; what was said up to now is still answered, and the running reply finishes."""
        if not self.state.capturing:
            return
        if self._resampler:
            self._put_audio(self._resampler[1].process(b"", last=True))
            self._resampler = None
        self._end_turn()
        self._step(Input.STOP)

    def dismiss(self) -> None:
        """Leave the error state; the person has read it."""
        self._step(Input.DISMISSED)

    def abort(self) -> None:
        """End the connection because of a problem that lies elsewhere, and is told elsewhere: no microphone, say."""
        self._hang_up()
        self._step(Input.FAILED)

    def append_audio(self, pcm: bytes, rate: int = audio.SAMPLE_RATE) -> None:
        """Take in mono 16-bit PCM at `rate` hertz; ignored unless capturing. Never waits."""
        if not self.state.capturing:
            return
        if rate != audio.SAMPLE_RATE:
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, audio.Resampler(rate))
            pcm = self._resampler[1].process(pcm)
        self._put_audio(pcm)

    async def close(self) -> None:
        """Let go of everything; the iteration does not end by itself."""
        task = self._task
        self._hang_up()
        if task:
            await asyncio.gather(task, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Yield what happens, for ever; one reader."""
        while True:
            yield await self._events.get()

    # The connection.

    async def _run(self) -> None:
        try:
            async with self._connect() as transport:
                await self._configure(transport)
                self._seed()
                self._step(Input.CONFIGURED)
                await self._converse(transport)
        except SessionError as error:
            _log.warning("session ended: %s", error)
            self._report(error.problem)
            self._step(Input.FAILED)
        except Exception as error:
            _log.exception("session ended by a mistake of ours")
            self._report(Problem("program-error", type(error).__name__))
            self._step(Input.FAILED)

    async def _configure(self, transport: Transport) -> None:
        """Ask for our configuration and wait until the server confirms it: a refused one is dropped whole."""
        event_id = next(self._ids)
        said: server.ErrorEvent | None = None
        try:
            async with asyncio.timeout(CONFIGURE_SECONDS):
                async for message in transport:
                    match event := parse(message):
                        case server.SessionCreated():
                            await transport.send(client.session_update(self._config, event_id))
                        case server.SessionUpdated():
                            return
                        case server.ErrorEvent() if event.event_id == event_id:
                            param = event.param or "one of its fields"
                            raise Refused("update-rejected", words(event), param=param, **self._facts)
                        case server.ErrorEvent():
                            said = event  # a close that says why is about to follow, or it was nothing
                        case _:
                            self._count(event)
        except TimeoutError as error:
            detail = "no session.updated" if said is None else words(said)
            raise ConnectionFailed(
                "server-timeout", detail, seconds=f"{CONFIGURE_SECONDS:.0f}", **self._facts
            ) from error
        except SessionError as error:
            raise explained(error, said) from error

    def _seed(self) -> None:
        """Give a new connection the conversation so far, as text."""
        self._seeds.extend(item for item in self.conversation.items if item.text and item.status != "failed")
        self._outbox.put_first(
            client.conversation_item_create(item.id, item.role, item.text, next(self._ids)) for item in self._seeds
        )

    async def _converse(self, transport: Transport) -> None:
        """Send and receive until the session is idle; raises what ends it otherwise."""
        receiving = asyncio.create_task(self._receive_loop(transport), name="realtime receive")
        sending = asyncio.create_task(self._send_loop(transport), name="realtime send")
        over = asyncio.create_task(self._until_over(), name="realtime over")
        try:
            await asyncio.wait((receiving, sending, over), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not over.done():
                # The receiver knows better why the connection ended: the server may have said so.
                await asyncio.wait((receiving,), timeout=1)
            for task in (receiving, sending):
                if task.done():
                    task.result()
        finally:
            for task in (receiving, sending, over):
                task.cancel()
            await asyncio.gather(receiving, sending, over, return_exceptions=True)

    async def _until_over(self) -> None:
        await self._over.wait()

    async def _send_loop(self, transport: Transport) -> None:
        while True:
            match await self._outbox.get():
                case Sound(pcm, arrived):
                    self._turns.audio_clock.passed(audio.milliseconds(pcm), arrived)
                    await transport.send(client.input_audio_buffer_append(pcm))
                case Flush() as flush if flush is self._flush:
                    self._flushed_at = self._clock()
                    self._wait_patiently()
                case dict() as event:
                    await transport.send(event)

    async def _receive_loop(self, transport: Transport) -> None:
        said: server.ErrorEvent | None = None
        try:
            async for message in transport:
                event = parse(message)
                said = event if isinstance(event, server.ErrorEvent) else None
                self._handle(event)
                for item in self._changed_by(event):
                    await self._events.put(ItemChanged(replace(item)))
        except SessionError as error:
            raise explained(error, said) from error

    # What the server says.

    def _changed_by(self, event: ServerEvent) -> list[Item]:
        match event:
            case server.ItemAdded(text=text) if self._seeds and text == self._seeds[0].text:
                self._seeds.popleft()  # the echo of what we gave it
                return []
        return self.conversation.apply(event)

    def _handle(self, event: ServerEvent) -> None:
        if isinstance(event, server.Unknown | server.Malformed):
            self._count(event)
        if problem := problem_of(event, self._facts):
            self._report(problem)
        untimed = Stage.FIRST_TEXT not in self._turns.timer.moments
        if step := self._turns.apply(event, self._clock()):
            if step is Input.TEXT:
                if untimed and self._turns.timer.first_text_ms is not None:
                    self._say(TurnTimed(self._turns.timer))
                self._wait_patiently()  # for the next word
            elif isinstance(event, server.ResponseDone):
                self._log_turn(event.status)
            self._step(step)

    # Inside.

    def _put_audio(self, pcm: bytes) -> None:
        lost_before = self._outbox.dropped_ms
        self._outbox.put(Sound(pcm, self._clock()))
        if self._outbox.dropped_ms > lost_before:
            seconds = f"{self._outbox.dropped_ms / 1000:.1f}"
            self._report(Problem("audio-dropped", facts={"seconds": seconds, **self._facts}))

    def _end_turn(self) -> None:
        """Make the server see that the speaker has finished.

        Where it detects turns it must not be told (a commit of a buffer it took already is an error), but it can be
        shown: with silence behind it, speech ends. Where it does not, we commit and ask for the reply.
        """
        if self._config.turn_detection == "none":
            if self._turns.audio_clock.stream_ms + self._outbox.audio_ms >= 100:  # less is refused as empty
                self._outbox.put(client.input_audio_buffer_commit(next(self._ids)))
                self._outbox.put(client.response_create(next(self._ids)))
        else:
            self._outbox.put(Sound(audio.silence(self._config.silence_ms + 500), self._clock()))
        self._flush, self._flushed_at = Flush(), None
        self._outbox.put(self._flush)

    def _step(self, event: Input) -> None:
        before, self.state = self.state, after(self.state, event)
        if self.state == before:
            return
        self._wait_patiently()
        if self.state is State.IDLE:
            self._over.set()
        self._say(StateChanged(self.state))

    def _wait_patiently(self) -> None:
        """Arm the timer of the state; what comes after Stop has its time from when all was sent."""
        self._stop_waiting()
        seconds = PATIENCE.get(self.state)
        if seconds is None:
            return
        if self.state is State.SETTLING:
            if self._flushed_at is None:
                return
            seconds = max(0.0, self._flushed_at + seconds - self._clock())
        self._patience = asyncio.get_running_loop().call_later(seconds, self._lose_patience, seconds)

    def _lose_patience(self, seconds: float) -> None:
        if self.state in {State.THINKING, State.THINKING_LAST}:
            self._report(Problem("response-missing", facts={"seconds": f"{seconds:.0f}", **self._facts}))
        elif self.state in {State.ANSWERING, State.ANSWERING_LAST}:
            self._report(Problem("response-incomplete", f"no word for {seconds:.0f} s", self._facts))
        self._step(Input.WAITED)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def _hang_up(self) -> None:
        self._stop_waiting()
        if self._task:
            self._task.cancel()
            self._task = None

    def _report(self, problem: Problem) -> None:
        _log.info("problem: %s", problem.code)
        self._say(ProblemRaised(problem))

    def _say(self, event: SessionEvent) -> None:
        with suppress(asyncio.QueueFull):  # nobody has read for a thousand events: nobody is there
            self._events.put_nowait(event)

    def _count(self, event: ServerEvent) -> None:
        match event:
            case server.Unknown(name):
                self.unknown_events[name[:80]] += 1
            case server.Malformed(reason):
                self.unknown_events[reason] += 1
            case _:
                self.unknown_events[type(event).__name__] += 1

    def _log_turn(self, status: str) -> None:
        first = self._turns.timer.first_text_ms
        _log.info("turn %s: first text after %s ms", status, "?" if first is None else f"{first:.0f}")
