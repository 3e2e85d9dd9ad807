"""How far a press of Start has come: its state, derived from what is known, and how long it waits in each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from voice_ui.session.barge_in import BargeIn
from voice_ui.session.context import Context
from voice_ui.session.events import StateChanged
from voice_ui.session.microphone import Microphone
from voice_ui.session.playback import Playback
from voice_ui.session.state import IDLE, Phase, State
from voice_ui.session.timer import Timer
from voice_ui.session.tools import Calls
from voice_ui.session.truncation import Truncation
from voice_ui.session.turns import UNNOTICED_SECONDS

REPLY_SECONDS = 30.0
"""How long to wait for a reply to begin."""

TEXT_SECONDS = 60.0
"""How long to wait for more of a reply that has begun."""

LAST_SPEECH_SECONDS = 10.0
"""For the end of speech, after Stop or in silence: semantic turn detection waits up to 8 s (openai 3.54,
types/realtime/realtime_audio_input_turn_detection.py)."""

SETTLE_SECONDS = 1.0
"""After Stop, when all was sent and nobody seems to have spoken: a server notices speech within this time."""

TRANSCRIPT_SECONDS = 3.0
"""For the transcript of what was said, which may come after the reply; what is lost is missing in the next session."""

RECEIVED_SECONDS = 1.0
"""How often to look whether the server has received what was said before Stop."""

LOST_MS = 100.0
"""Shorter losses of speech are not reported."""


class Progress:
    """The state of one press of Start."""

    def __init__(
        self,
        context: Context,
        microphone: Microphone,
        calls: Calls,
        barge_in: BargeIn,
        playback: Playback,
        truncation: Truncation,
        *,
        on_settled: Callable[[], object],
        on_limit: Callable[..., object],
    ) -> None:
        """`on_settled` is called when nothing more is to be expected after Stop, `on_limit` with a code and facts."""
        self.state = IDLE
        self.marked_at = 0.0
        """When the last mark of the stream was sent."""
        self.text_at = 0.0
        """When text of a reply last came, or something was last played."""
        self._context, self._microphone, self._calls = context, microphone, calls
        self._barge_in, self._playback, self._truncation = barge_in, playback, truncation
        self._on_settled, self._on_limit = on_settled, on_limit
        self._were_running = False  # calls, when the state was last derived
        self._waiting, self._time_limit = Timer(), Timer()

    def begin(self) -> None:
        """The microphone was opened: it may stay open for the limited time."""
        if minutes := self._context.budget.limits.max_minutes:
            self._time_limit.set(minutes * 60, partial(self._on_limit, "time-limit", minutes=f"{minutes:g}"))

    def end(self) -> None:
        """The microphone was closed."""
        self._time_limit.stop()

    def stop(self) -> None:
        """Wait for nothing."""
        self._waiting.stop()
        self._time_limit.stop()

    def refresh(self, attempt: int = 0) -> None:
        """Derive the state, and report it if it has changed; `attempt` to reconnect, if it is a new one."""
        before, were_running = self.state, self._were_running
        self.state, self._were_running = State(self._phase, self._microphone.is_open), self._calls.are_running
        if self.state == before and not attempt and self._were_running == were_running:
            if self.state.phase is Phase.LISTENING and not self.state.microphone:
                self._wait()
            return
        self._microphone.attention.paid()
        if self.state.phase is not Phase.LISTENING:
            self._context.reports.solve("server-silent")
        self._wait()
        if self.state != before or attempt:
            self._context.reports.say(StateChanged(self.state, attempt))

    @property
    def _phase(self) -> Phase:
        link, stream = self._context.link, self._context.stream
        if link is None:
            if self._context.outage.is_on:
                return Phase.RECONNECTING
            return Phase.CONNECTING if self.state is IDLE else self.state.phase
        is_answering = link.responses.is_writing or self._playback.is_playing
        if self._microphone.is_held or (link.turns.speaking and not (is_answering and self._barge_in.items)):
            return Phase.HEARING
        if is_answering:
            return Phase.ANSWERING
        is_asking = link.responses.is_blocked or link.responses.is_asked
        if link.turns.open or is_asking or stream.asks or self._calls.are_acting:
            return Phase.THINKING
        return Phase.LISTENING

    # What it waits for.

    @property
    def transcribed_by(self) -> float:
        """Until when to wait for the transcripts of this connection that are still to come; 0 if there are none."""
        link = self._context.link
        is_to_come = self._context.conversation.is_transcribing
        if link and link.config.transcription_model and any(map(is_to_come, link.turns.ended_item_ids)):
            return max(self.marked_at, self.text_at) + TRANSCRIPT_SECONDS
        return 0.0

    def _wait(self) -> None:
        self._waiting.stop()
        match self.state.phase:
            case Phase.THINKING if not self._were_running:  # a call has a time-out of its own
                self._waiting.set(REPLY_SECONDS, self._lose_reply)
            case Phase.ANSWERING:
                self._waiting.set(TEXT_SECONDS, self._check_text)
            case Phase.HEARING if not self.state.microphone:
                self._waiting.set(LAST_SPEECH_SECONDS, self._settle)
            case Phase.HEARING if not self._microphone.is_held:
                self._waiting.set(LAST_SPEECH_SECONDS, self._check_speech)
            case Phase.LISTENING if not self.state.microphone:
                if self._context.stream.is_sent:
                    self._waiting.set(self._unsettled_seconds, self._settle)
            case Phase.LISTENING if minutes := self._context.budget.limits.idle_minutes:
                self._waiting.set(minutes * 60, partial(self._on_limit, "idle-limit", minutes=f"{minutes:g}"))

    @property
    def _unsettled_seconds(self) -> float:
        """How long the server may still notice something in what was said before Stop, once all of it was sent."""
        stream, link = self._context.stream, self._context.link
        if link is None:
            return 0.0
        stream.trim(link.unanswered_ms)
        noticed = UNNOTICED_SECONDS if stream.speech_ms >= LOST_MS else SETTLE_SECONDS
        until = 0.0 if link.turns.by_hand else self.marked_at + noticed
        return max(until, self.transcribed_by) - self._context.clock()

    def _settle(self) -> None:
        """End the press: everything the server noticed is answered."""
        stream, link = self._context.stream, self._context.link
        if self._microphone.is_open or link is None:
            return
        stream.trim(link.unanswered_ms)
        if stream.speech_ms >= LOST_MS:
            if not link.has_received(self.marked_at + SETTLE_SECONDS):
                self._waiting.set(RECEIVED_SECONDS, self._settle)  # until it is, or the connection lost
                return
            if self.state.phase is Phase.HEARING:
                self._context.report("response-missing", seconds=f"{LAST_SPEECH_SECONDS:.0f}")
        stream.clear()
        self._on_settled()

    def _check_speech(self) -> None:
        """See whether the server hears speech where there is none: it may never say that it is over."""
        link, heard_by = self._context.link, self._microphone.loud_at + LAST_SPEECH_SECONDS
        if link is None:
            return
        left = heard_by - self._context.clock()
        if left > 0 or not link.has_received(heard_by):  # until it is, or the connection lost
            self._waiting.set(max(left, RECEIVED_SECONDS), self._check_speech)
            return
        self._context.report("response-missing", seconds=f"{LAST_SPEECH_SECONDS:.0f}")
        link.turns.forget_speech()
        link.exchange.hand_over()
        self.refresh()

    def _lose_reply(self) -> None:
        """No reply came."""
        self._context.report("response-missing", seconds=f"{REPLY_SECONDS:.0f}")
        self._give_up_reply()

    def _check_text(self) -> None:
        """See whether nothing more came of a reply, or nothing more of it was played."""
        left = TEXT_SECONDS - (self._context.clock() - self.text_at)
        if left > 0:
            self._waiting.set(left, self._check_text)
            return
        link = self._context.link
        is_written = link is not None and not link.responses.is_writing
        self._truncation.truncate()
        if not is_written:
            self._context.report("response-incomplete", f"no text for {TEXT_SECONDS:.0f} s")
            self._give_up_reply()

    def _give_up_reply(self) -> None:
        if link := self._context.link:
            for response_id in self._calls.end_responses():
                link.turns.answer(response_id)
            link.exchange.give_up()
        self.refresh()
        if self.state.phase is Phase.THINKING:
            self._wait()  # for something else
