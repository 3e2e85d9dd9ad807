"""One press of Start: what the person does in it, and what the server says.

The supervisor makes the connections; what is said waits for them in the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from voice_ui import audio
from voice_ui.errors import Problem
from voice_ui.protocol import ServerEvent, SessionConfig, server
from voice_ui.session.attention import SILENT_SERVER_SECONDS, SPEECH_PEAK
from voice_ui.session.barge_in import BargeIn
from voice_ui.session.context import Context
from voice_ui.session.dialogue import Dialogue
from voice_ui.session.entries import Message, StreamEntry
from voice_ui.session.microphone import Microphone
from voice_ui.session.over_reply import OverReply
from voice_ui.session.playback import Playback
from voice_ui.session.progress import LOST_MS, REPLY_SECONDS, Progress
from voice_ui.session.rewind import MOST_ATTEMPTS, rewind
from voice_ui.session.state import Phase
from voice_ui.session.tools import Calls
from voice_ui.session.truncation import Truncation
from voice_ui.tools import RunningSession, Toolbox
from voice_ui.usage import usage_of

FIRST_WORD_STEPS = 4
"""Of the event loop, from a report to the page's socket: the reader of reports, NiceGUI's outbox, and one to spare."""

WAITING_MS = 500.0
"""With more audio than this waiting, the connection is slow and the server cannot have reacted yet."""


class Press:
    """What belongs to one press of Start."""

    def __init__(
        self,
        context: Context,
        toolbox: Toolbox,
        session: RunningSession,
        *,
        plays: bool,
        on_settled: Callable[[], object],
    ) -> None:
        """`plays`: whether it is reported what was played. `on_settled` is called when a connection is of no more use.

        It is called after Stop, when nothing is awaited; the supervisor then closes it.
        """
        self.context = context
        self.microphone = Microphone(context)
        self.calls = Calls(context, toolbox, session, on_change=lambda: self.progress.refresh())
        self._barge_in = BargeIn()
        self._playback = Playback(is_reported=plays)
        self._truncation = Truncation(context, self._playback, on_change=lambda: self.progress.refresh())
        self._dialogue = Dialogue(context, self.calls, self._barge_in, self._playback)
        self._over_reply = OverReply(context, self._barge_in, self._dialogue, self._playback, self._truncation)
        self.progress = Progress(
            context,
            self.microphone,
            self.calls,
            self._barge_in,
            self._playback,
            self._truncation,
            on_settled=on_settled,
            on_limit=self.stop_for,
        )
        self.is_over = False
        """Whether it ends, and nothing more can be said in it."""
        self._on_settled = on_settled
        self._is_cut_off = False
        self._broken_images = 0  # connections in a row that ended as they were given an image

    @property
    def is_wanted(self) -> bool:
        """Whether a connection is: somebody may speak, or something is not answered."""
        stream = self.context.stream
        return self.microphone.is_open or self.calls.are_acting or stream.asks > 0 or stream.speech_ms > 0

    # What a person does.

    def open_microphone(self) -> None:
        """Accept audio, from now on or again."""
        self._is_cut_off = False
        self.microphone.open()
        self.progress.begin()
        self.progress.refresh()

    def close_microphone(self) -> None:
        """Accept no more audio; what was said is still sent and answered."""
        self.progress.end()
        self._over_reply.end_listening()
        self._truncation.silence()
        self.microphone.close()
        self._cancel_calls()
        self._leave_if_unwanted()
        self.progress.refresh()

    def append_audio(self, pcm: bytes, rate: int) -> None:
        """Take in PCM; see `RealtimeSession.append_audio`."""
        peak = self.microphone.take(pcm, rate)
        duration_ms = len(pcm) * 1000 / (audio.SAMPLE_BYTES * rate)
        phase, attention = self.progress.state.phase, self.microphone.attention
        if self._barge_in.items or phase is Phase.ANSWERING:
            self._over_reply.listen(duration_ms, peak)
        if phase is not Phase.LISTENING or self.context.config.turn_detection == "none":
            return
        counts = peak > SPEECH_PEAK or attention.speech_ms > 0
        is_near = self.context.stream.waiting_ms < WAITING_MS
        if counts and is_near and attention.is_missing_after(duration_ms, peak):
            if not self.context.reports.stands("server-silent"):
                self.context.report("server-silent", seconds=f"{SILENT_SERVER_SECONDS:.0f}")

    def begin_turn(self) -> None:
        """Begin a manual turn; interrupts the current reply."""
        self.interrupt()
        self.microphone.hold(True)
        self.progress.refresh()

    def end_turn(self) -> None:
        """The speaker has ended the turn."""
        self.microphone.end_turn()
        self.progress.refresh()

    def send(self, message: Message) -> None:
        """Say something in writing, or show it; a reply that is being written is cut short if another one is wanted."""
        if message.wants_reply:
            self.interrupt()
            self._is_cut_off = False
        self.context.stream.append(message)
        self.progress.refresh()

    def interrupt(self) -> None:
        """Interrupt the current reply."""
        self._over_reply.release()
        self._truncation.silence()
        link = self.context.link
        if link and (self.progress.state.phase in {Phase.THINKING, Phase.ANSWERING} or link.exchange.is_replying):
            link.exchange.interrupt()
            self.progress.refresh()

    def want_no_reply(self) -> None:
        """Let nothing follow from what waits to be sent; cancel the calls that run."""
        for entry in self.context.stream.waiting_asks:
            entry.wants_reply = False
            if isinstance(entry, Message) and self.context.link is None:  # the next connection is given it anyway
                self.context.stream.answer(entry)
        for outputs in self.context.stream.outputs:
            outputs.wants_reply = False
        if self.context.link:
            self.context.link.exchange.release_outputs()
        self._cancel_calls()
        self.progress.refresh()

    def take_played(self, item_id: str, played_ms: float, *, stopped: bool) -> None:
        """This much of a spoken item was played; see `RealtimeSession.take_played`."""
        if heard := self._playback.play(item_id, played_ms):
            self.context.reports.say(heard)
        self.progress.text_at = self.context.clock()
        self._over_reply.judge(None)
        if stopped:
            self._truncation.truncate(item_id)
        self.progress.refresh()

    def reconfigure(self, config: SessionConfig) -> None:
        """Change the config. The current utterance is dropped only if turn detection changes."""
        was_by_hand, self.context.config = self.context.config.turn_detection == "none", config
        if was_by_hand != (config.turn_detection == "none"):
            self._over_reply.release()
            self.microphone.hold(False)
            self.microphone.forget_turn()
        if self.context.link:
            self.context.link.reconfigure(config)
        self.progress.refresh()

    # What ends it.

    def stop_for(self, code: str, **facts: str) -> None:
        """Close the microphone for a reason that is reported."""
        if self.microphone.is_open:
            self.context.reports.raise_problem(Problem(code, facts=facts))
            self.end_turn()
            self.close_microphone()

    def cut_off(self, problem: Problem) -> None:
        """End for a reason that is reported: cut a running reply short, and ask for nothing more."""
        self.context.reports.raise_problem(problem)
        if self._is_cut_off:
            return
        self._is_cut_off = True
        self.want_no_reply()
        if self.context.link and self.context.link.responses.active is not None:
            self._truncation.silence()
        self._fail_messages()
        if self.microphone.is_open:
            self.close_microphone()
        if self.context.link:
            self.context.link.exchange.give_up()
        self._leave_if_unwanted()
        self.progress.refresh()

    def may_go_on(self, *, asking: bool = False) -> bool:
        """Whether more may be spent, if only for the reply that runs; if not, everything ends."""
        context = self.context
        problem = context.budget.problem(context.endpoint, context.config.transcription_model, asking=asking)
        if problem:
            self.cut_off(problem)
        return problem is None

    def let_go(self) -> None:
        """Clean up after the task ended, or if it never began."""
        self.progress.stop()
        self._truncation.stop()
        self._fail_messages()
        self.microphone.is_open = False

    def _fail_messages(self) -> None:
        for message in self.context.stream.messages:
            self.context.reports.say(*self.context.conversation.fail(message.item_id))
        self.context.stream.clear()

    def _cancel_calls(self) -> None:
        """Cancel the calls that run; what others returned is still answered."""
        self.calls.cancel()
        if self.context.link is None:  # the next connection is given these outputs with their calls
            for entry in [entry for entry in self.context.stream.outputs if not entry.wants_reply]:
                self.context.stream.answer(entry)

    def _leave_if_unwanted(self) -> None:
        if self.context.link is None and not self.is_wanted:
            self._on_settled()

    # What the server does.

    async def handle(self, event: ServerEvent) -> None:
        """Take in an event of the connection in use."""
        await self.context.reports.room()
        if (link := self.context.link) is None:
            return
        if (
            not isinstance(event, server.ReplyTextDelta)
            or not event.response_id
            or not link.responses.has_text
            or event.item_id in link.exchange.names.doubtful
        ):
            event = link.exchange.identified(event)
        if isinstance(event, server.SpeechStarted):
            self._over_reply.begin(event, link)
        if isinstance(event, server.AudioDelta):
            self._truncation.silence_left_over()
        was_asked = isinstance(event, server.ResponseDone) and link.turns.are_unanswered
        changes = self._dialogue.take(event, link)
        if self._barge_in.items:
            self._over_reply.judge(event)
        if link.responses.cancelled and isinstance(event, server.AudioDelta):
            self._truncation.drop()
        budget, is_text = self.context.budget, isinstance(event, server.ReplyTextDelta)
        if is_text:
            self.progress.text_at = self.context.clock()
            if budget.written >= budget.due:
                self.may_go_on()
        elif isinstance(event, server.ResponseDone):
            if was_asked:  # a server may begin with a greeting, and break off each time
                self.context.outage.over()
            is_unreported = event.status == "completed" and not usage_of(event.usage).total
            if is_unreported and (problem := budget.unreported(self.context.endpoint)):
                self.cut_off(problem)
            elif not self._is_cut_off:
                self.may_go_on()
        elif link.responses.active is not None and not self._is_cut_off:
            self.may_go_on()
        if self._is_cut_off and link.responses.active and not link.responses.cancelled:
            link.exchange.give_up()  # the server had begun it before it knew
        if is_text and changes and self.progress.state.phase is not Phase.ANSWERING:
            # The first word is on its way to the page before anything is made of the state that it leads to.
            self.context.reports.say(*changes)
            for _ in range(FIRST_WORD_STEPS):
                await asyncio.sleep(0)
            changes = []
        if not is_text or self.progress.state.phase is not Phase.ANSWERING:
            self.progress.refresh()
        self.context.reports.say(*changes)

    def handle_mark(self, entry: StreamEntry) -> None:
        """A mark of the stream was sent."""
        self.progress.marked_at = self.context.clock()
        if isinstance(entry, Message) and entry.attempts == 1 and not self.context.outage.is_on:
            self._dialogue.time_message(self.progress.marked_at)
        self.progress.refresh()

    def lose_connection(self) -> None:
        """The connection is gone: what it did not answer goes back into the stream, for the next one."""
        context, link = self.context, self.context.link
        assert link
        self._over_reply.lose()
        context.link = None
        self._dialogue.lose_connection(link)
        for response_id in self.calls.lose_connection():
            link.turns.answer(response_id)
        self._broken_images = self._broken_images + 1 if link.is_at_image else 0
        if self._broken_images == MOST_ATTEMPTS:
            context.conversation.forget_images()
            context.report("image-refused")
        changes, lost_ms, given_up = rewind(context.stream, link, context.conversation)
        context.reports.say(*changes)
        self.report_lost(lost_ms)
        if given_up:
            context.report("response-missing", seconds=f"{REPLY_SECONDS:.0f}")

    def report_lost(self, lost_ms: float) -> None:
        """Report speech that reached no server, unless it is too short to hold a word."""
        if lost_ms >= LOST_MS:
            self.context.report("audio-lost", seconds=f"{lost_ms / 1000:.1f}")
