"""One press of Start: a seat, a stream of what is said, and one connection after the other until all is answered.

`run` is the session's one task. It reads from top to bottom how a connection is made, lost, and made again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from functools import partial

from voice_ui import audio
from voice_ui.conversation import Change, Conversation
from voice_ui.errors import ConnectionFailed, Problem, SessionError
from voice_ui.protocol import ServerEvent, SessionConfig, server
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.attention import SILENT_SERVER_SECONDS, Attention
from voice_ui.session.budget import Budget, Limits, Seat
from voice_ui.session.events import StateChanged, TurnTimed, UsageCounted
from voice_ui.session.intake import Intake
from voice_ui.session.link import Link
from voice_ui.session.outage import Outage
from voice_ui.session.reports import Reports
from voice_ui.session.state import FAILED, IDLE, Phase, State
from voice_ui.session.stream import Commit, EndOfPress, Entry, Message, Stream
from voice_ui.session.timer import Timer
from voice_ui.session.timing import Timing
from voice_ui.session.tracer import traced
from voice_ui.session.turns import ResponseBegan, TurnEnded
from voice_ui.transport import Transport

REPLY_SECONDS = 30.0
"""Without a reply for this long it is not awaited any longer."""

TEXT_SECONDS = 60.0
"""The same for a reply of which nothing more comes."""

LAST_SPEECH_SECONDS = 10.0
"""After Stop, for speech that does not end: semantic turn detection waits up to 8 s (openai 3.54,
types/realtime/realtime_audio_input_turn_detection.py)."""

SETTLE_SECONDS = 1.0
"""After Stop, when all was sent: a server notices speech within this time."""

RENEW_MARGIN = 0.1
"""The share of a session's life before its end in which a quiet moment is used to begin a new one: 6 of 60 minutes at
OpenAI and Azure (protocol facts, section 3)."""

QUIET_CHECK_SECONDS = 1.0
"""How often a session that is due for renewal is looked at for a quiet moment."""

MOST_ATTEMPTS = 3
"""A reply is asked for over this many connections at most: each may cost."""

LOST_MS = 100.0
"""Speech shorter than this is not worth a report."""

Connect = Callable[[Endpoint], AbstractAsyncContextManager[Transport]]

_log = logging.getLogger("voice_ui.session")


class Press:
    """What belongs to one press of Start."""

    def __init__(
        self,
        endpoint: Endpoint,
        config: SessionConfig,
        *,
        conversation: Conversation,
        budget: Budget,
        reports: Reports,
        unknown_events: Counter[str],
        limits: Limits,
        seat: Seat | None,
        connect: Connect,
        ids: Iterator[str],
        clock: Callable[[], float],
    ) -> None:
        self.endpoint = endpoint
        self.config = config
        self.state = State(Phase.CONNECTING)
        self.microphone = False
        self.stream = Stream()
        self.intake = Intake(self.stream, clock)
        self.final = IDLE
        """The state after its end."""
        self.began = clock()
        self._conversation, self._budget, self._reports, self._limits = conversation, budget, reports, limits
        self._unknown_events = unknown_events
        self._seat, self._connect, self._ids, self._clock = seat, connect, ids, clock
        self._link: Link | None = None
        self._leaving: asyncio.Timeout | None = None  # of the connection that is used
        self._was_connected = False
        self._outage = Outage()
        self._held = False  # the speaker holds the button
        self._stopped_at: float | None = None  # by the event loop's clock
        self._marked_at = self._text_at = 0.0  # when the last mark was sent, and the last text came
        self._malformed_reported = False
        self._attention = Attention()
        self._timing = Timing()
        self._patience, self._renewal, self._time_limit = Timer(), Timer(), Timer()

    # The task.

    async def run(self) -> None:
        """Hold connections until nothing more is wanted, then let go of everything."""
        facts = diagnosis.facts_of(self.endpoint)
        _log.info("session begins: %s %s", self.endpoint.name, self.endpoint.model)
        try:
            while self._is_wanted:
                await self._hold_connection()
        except SessionError as error:
            _log.warning("session failed: %s", error.problem.code)
            self._report_lost(self.stream.speech_ms if self._was_connected else 0.0)
            self._reports.raise_problem(error.problem, self._reports.tracer and self._reports.tracer.error)
            self.final = FAILED
        except Exception as error:
            _log.exception("session ended by a mistake of ours")
            self._reports.raise_problem(Problem("program-error", type(error).__name__, facts))
            self.final = FAILED
        finally:
            for timer in (self._patience, self._renewal, self._time_limit):
                timer.stop()
            if self._seat:
                self._seat.give_back()
            self.stream.clear()
            self.microphone = False
            _log.info("session ends after %.0f s: %d tokens", self._clock() - self.began, self._budget.usage.total)

    @property
    def _is_wanted(self) -> bool:
        return self.microphone or self.stream.asks > 0 or self.stream.speech_ms > 0

    async def _hold_connection(self) -> None:
        """Connect and converse until the connection is left; if it is lost, wait until the next may be tried."""
        try:
            async with AsyncExitStack() as stack:
                async with self._outage.limit():
                    link = await self._open(stack)
                self._outage.connected()
                await self._converse(link)
        except ConnectionFailed as error:
            if not self._was_connected or not error.problem.retry:
                raise
            self._show(self._conversation.break_off())
            if not self._is_wanted:
                return
            was_expired = error.problem.code == "session-expired" and not self._outage.is_on
            self._outage.begin(error, stopped_at=self._stopped_at)
            _log.warning("connection lost (%s), attempt %d", error.problem.code, self._outage.attempt)
            self.refresh(self._outage.attempt)
            if self._outage.attempt > 1:  # a short break is not worth an alarm
                problem = replace(error.problem, recovering=True)
                self._reports.raise_problem(problem, self._reports.tracer and self._reports.tracer.error)
            async with self._outage.limit():
                await self._outage.wait(at_once=was_expired)

    async def _open(self, stack: AsyncExitStack) -> Link:
        """Connect, have our configuration confirmed, and give the server the conversation so far."""
        transport = await stack.enter_async_context(traced(self._connect(self.endpoint), self._reports))
        link = Link(transport, self.endpoint, self.config, self.stream, self._ids, self._clock, self._handle_mark)
        await link.configure()
        await link.seed([item for item in self._conversation.known if not self.stream.holds(item.id)])
        return link

    async def _converse(self, link: Link) -> None:
        """Use a connection until it is lost or left."""
        self._link, self._was_connected = link, True
        if link.problem:
            self._reports.raise_problem(link.problem)
        if link.differs:
            differs = Problem("config-differs", facts=diagnosis.facts_of(self.endpoint, param=link.differs))
            self._reports.raise_problem(differs, self._reports.tracer and self._reports.tracer.received)
        if link.expires_in is not None:
            self._renewal.set(link.expires_in * (1 - RENEW_MARGIN), self._renew)
        if link.config != self.config:  # it was changed while we connected
            link.reconfigure(self.config)
        self.refresh()
        try:
            async with asyncio.timeout(None) as self._leaving:
                await link.converse(self._handle)
        except TimeoutError:
            if not self._leaving or not self._leaving.expired():
                raise
        finally:
            self._renewal.stop()
            self._link = self._leaving = None
            self._rewind(link)

    def _rewind(self, link: Link) -> None:
        """Take back what the connection was given and did not answer, for the next one.

        A turn that is known in writing is given in writing; from the first that is not, all is said again.
        """
        self.stream.trim(link.unanswered_ms)
        again = False
        for turn in link.turns.open:
            if isinstance(turn.entry, Message):
                self._count_attempt(turn.entry)
            elif not again and self._conversation.is_known(turn.item_id):
                message = Message(turn.item_id, self._conversation.text_of(turn.item_id))
                self.stream.write_down(turn.end_ms, turn.entry, message)
            else:
                again = True
                self._show(self._conversation.forget(turn.item_id))
        if link.turns.speaking:
            self._show(self._conversation.forget(link.turns.spoken_item_id))
        self._report_lost(self.stream.rewind())

    def _count_attempt(self, message: Message) -> None:
        if message.attempts >= MOST_ATTEMPTS:
            self.stream.answer(message)
            self._report_missing(REPLY_SECONDS)

    def _leave(self) -> None:
        """Let go of the connection; another one follows if it is wanted."""
        if self._leaving and not self._leaving.expired():
            self._leaving.reschedule(asyncio.get_running_loop().time())

    def _renew(self) -> None:
        """Begin a new session before this one expires, as soon as nobody speaks."""
        if self.state.phase is Phase.LISTENING and self.stream.is_sent:
            _log.info("session renewed before it expires")
            self._leave()
        else:
            self._renewal.set(QUIET_CHECK_SECONDS, self._renew)

    # What the session calls.

    def open_microphone(self) -> None:
        """Audio is wanted, from now on or again."""
        self.microphone, self._stopped_at = True, None
        if minutes := self._limits.max_minutes:
            self._time_limit.set(minutes * 60, partial(self.stop_for, "time-limit", minutes=f"{minutes:g}"))
        self.refresh()

    def close_microphone(self) -> None:
        """Nothing more is going to be said; what was said is sent and answered."""
        self._time_limit.stop()
        self.microphone, self._held = False, False
        self._stopped_at = asyncio.get_running_loop().time()
        self._outage.hasten(self._stopped_at)
        self.stream.append(EndOfPress())
        self.refresh()

    def stop_for(self, code: str, **facts: str) -> None:
        """Close the microphone for a reason that is reported."""
        if self.microphone:
            self._reports.raise_problem(Problem(code, facts=facts))
            self.end_turn()
            self.close_microphone()

    def append_audio(self, pcm: bytes, rate: int) -> None:
        """Take in PCM; see `RealtimeSession.append_audio`."""
        dropped_before = self.intake.dropped_ms
        peak = self.intake.take(pcm, rate)
        if self.intake.dropped_ms > dropped_before:
            self._report("audio-dropped", seconds=f"{self.intake.dropped_ms / 1000:.1f}")
        listens = self.state.phase is Phase.LISTENING and self.config.turn_detection != "none"
        if listens and self.stream.is_sent and self._attention.is_missing_after(audio.milliseconds(pcm, rate), peak):
            self._report("server-silent", seconds=f"{SILENT_SERVER_SECONDS:.0f}")

    def begin_turn(self) -> None:
        """The speaker begins a turn by hand; a reply that is being written is cut short."""
        self.interrupt()
        self._held = True
        self.refresh()

    def end_turn(self) -> None:
        """The speaker has ended the turn.

        A server that detects turns must not be told (committing what it took already is an error), but it can be
        shown: with silence after it, speech ends.
        """
        self._held = False
        self.intake.flush()
        if self.config.turn_detection != "none":
            self.intake.add_silence(self.config.silence_ms + 500)
        elif self.intake.holds_a_turn:
            self.stream.append(Commit())
        self.intake.begin_turn()
        self.refresh()

    def send_text(self, item_id: str, text: str) -> None:
        """Say something in writing; a reply that is being written is cut short."""
        self.interrupt()
        self.stream.append(Message(item_id, text))
        self.refresh()

    def interrupt(self) -> None:
        """Cut a reply short."""
        if self._link and self.state.phase in {Phase.THINKING, Phase.ANSWERING}:
            self._link.interrupt()
            self.refresh()

    def reconfigure(self, config: SessionConfig) -> None:
        """Go on in another way."""
        self.config = config
        self._held = False
        self.intake.begin_turn()
        if self._link:
            self._link.reconfigure(config)
        self.refresh()

    # What the connection brings.

    async def _handle(self, event: ServerEvent) -> None:
        """Take in an event of the server."""
        link = self._link
        if link is None:
            return
        now = self._clock()
        was_cancelled = link.responses.cancelled
        for news in link.apply(event):
            self._take_news(news, now)
        changes = self._conversation.apply(event)
        match event:
            case server.ReplyTextDelta(response_id, item_id):
                self._text_at = now
                if response_id == link.responses.active and changes:
                    self._time_text(link, item_id, now)
            case server.ResponseDone():
                self._finish_response(event, has_text=bool(changes), now=now)
                if not (was_cancelled and event.status == "cancelled"):
                    self._report_problem(event)
            case server.ErrorEvent():
                self._handle_error(event, link)
            case server.Unknown(type=what) | server.Malformed(reason=what):
                self._unknown_events[what[:80]] += 1
                self._report_problem(event)
            case _:
                self._report_problem(event)
        if not isinstance(event, server.ReplyTextDelta) or self.state.phase is not Phase.ANSWERING:
            self.refresh()
        if changes:
            await self._reports.put(changes)

    def _take_news(self, news: TurnEnded | ResponseBegan, now: float) -> None:
        match news:
            case TurnEnded(turn):
                silence_ms = self.config.silence_ms if self.config.turn_detection == "server_vad" else 0
                spoken_until = self.stream.captured_at(max(0.0, turn.end_ms - silence_ms))
                self._timing.end_turn(spoken_until or now, now)
            case ResponseBegan(response_id, item_id):
                self._timing.begin_response(now)
                self._show(self._conversation.begin_response(response_id, item_id))

    def _time_text(self, link: Link, item_id: str, now: float) -> None:
        is_answer = self._conversation.phase_of(item_id) != "commentary"
        if self._timing.take_text(now, is_answer=is_answer):
            turn = self._conversation.turn_of(item_id)
            self._reports.say(
                TurnTimed(
                    turn, replace(self._timing.timer, moments=dict(self._timing.timer.moments)), link.round_trip_ms
                )
            )

    def _finish_response(self, event: server.ResponseDone, *, has_text: bool, now: float) -> None:
        self._outage.over()
        _log.info("response %s: %s", event.status, self._timing.finish(now))
        if event.status == "completed" and not has_text and not event.output:
            self._report("reply-empty")
        if event.usage:
            self._budget.add(event.usage, self.endpoint)
            self._reports.say(UsageCounted(self._budget.usage, self._budget.cost))
            if self.microphone and (problem := self._budget.problem(self.endpoint)):
                self._reports.raise_problem(problem)
                self.end_turn()
                self.close_microphone()

    def _handle_error(self, event: server.ErrorEvent, link: Link) -> None:
        """Take in an `error`; where it comes instead of a response, the wait for that is over."""
        is_about_reply = link.responses.is_ours(event.event_id)
        if link.expects(event):
            return
        if refused := link.refusal(event):
            self.config = link.config
            self._reports.raise_problem(refused, self._reports.tracer and self._reports.tracer.received)
            return
        self._report_problem(event)
        is_about_reply = is_about_reply or (event.event_id is None and diagnosis.is_end_of_reply(event))
        if is_about_reply and not link.responses.is_writing:
            link.give_up()

    def _report_problem(self, event: ServerEvent) -> None:
        """Report what an event says of a problem, if it does; a server that talks nonsense is reported once."""
        if isinstance(event, server.Malformed):
            if self._malformed_reported:
                return
            self._malformed_reported = True
        if problem := diagnosis.problem_of(event, self.endpoint):
            self._reports.raise_problem(problem, self._reports.tracer and self._reports.tracer.received)

    def _handle_mark(self, entry: Entry) -> None:
        """A mark of the stream was sent."""
        self._marked_at = self._clock()
        if isinstance(entry, Message) and entry.attempts == 1 and not self._outage.is_on:
            self._timing.end_turn(self._marked_at, self._marked_at)
        self.refresh()

    # The state.

    def refresh(self, attempt: int = 0) -> None:
        """Derive the state from what is known, and report it if it has changed."""
        state = State(self._phase, self.microphone)
        if state == self.state and not attempt:
            if state.phase is Phase.LISTENING and not state.microphone:
                self._wait_for(state)
            return
        self.state = state
        self._attention.paid()
        if state.phase is not Phase.LISTENING:
            self._reports.solve("server-silent")
        self._wait_for(state)
        self._reports.say(StateChanged(state, attempt))

    @property
    def _phase(self) -> Phase:
        link = self._link
        if link is None:
            if self._outage.is_on:
                return Phase.RECONNECTING
            return self.state.phase if self._was_connected else Phase.CONNECTING
        if self._held or link.turns.speaking:
            return Phase.HEARING
        if link.responses.is_writing:
            return Phase.ANSWERING
        if link.turns.open or link.responses.is_blocked or self.stream.asks:
            return Phase.THINKING
        return Phase.LISTENING

    def _wait_for(self, state: State) -> None:
        """Arm the timer of the state."""
        self._patience.stop()
        match state.phase:
            case Phase.THINKING:
                self._patience.set(REPLY_SECONDS, self._lose_reply)
            case Phase.ANSWERING:
                self._patience.set(TEXT_SECONDS, self._lose_text)
            case Phase.HEARING if not state.microphone:
                self._patience.set(LAST_SPEECH_SECONDS, self._settle)
            case Phase.LISTENING if not state.microphone:
                if self.stream.is_sent:
                    by_hand = self.config.turn_detection == "none"
                    elapsed = self._clock() - self._marked_at
                    self._patience.set(0.0 if by_hand else max(0.0, SETTLE_SECONDS - elapsed), self._settle)
            case Phase.LISTENING if minutes := self._limits.idle_minutes:
                self._patience.set(minutes * 60, partial(self.stop_for, "idle-limit", minutes=f"{minutes:g}"))

    def _settle(self) -> None:
        """All that was said is answered, as far as the server noticed it: the press is over."""
        if not self.microphone:
            self.stream.clear()
            self._leave()

    def _lose_reply(self) -> None:
        """No reply came."""
        self._report_missing(REPLY_SECONDS)
        self._give_up_reply()

    def _lose_text(self) -> None:
        """Nothing more came of a reply."""
        left = TEXT_SECONDS - (self._clock() - self._text_at)
        if left > 0:
            self._patience.set(left, self._lose_text)
            return
        facts = diagnosis.facts_of(self.endpoint)
        self._reports.raise_problem(Problem("response-incomplete", f"no text for {TEXT_SECONDS:.0f} s", facts))
        self._give_up_reply()

    def _give_up_reply(self) -> None:
        if self._link:
            self._link.give_up()
        self.refresh()

    # Reports.

    def _show(self, changes: list[Change]) -> None:
        self._reports.say(*changes)

    def _report(self, code: str, **facts: str) -> None:
        self._reports.raise_problem(Problem(code, facts=diagnosis.facts_of(self.endpoint, **facts)))

    def _report_missing(self, seconds: float) -> None:
        self._report("response-missing", seconds=f"{seconds:.0f}")

    def _report_lost(self, lost_ms: float) -> None:
        if lost_ms >= LOST_MS:
            self._report("audio-lost", seconds=f"{lost_ms / 1000:.1f}")
