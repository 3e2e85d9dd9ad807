"""Applies server events to the conversation, the turn's timing, the cost and the problems that are reported."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace

from voice_ui import audio
from voice_ui.protocol import ServerEvent, server
from voice_ui.session import diagnosis
from voice_ui.session.barge_in import BargeIn
from voice_ui.session.context import Context
from voice_ui.session.events import ReplyAudio, ReplyAudioDone, SessionEvent, TurnTimed, UsageCounted
from voice_ui.session.link import Link
from voice_ui.session.playback import Playback
from voice_ui.session.timing import Timing
from voice_ui.session.tools import Calls
from voice_ui.session.turns import ResponseBegan, TurnEnded
from voice_ui.usage import is_counted

MOST_UNKNOWN = 100
"""Types of ignored events that are counted apart."""

MOST_TRANSCRIBED = 100
"""Items whose transcript was billed: one may be told twice."""

_log = logging.getLogger("voice_ui.session")


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that the connection has taken in, with what it knew then."""

    event: ServerEvent
    news: tuple[TurnEnded | ResponseBegan, ...]
    now: float
    spoken_until: float
    """When the words of the turn that ended were captured."""
    was_cancelled: bool
    """Whether it is about a response that was cancelled by us."""
    is_repeated: bool = False
    """Whether it is the end of a response that was told before."""


