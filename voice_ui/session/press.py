"""One press of Start: a seat, a stream of audio and messages, and connections until everything is answered.

`run` is the session's one task. It shows from top to bottom how a connection is made, lost and made again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace

from voice_ui import audio
from voice_ui.conversation import Conversation
from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.protocol import ServerEvent, SessionConfig, WireItem, client, server
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.attention import SILENT_SERVER_SECONDS, SPEECH_PEAK, Attention
from voice_ui.session.barge_in import BargeIn
from voice_ui.session.budget import Budget, Limits, Seat
from voice_ui.session.dialogue import Dialogue
from voice_ui.session.event_transport import EventTransport
from voice_ui.session.events import PlaybackCut, StateChanged
from voice_ui.session.intake import Intake
from voice_ui.session.link import Link
from voice_ui.session.outage import Outage
from voice_ui.session.over_reply import OverReply
from voice_ui.session.patience import LAST_SPEECH_SECONDS, REPLY_SECONDS, TEXT_SECONDS, Patience
from voice_ui.session.playback import Playback
from voice_ui.session.reports import Reports
from voice_ui.session.rewind import rewind
from voice_ui.session.state import FAILED, IDLE, Phase, State
from voice_ui.session.stream import Commit, EndOfPress, Entry, Message, Outputs, Stream
from voice_ui.session.timer import Timer
from voice_ui.session.tools import Calls
from voice_ui.session.turns import UNNOTICED_SECONDS
from voice_ui.tools import RunningSession, Toolbox
from voice_ui.transport import Transport

SETTLE_SECONDS = 1.0
"""After Stop, when all was sent and nobody seems to have spoken: a server notices speech within this time."""

RENEW_MARGIN = 0.1
"""The share of a session's life before its end in which a quiet moment is used to begin a new one: 6 of 60 minutes at
OpenAI and Azure (protocol facts, section 3)."""

FIRST_WORD_STEPS = 4
"""Of the event loop, from a report to the page's socket: the reader of reports, NiceGUI's outbox, and one to spare."""

QUIET_CHECK_SECONDS = 1.0
"""How often a session that is due for renewal is looked at for a quiet moment."""

PLAYED_SECONDS = 1.0
"""Time for the browser to report how much of an interrupted reply was played."""

WAITING_MS = 500.0
"""With more audio than this waiting, the connection is slow and the server cannot have reacted yet."""

LOST_MS = 100.0
"""Shorter losses of speech are not reported."""

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
        plays: bool,
        seat: Seat | None,
        connect: Connect,
        ids: Iterator[str],
        clock: Callable[[], float],
        session: RunningSession,
        toolbox: Toolbox,
    ) -> None:
        self.endpoint = endpoint
        self.config = config
        self.state = IDLE
        self.microphone = False
        self.stream = Stream()
        self.intake = Intake(self.stream, clock)
        self.final = IDLE
        """The state after its end."""
        self.failure: tuple[Problem, int | None] | None = None
        """Why it failed, and the number of the event that says so; reported together with the state."""
        self.began = clock()
        self._conversation, self._budget, self._reports = conversation, budget, reports
        self._playback = Playback() if plays else None
        self._truncation = Timer()
        self._calls = Calls(
            toolbox,
            session,
            conversation,
            reports,
            clock,
            on_outputs=self._take_outputs,
            on_change=self.refresh,
            on_hosted_approval=self._answer_hosted,
        )
        self._were_running = False  # calls, when the state was last derived
        barge_in = BargeIn()
        self._dialogue = Dialogue(
            endpoint, conversation, budget, reports, unknown_events, self._playback, clock, self._calls, barge_in
        )
        self._over_reply = OverReply(
            barge_in, self._dialogue, reports, is_playing=self._plays, on_cut=lambda: self._silence(by_speech=True)
        )
        self._seat, self._connect, self._ids, self._clock = seat, connect, ids, clock
        self._link: Link | None = None
        self._leaving: asyncio.Timeout | None = None  # while a connection is made, used or waited for
        self._was_connected = False
        self._outage = Outage()
        self._held = False  # the speaker holds the button
        self._is_cut_off = False
        self._stopped_at: float | None = None  # by the event loop's clock
        self._marked_at = 0.0  # when the last mark was sent
        self._attention = Attention()
        self._renewal = Timer()
        self._patience = Patience(
            limits,
            clock,
            on_no_reply=self._lose_reply,
            on_no_text=self._lose_text,
            on_settled=self._settle,
            on_limit=self.stop_for,
        )

    # The task.

    async def run(self) -> None:
        """Hold connections until nothing more is wanted."""
        facts = diagnosis.facts_of(self.endpoint)
        _log.info("session begins: %s %s", self.endpoint.name, self.endpoint.model)
        try:
            if self._seat:
                await self._seat.claim()
            await self._budget.account.refresh()  # it may have spent elsewhere
            if problem := self._budget.problem(self.endpoint, self.config.transcription_model):
                raise Refused(problem.code, **problem.facts)
            while self._is_wanted:
                await self._hold_connection()
        except SessionError as error:
            _log.warning("session failed: %s", error.problem.code)
            self._report_lost(self.stream.speech_ms if self._was_connected else 0.0)
            self.failure, self.final = (error.problem, self._reports.closing_error), FAILED
        except Exception as error:
            _log.exception("session ended by a mistake of ours")
            self.failure, self.final = (Problem("program-error", type(error).__name__, facts), None), FAILED
        finally:
            await self._calls.close()
        _log.info("session ends after %.0f s: %d tokens", self._clock() - self.began, self._budget.usage.total)

    def let_go(self) -> None:
        """Clean up after the task ended, or if it never began."""
        self._renewal.stop()
        self._truncation.stop()
        self._patience.stop()
        if self._seat:
            self._seat.give_back()
        for message in self.stream.messages:
            self._reports.say(*self._conversation.fail(message.item_id))
        self.stream.clear()
        self.microphone = False
        if self.failure and self.failure[0].code == "message-oversized":
            self._conversation.forget_images()  # or the next connection would end the same way

    @property
    def _is_wanted(self) -> bool:
        return self.microphone or self._calls.are_acting or self.stream.asks > 0 or self.stream.speech_ms > 0

    async def _hold_connection(self) -> None:
        """Connect and converse until the connection is left; if it is lost, wait until the next may be tried."""
        leaving = self._leaving = asyncio.timeout(None)
        try:
            async with leaving:
                try:
                    await self._connect_and_converse()
                except ConnectionFailed as error:
                    if not self._was_connected or not error.problem.retry:
                        raise
                    await self._recover(error)
        except TimeoutError:
            if not leaving.expired():
                raise
        finally:
            self._leaving = None

    async def _connect_and_converse(self) -> None:
        async with AsyncExitStack() as stack:
            async with self._outage.limit():
                link = await self._open(stack)
            self._outage.connected()
            await self._converse(link)

    async def _recover(self, error: ConnectionFailed) -> None:
        """A connection was lost, or not made again: wait before the next attempt, or raise if the time is over."""
        self._reports.say(*self._conversation.break_off())
        if not self._is_wanted:
            return
        is_new = self._outage.begin(error, stopped_at=self._stopped_at)
        _log.warning("connection lost (%s), attempt %d", error.problem.code, self._outage.attempt)
        self.refresh(self._outage.attempt)
        if self._outage.attempt > 1:  # short interruptions are not shown
            problem = replace(error.problem, recovering=True)
            self._reports.raise_problem(problem, self._reports.closing_error)
        async with self._outage.limit():
            await self._outage.wait(at_once=is_new and error.problem.code == "session-expired")

    async def _open(self, stack: AsyncExitStack) -> Link:
        """Connect, have our configuration confirmed, and give the server the conversation so far."""
        if self._reports.tracer:
            self._reports.tracer.begin()
        transport = await stack.enter_async_context(self._connect(self.endpoint))
        link = Link(
            EventTransport(transport, self._reports, self.endpoint.dialect),
            self.endpoint,
            self.config,
            self.stream,
            self._ids,
            self._clock,
            self._handle_mark,
            may_ask=lambda: self.may_go_on(asking=True),
        )
        await link.configure()
        unanswered = self._calls.unfinished.union(*(dict(entry.outputs) for entry in self.stream.outputs))
        known = [item for item in self._conversation.known if not self.stream.holds(item.id)]
        await link.seed(known, unanswered)
        return link

    async def _converse(self, link: Link) -> None:
        """Use a connection until it is lost or closed."""
        self._link, self._was_connected, link.held = link, True, self._held
        if link.expires_in is not None:
            self._renewal.set(link.expires_in * (1 - RENEW_MARGIN), self._renew)
        if link.config != self.config:  # it was changed while we connected
            link.reconfigure(self.config)
        self.refresh()
        if link.problem:
            self._reports.raise_problem(link.problem)
        if link.differs:
            differs = Problem("config-differs", facts=diagnosis.facts_of(self.endpoint, param=link.differs))
            self._reports.raise_problem(differs, self._reports.received)
        try:
            await link.converse(self._handle)
        finally:
            self._renewal.stop()
            self._over_reply.lose()
            self._link = None
            self._dialogue.lose_connection(link)
            if self._playback:
                self._playback.complete()
            for response_id in self._calls.lose_connection():
                link.turns.answer(response_id)
            changes, lost_ms, given_up = rewind(self.stream, link, self._conversation)
            self._reports.say(*changes)
            self._report_lost(lost_ms)
            if given_up:
                self._report_missing(REPLY_SECONDS)

    def _leave(self) -> None:
        """Close the connection; another follows if still needed."""
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
        """Accept audio, from now on or again."""
        self.microphone, self._stopped_at, self._is_cut_off = True, None, False
        self._patience.open_microphone()
        self.refresh()

    def close_microphone(self) -> None:
        """Accept no more audio; what was said is still sent and answered."""
        self._patience.close_microphone()
        self._silence()
        self.microphone = False
        self._hold(False)
        self.cancel_calls()
        self._stopped_at = asyncio.get_running_loop().time()
        self._outage.hasten(self._stopped_at)
        self.stream.append(EndOfPress())
        if self._link is None and not self._is_wanted:
            self._leave()
        self.refresh()

    def stop_for(self, code: str, **facts: str) -> None:
        """Close the microphone for a reason that is reported."""
        if self.microphone:
            self._reports.raise_problem(Problem(code, facts=facts))
            self.end_turn()
            self.close_microphone()

    def cut_off(self, problem: Problem) -> None:
        """End for a reason that is reported: cut a running reply short, and ask for nothing more."""
        self._reports.raise_problem(problem)
        if self._is_cut_off:
            return
        self._is_cut_off = True
        self.want_no_reply_to_calls()
        if self._link and self._link.responses.active is not None:
            self._silence()
        for message in self.stream.messages:
            self._reports.say(*self._conversation.fail(message.item_id))
        self.stream.clear()
        if self.microphone:
            self.close_microphone()
        if self._link:
            self._link.give_up()
        elif not self._is_wanted:
            self._leave()
        self.refresh()

    def may_go_on(self, *, asking: bool = False) -> bool:
        """Whether more may be spent, if only for the reply that runs; if not, everything ends."""
        problem = self._budget.problem(self.endpoint, self.config.transcription_model, asking=asking)
        if problem:
            self.cut_off(problem)
        return problem is None

    def append_audio(self, pcm: bytes, rate: int) -> None:
        """Take in PCM; see `RealtimeSession.append_audio`."""
        dropped_before = self.intake.dropped_ms
        peak = self.intake.take(pcm, rate)
        duration_ms = len(pcm) * 1000 / (audio.SAMPLE_BYTES * rate)
        if self.intake.dropped_ms > dropped_before:
            self._report("audio-dropped", seconds=f"{self.intake.dropped_ms / 1000:.1f}")
        if self._over_reply.is_open or self.state.phase is Phase.ANSWERING:
            self._over_reply.listen(duration_ms, peak)
        if self.state.phase is not Phase.LISTENING or self.config.turn_detection == "none":
            return
        counts = peak > SPEECH_PEAK or self._attention.speech_ms > 0
        is_near = self.stream.waiting_ms < WAITING_MS
        if counts and is_near and self._attention.is_missing_after(duration_ms, peak):
            if not self._reports.stands("server-silent"):
                self._report("server-silent", seconds=f"{SILENT_SERVER_SECONDS:.0f}")

    def begin_turn(self) -> None:
        """Begin a manual turn; interrupts the current reply."""
        self.interrupt()
        self._hold(True)
        self.refresh()

    def end_turn(self) -> None:
        """The speaker has ended the turn.

        A server that detects turns must not be told (committing what it took already is an error), but it can be
        shown: with silence after it, speech ends.
        """
        self._hold(False)
        self.intake.flush()
        if self.config.turn_detection != "none":
            self.intake.add_silence(self.config.silence_ms + 500)
        elif self.intake.holds_a_turn:
            self.stream.append(Commit())
        elif self._link:
            self._link.hand_over()
        self.intake.begin_turn()
        self.refresh()

    def send(self, message: Message) -> None:
        """Say something in writing, or show it; a reply that is being written is cut short if another one is wanted."""
        if message.wants_reply:
            self.interrupt()
            self._is_cut_off = False
        self.stream.append(message)
        self.refresh()

    def interrupt(self) -> None:
        """Interrupt the current reply."""
        self._over_reply.release()
        self._silence()
        if self._link and self.state.phase in {Phase.THINKING, Phase.ANSWERING}:
            self._link.interrupt()
            self.refresh()

    def take_played(self, item_id: str, played_ms: float, *, stopped: bool) -> None:
        """This much of a spoken item was played; see `RealtimeSession.take_played`."""
        if self._playback:
            if heard := self._playback.play(item_id, played_ms):
                self._reports.say(heard)
            self._patience.text_at = self._clock()
            self._over_reply.judge(None)
            if stopped:
                self._truncate()
            self.refresh()

    def _silence(self, *, by_speech: bool = False) -> None:
        """Have nothing more played of what was received; the reply counts as heard as far as it came."""
        if self._playback and self._plays():
            self._playback.silence()
            self._reports.say(PlaybackCut(by_speech))
            self._truncation.set(PLAYED_SECONDS, self._truncate)

    def _plays(self) -> bool:
        return self._playback is not None and self._playback.is_playing

    def _truncate(self) -> None:
        self._truncation.stop()
        for cut in self._playback.cut() if self._playback else ():
            if self._link:
                self._link.truncate(cut.item_id, cut.heard_ms)
            self._reports.say(*self._conversation.cut_short(cut.item_id, cut.heard_characters))
        self.refresh()

    def approve(self, call_id: str, *, approved: bool) -> None:
        """Approve or refuse a tool call."""
        self._calls.approve(call_id, approved=approved)

    def cancel_calls(self) -> None:
        """Cancel the calls that run; what others returned is still answered."""
        self._calls.cancel()
        if self._link is None:  # the next connection is given these outputs with their calls
            for entry in [entry for entry in self.stream.outputs if not entry.wants_reply]:
                self.stream.answer(entry)

    def want_no_reply_to_calls(self) -> None:
        """Cancel the calls that run, and let nothing follow from others."""
        for entry in self.stream.outputs:
            entry.wants_reply = False
        if self._link:
            self._link.release_outputs()
        self.cancel_calls()
        self.refresh()

    @property
    def has_spoken(self) -> bool:
        """Whether the model has spoken over this connection."""
        return self._link is not None and self._link.has_spoken

    def reconfigure(self, config: SessionConfig) -> None:
        """Change endpoint or config. The current utterance is dropped only if turn detection changes."""
        was_by_hand, self.config = self.config.turn_detection == "none", config
        if was_by_hand != (config.turn_detection == "none"):
            self._over_reply.release()
            self._hold(False)
            self.intake.begin_turn()
        if self._link:
            self._link.reconfigure(config)
        self.refresh()

    def _hold(self, held: bool) -> None:
        self._held = held
        if self._link:
            self._link.held = held

    def _take_outputs(self, outputs: Outputs) -> None:
        """All calls of a response are over."""
        self.stream.append(outputs)

    def _answer_hosted(self, request_id: str, approved: bool) -> None:
        """A person has answered a server that asked whether it may run a hosted tool."""
        if self._link:
            item_id, event_id = next(self._ids), next(self._ids)
            item = WireItem(item_id, "mcp_approval_response", approval_request_id=request_id, approve=approved)
            self._link.say(client.ConversationItemCreate(item, event_id))

    # Events from the connection.

    async def _handle(self, event: ServerEvent) -> None:
        """Take in an event of the server."""
        if (link := self._link) is None:
            return
        if isinstance(event, server.SpeechStarted):
            self._over_reply.begin(event, link)
        changes = self._dialogue.take(event, link)
        if self._over_reply.is_open:
            self._over_reply.judge(event)
        if isinstance(event, server.ReplyTextDelta):
            self._patience.text_at = self._clock()
            if self._budget.written >= self._budget.due:
                self.may_go_on()
        elif isinstance(event, server.ResponseDone):
            self._outage.over()
            is_unreported = event.status == "completed" and not event.usage
            if is_unreported and (problem := self._budget.unreported(self.endpoint)):
                self.cut_off(problem)
            elif not self._is_cut_off:
                self.may_go_on()
        else:
            if isinstance(event, server.ErrorEvent) and not link.has_updates:
                self.config = link.config  # a configuration that was refused is not asked for again
            if link.responses.active is not None and not self._is_cut_off:
                self.may_go_on()
        if self._is_cut_off and link.responses.active and not link.responses.cancelled:
            link.give_up()  # the server had begun it before it knew
        is_text = isinstance(event, server.ReplyTextDelta)
        if is_text and changes and self.state.phase is not Phase.ANSWERING:
            # The first word is on its way to the page before anything is made of the state that it leads to.
            await self._reports.put(changes)
            for _ in range(FIRST_WORD_STEPS):
                await asyncio.sleep(0)
            changes = []
        if not is_text or self.state.phase is not Phase.ANSWERING:
            self.refresh()
        if changes:
            await self._reports.put(changes)

    def _handle_mark(self, entry: Entry) -> None:
        """A mark of the stream was sent."""
        self._marked_at = self._clock()
        if isinstance(entry, Message) and entry.attempts == 1 and not self._outage.is_on:
            self._dialogue.time_message(self._marked_at)
        self.refresh()

    # The state.

    def refresh(self, attempt: int = 0) -> None:
        """Derive the state, and report it if it has changed."""
        state = State(self._phase, self.microphone)
        are_running, self._were_running = self._were_running, self._calls.are_running
        if state == self.state and not attempt and are_running == self._were_running:
            if state.phase is Phase.LISTENING and not state.microphone:
                self._patience.wait(state, self._unsettled_seconds)
            return
        before, self.state = self.state, state
        self._attention.paid()
        if state.phase is not Phase.LISTENING:
            self._reports.solve("server-silent")
        self._patience.wait(state, self._unsettled_seconds, is_acting=self._were_running)
        if state != before or attempt:
            self._reports.say(StateChanged(state, attempt))

    @property
    def _phase(self) -> Phase:
        link = self._link
        if link is None:
            if self._outage.is_on:
                return Phase.RECONNECTING
            return self.state.phase if self._was_connected else Phase.CONNECTING
        is_answering = link.responses.is_writing or self._plays()
        if self._held or (link.turns.speaking and not (is_answering and self._over_reply.is_open)):
            return Phase.HEARING
        if is_answering:
            return Phase.ANSWERING
        is_asking = link.responses.is_blocked or link.responses.is_asked
        if link.turns.open or is_asking or self.stream.asks or self._calls.are_acting:
            return Phase.THINKING
        return Phase.LISTENING

    @property
    def _unsettled_seconds(self) -> float | None:
        """How long the server may still notice something in what was said before Stop; None: not all was sent."""
        if self.microphone or not self.stream.is_sent:
            return None
        if self._link is None or self._link.turns.by_hand:
            return 0.0
        self.stream.trim(self._link.unanswered_ms)
        needed = UNNOTICED_SECONDS if self.stream.speech_ms >= LOST_MS else SETTLE_SECONDS
        return max(0.0, self._marked_at + needed - self._clock())

    def _settle(self) -> None:
        """End the press: everything the server noticed is answered."""
        link = self._link
        if self.microphone or link is None:
            return
        self.stream.trim(link.unanswered_ms)
        if self.stream.speech_ms >= LOST_MS:
            if not link.has_received(self._marked_at + SETTLE_SECONDS):
                self._patience.wait(State(Phase.LISTENING), QUIET_CHECK_SECONDS)  # until it is, or the connection lost
                return
            if self.state.phase is Phase.HEARING:
                self._report_missing(LAST_SPEECH_SECONDS)
        self.stream.clear()
        self._leave()

    def _lose_reply(self) -> None:
        """No reply came."""
        self._report_missing(REPLY_SECONDS)
        self._give_up_reply()

    def _lose_text(self) -> None:
        """Nothing more came of a reply, or nothing more of it was played."""
        is_written = self._link is not None and not self._link.responses.is_writing
        self._truncate()
        if is_written:
            return
        facts = diagnosis.facts_of(self.endpoint)
        self._reports.raise_problem(Problem("response-incomplete", f"no text for {TEXT_SECONDS:.0f} s", facts))
        self._give_up_reply()

    def _give_up_reply(self) -> None:
        if self._link:
            for response_id in self._calls.end_responses():
                self._link.turns.answer(response_id)
            self._link.give_up()
        self.refresh()

    # Reports.

    def _report(self, code: str, **facts: str) -> None:
        self._reports.raise_problem(Problem(code, facts=diagnosis.facts_of(self.endpoint, **facts)))

    def _report_missing(self, seconds: float) -> None:
        self._report("response-missing", seconds=f"{seconds:.0f}")

    def _report_lost(self, lost_ms: float) -> None:
        if lost_ms >= LOST_MS:
            self._report("audio-lost", seconds=f"{lost_ms / 1000:.1f}")