class Dialogue:
    """The server's side of one press of Start."""

    def __init__(
        self,
        context: Context,
        calls: Calls,
        barge_in: BargeIn,
        playback: Playback,
    ) -> None:
        self._context, self._conversation, self._budget = context, context.conversation, context.budget
        self._endpoint, self._reports, self._clock = context.endpoint, context.reports, context.clock
        self._calls, self._barge_in, self._playback = calls, barge_in, playback
        self._kept: list[Taken] = []  # until it is decided whether it was speech that cuts a reply short
        self._transcribed: deque[str] = deque(maxlen=MOST_TRANSCRIBED)
        self._timing = Timing()
        self._began = context.clock()
        self._reported_malformed = False

    def time_message(self, now: float) -> None:
        """A typed message was sent: its reply is timed from here."""
        self._calls.begin_turn()
        self._timing.end_turn(now, now)

    def take(self, event: ServerEvent, link: Link) -> list[SessionEvent]:
        """Take in an event from a connection; return the changes to report."""
        responses, barge_in = link.responses, self._barge_in
        if (
            responses.has_text
            and isinstance(event, server.ReplyTextDelta)
            and event.response_id == responses.active
            and event.response_id not in barge_in.responses
            and event.response_id not in barge_in.ignored
        ):
            return self._go_on(event, link)
        now = self._clock()
        if barge_in.ignored:
            barge_in.begin_anew(event)
        response_id: str = getattr(event, "response_id", "")
        was_cancelled = responses.cancelled and response_id == responses.active
        is_repeated = False
        if isinstance(event, server.ResponseDone):  # before another reply is asked for
            is_repeated = responses.has_finished(response_id)
            self._bill(event, is_repeated=is_repeated)
        news = tuple(link.apply(event))
        self._meter(event, news, link, now)
        spoken_until = [link.spoken_until(each.turn) or now for each in news if isinstance(each, TurnEnded)]
        taken = Taken(event, news, now, spoken_until[0] if spoken_until else now, was_cancelled, is_repeated)
        answered = [each.item_id for each in news if isinstance(each, ResponseBegan)]
        if barge_in.items and barge_in.keeps(event, answered):
            self._kept.append(taken)
            return []
        if barge_in.ignored and barge_in.ignores(event):
            return []
        return self._take(taken, link)

    def release(self, link: Link) -> list[SessionEvent]:
        """What was kept back is part of the conversation; return what it changed."""
        kept, self._kept = self._kept, []
        return [change for taken in kept for change in self._take(taken, link)]

    def forget(self, *, everything: bool = False) -> None:
        """What was kept back of what is ignored is no part of the conversation; or nothing is, and is said again."""
        self._kept = [taken for taken in self._kept if not everything and not self._barge_in.ignores(taken.event)]

    def _meter(self, event: ServerEvent, news: tuple[TurnEnded | ResponseBegan, ...], link: Link, now: float) -> None:
        """Count what costs money, whatever becomes of it."""
        for each in news:
            if isinstance(each, TurnEnded):
                self._budget.hear((each.turn.end_ms - each.turn.start_ms) / 1000)
        match event:
            case server.ReplyTextDelta(delta=delta):
                self._budget.written += len(delta)
            case server.TranscriptionCompleted(item_id, usage=usage) if item_id not in self._transcribed:
                self._transcribed.append(item_id)
                self._budget.add_transcription(usage, self._endpoint, link.config.transcription_model, now)
                self._report_usage()

    def _take(self, taken: Taken, link: Link) -> list[SessionEvent]:
        event, now = taken.event, taken.now
        changes: list[SessionEvent] = []
        for news in taken.news:
            match news:
                case TurnEnded():
                    self._calls.begin_turn()
                    self._timing.end_turn(taken.spoken_until, now)
                case ResponseBegan(response_id, item_id):
                    self._timing.begin_response(now)
                    self._conversation.begin_response(response_id, item_id)
        has_calls = isinstance(event, server.ResponseDone) and self._calls.are_made_by(event.response_id)
        changes += self._calls.take(event, is_wanted=not taken.was_cancelled)
        changes += self._conversation.apply(event)
        match event:
            case server.ReplyTextDelta(response_id, item_id):
                if changes and response_id == link.responses.active:
                    self._time_text(item_id, link, now)
                if isinstance(event, server.OutputAudioTranscriptDelta):
                    self._take_transcript(event)
            case server.AudioDelta(response_id, item_id, _, delta):
                is_wanted = response_id != link.responses.active or not link.responses.cancelled
                changes += self._take_audio(item_id, delta, is_wanted=is_wanted)
            case server.AudioDone(_, item_id):
                changes.append(ReplyAudioDone(item_id))
                self._playback.complete(item_id)
            case server.ResponseDone() if not taken.is_repeated:
                self._finish(event, has_text=has_calls or bool(changes), was_cancelled=taken.was_cancelled)
            case server.ErrorEvent() if item_id := link.refused_image(event):
                changes += self._conversation.fail(item_id)
                self._context.report("image-refused", diagnosis.words(event), self._reports.received)
            case server.ErrorEvent():
                self._take_error(event, link)
            case server.Unknown(type=what) | server.Malformed(reason=what):
                counts = self._context.unknown_events
                counts[what if what in counts or len(counts) < MOST_UNKNOWN else "other"] += 1
                self._report(event)
            case _:
                self._report(event)
        return changes

    def _bill(self, event: server.ResponseDone, *, is_repeated: bool) -> None:
        """Count what a response used; where the server does not say, what it must have used at least."""
        if is_repeated:
            return
        if is_counted(event.usage):
            self._budget.add(event.usage, self._endpoint, self._clock())
        else:
            self._budget.settle_reply(self._endpoint, self._clock())
        self._report_usage()

    def _report_usage(self) -> None:
        budget = self._budget
        per_minute = budget.per_minute(self._clock(), self._began)
        self._reports.say(UsageCounted(budget.usage, budget.cost, budget.is_exact, per_minute))

    def lose_connection(self, link: Link) -> None:
        """Nothing more comes over it; what was used and is not reported yet never will be."""
        self._playback.lose_connection()
        dollars = self._budget.dollars
        self._budget.lose_connection(self._endpoint, link.config.transcription_model, self._clock())
        if self._budget.dollars != dollars:
            self._report_usage()

    def _go_on(self, event: server.ReplyTextDelta, link: Link) -> list[SessionEvent]:
        """Take in more of the current reply. Most events are deltas and change nothing else."""
        self._budget.written += len(event.delta)
        changes: list[SessionEvent] = [*self._conversation.append(event)]
        if changes and not self._timing.is_answered:
            self._time_text(event.item_id, link, self._clock())
        if isinstance(event, server.OutputAudioTranscriptDelta):
            self._take_transcript(event)
        return changes

    def _take_transcript(self, event: server.OutputAudioTranscriptDelta) -> None:
        """The transcript of a spoken reply has grown."""
        self._playback.take_text(event.item_id, len(self._conversation.text_of(event.item_id)))

    def _time_text(self, item_id: str, link: Link, now: float) -> None:
        is_answer = self._conversation.phase_of(item_id) != "commentary"
        if self._timing.take_text(now, is_answer=is_answer):
            timer = replace(self._timing.timer, moments=dict(self._timing.timer.moments))
            self._reports.say(TurnTimed(self._conversation.turn_of(item_id), timer, link.round_trip_ms))

    def _take_audio(self, item_id: str, delta: str, *, is_wanted: bool) -> list[SessionEvent]:
        """`is_wanted`: its response was not cancelled before this came; it is silenced, else, and truncated."""
        try:
            pcm = audio.decode(delta)
        except ValueError:
            self._context.unknown_events["audio that is not base64 PCM"] += 1
            return []
        self._budget.speak(len(pcm) / (audio.SAMPLE_BYTES * audio.SAMPLE_RATE))
        is_played = bool(pcm) and self._playback.receive(item_id, pcm) and is_wanted
        return [ReplyAudio(item_id, pcm)] if is_played else []

    def _finish(self, event: server.ResponseDone, *, has_text: bool, was_cancelled: bool) -> None:
        self._playback.complete()
        _log.info("response %s: %s", event.status, self._timing.finish(self._clock()))
        if not (was_cancelled and event.status == "cancelled"):
            self._report(event)
        is_message = all(item.type == "message" for item in event.output)
        if event.status == "completed" and is_message and not has_text:
            self._context.report("reply-empty")

    def _take_error(self, event: server.ErrorEvent, link: Link) -> None:
        """Take in an `error`; if it comes instead of a response, stop waiting for the response."""
        is_about_reply = link.responses.is_ours(event.event_id)
        if link.expects(event):
            return
        if refused := link.refusal(event):
            if not link.has_updates:
                self._context.config = link.config  # it is not asked for again
            self._reports.raise_problem(refused, self._reports.received)
            return
        self._report(event)
        is_about_reply = is_about_reply or (not event.event_id and diagnosis.is_end_of_reply(event))
        if is_about_reply and not link.responses.is_writing:
            link.exchange.give_up()

    def _report(self, event: ServerEvent) -> None:
        """Report the problem in an event, if any; unreadable messages are reported once."""
        if isinstance(event, server.Malformed):
            if self._reported_malformed:
                return
            self._reported_malformed = True
        if problem := diagnosis.problem_of(event, self._endpoint):
            self._reports.raise_problem(problem, self._reports.received)
