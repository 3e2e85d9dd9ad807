"""Who is answered, over one connection: the turns, the one slot for a response, and what waits for it.

Decides what to ask for, and when; what it decides is sent by the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from voice_ui.protocol import ClientEvent, ServerEvent, SessionConfig, client, server
from voice_ui.session import diagnosis
from voice_ui.session.entries import Commit, Outputs
from voice_ui.session.given import Given
from voice_ui.session.names import Names
from voice_ui.session.responses import Action, Responses
from voice_ui.session.stream import Stream
from voice_ui.session.timer import Timer
from voice_ui.session.turns import ResponseBegan, Turn, TurnEnded, Turns

UNANNOUNCED_SECONDS = 3.0
"""A response that the server creates by itself is announced within this time, and one that was cancelled ends; after
it we ask for what we want."""

_OF_A_RESPONSE = (
    server.ReplyTextDelta,
    server.ReplyTextDone,
    server.AudioDelta,
    server.OutputItemAdded,
    server.OutputItemDone,
    server.ResponseDone,
)

_OF_A_TRANSCRIPT = (server.TranscriptionCompleted, server.TranscriptionFailed)


class Exchange:
    """The turns of one connection, and the responses to them."""

    def __init__(
        self,
        config: SessionConfig,
        stream: Stream,
        ids: Iterator[str],
        clock: Callable[[], float],
        *,
        send: Callable[[ClientEvent], object],
        may_ask: Callable[[], bool],
    ) -> None:
        """`send` sends an event soon; `may_ask` is called before a reply is asked for."""
        self.config = config
        """The last confirmed configuration."""
        self.turns = Turns(stream, by_hand=config.turn_detection == "none")
        self.responses = Responses()
        self.given = Given(ids, self.turns.arrive)
        """What the server was given by us."""
        self.names = Names()
        """What the server's items are called here."""
        self.held = False
        """Whether the push-to-talk button is held."""
        self.spoken_over: list[Turn] | None = None
        """The turns that were said over a reply, while it is not decided whether they cut it short; else None."""
        self._stream, self._ids, self._clock = stream, ids, clock
        self._send, self._may_ask = send, may_ask
        self._commits: dict[str, Commit] = {}  # by the id of the event
        self._outputs: list[Outputs] = []  # of tools, until the slot for a response is free and nobody speaks
        self._unannounced = Timer()

    def close(self) -> None:
        """The connection is gone."""
        self._unannounced.stop()

    # What is sent from the stream.

    def commit(self, entry: Commit) -> ClientEvent:
        """A turn by hand is about to be committed; return the event."""
        event_id = next(self._ids)
        self._commits[event_id] = entry
        self.turns.ask(entry)
        return client.InputAudioBufferCommit(event_id=event_id)

    def want(self) -> None:
        """Ask for a reply, now or when the slot is free."""
        self._act(self.responses.want())

    def take_outputs(self, entry: Outputs) -> None:
        """Tools have returned something."""
        if entry.wants_reply:
            self._outputs.append(entry)
            self.hand_over()
        else:
            self._give_outputs(entry)
            self._stream.answer(entry)

    def hand_over(self) -> None:
        """Ask for a reply to outputs of tools; they wait until nobody speaks, and for the slot."""
        self.responses.quiet = not self.turns.speaking and not self.held
        if self._outputs:
            self._act(self.responses.want_in_quiet())
            self.wait_for_slot()

    def release_outputs(self) -> None:
        """Give the server the outputs of tools that wait for the slot, and ask for no reply to them."""
        self.responses.want_no_more_in_quiet()
        for entry in self._outputs:
            self._give_outputs(entry)
            self._stream.answer(entry)
        self._outputs.clear()

    def wait_for_slot(self) -> None:
        """Ask anyway after a while, if a response holds the slot that may never come, or end."""
        if self.responses.is_stuck:
            self._unannounced.set(UNANNOUNCED_SECONDS, self._ask_anyway)

    def _ask_anyway(self) -> None:
        """The response that holds the slot was never announced, or never ended when it was cancelled."""
        if self.responses.is_stuck:
            self._act(self.responses.free())

    # What a person does.

    def interrupt(self) -> None:
        """Interrupt the running or expected reply."""
        action = self.responses.interrupt()
        self.turns.want_no_reply()
        self._act(action)

    def give_up(self) -> None:
        """Stop waiting for the reply."""
        self.turns.give_up()
        self._act(self.responses.interrupt() if self.responses.is_running else self.responses.free())
        self.hand_over()

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
            self.wait_for_slot()
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

    # What the server does.

    def identified(self, event: ServerEvent) -> ServerEvent:
        """Return the event with its ids: those of items are unique; where a server leaves one out, it is about the
        response that runs, or about what was said last."""
        event = self.names.named(event)
        if isinstance(event, _OF_A_RESPONSE):
            if not event.response_id and self.responses.active:
                return replace(event, response_id=self.responses.active)
        elif isinstance(event, server.Committed) and not event.item_id:
            return replace(event, item_id=self.turns.uncommitted_item_id or next(self._ids))
        elif isinstance(event, _OF_A_TRANSCRIPT) and not event.item_id:
            return replace(event, item_id=self.turns.ended_item_id or next(self._ids))
        return event

    def apply(self, event: ServerEvent) -> list[TurnEnded | ResponseBegan]:
        """Bring turns and responses up to date; return what began or ended (most events: nothing)."""
        news: list[TurnEnded | ResponseBegan] = []
        match event:
            case (
                server.ReplyTextDelta(response_id) | server.ReplyTextDone(response_id) | server.AudioDelta(response_id)
            ):
                news = self._announce(response_id)
                self.responses.wrote(response_id)
            case server.OutputItemAdded(response_id):
                news = self._announce(response_id)
            case server.ResponseCreated(response_id):
                news = [self._begin_response(response_id)]
            case server.ResponseDone(response_id):
                if self._is_stray(event):
                    return news
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
            case _:
                return news
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
        turn.is_refused = bool(self.responses.active)  # by now it has ended at a server that cuts it short by itself
        if self.spoken_over is not None:
            self.spoken_over.append(turn)
        if not turn.is_refused:
            self.responses.expect()
        elif self.spoken_over is None:
            if self.config.barge_in != "never":
                self._act(self.responses.interrupt())
            self._act(self.responses.want_for_speech())
            self.wait_for_slot()

    def _announce(self, response_id: str) -> list[TurnEnded | ResponseBegan]:
        """Take in the beginning of a response that the server has not announced."""
        is_expected = bool(response_id) or bool(self.turns.awaited)
        if self.responses.is_new(response_id) and is_expected:
            return [self._begin_response(response_id)]
        return []

    def _is_stray(self, event: server.ResponseDone) -> bool:
        """Whether a response ends that nobody announced, and that is not the one we wait for."""
        is_other = self.responses.is_running or (self.responses.is_asked and event.status == "cancelled")
        return is_other and self.responses.is_new(event.response_id)

    def _begin_response(self, response_id: str) -> ResponseBegan:
        began = self.turns.begin_response(response_id)
        self._act(self.responses.created(response_id))
        if not self.responses.cancelled and not self.turns.are_asked_about:
            self.responses.want_no_more()
        return began

    def expects(self, event: server.ErrorEvent) -> bool:
        """Take in an error that answers an event of ours and changes what we do; False if it is none of these."""
        is_taken = event.code == "conversation_already_has_active_response"
        if is_taken and not event.event_id and self._is_taken_care_of:
            return True
        if is_taken and not event.event_id and self.turns.awaited:
            # The server could not reply to what was just said, because a response runs that began meanwhile.
            self._act(self.responses.interrupt())
            self._act(self.responses.want())
            self.wait_for_slot()
            return True
        if self.responses.is_ours(event.event_id):
            self._act(self.responses.refused(is_taken=is_taken))
            self.wait_for_slot()
            return is_taken
        if event.event_id and event.event_id in self._commits:
            self.turns.refuse_commit(self._commits.pop(event.event_id))
            if not self.turns.are_asked_about:
                self.responses.want_no_more()
            return event.code in diagnosis.NOTHING_TO_DO
        return False

    @property
    def _is_taken_care_of(self) -> bool:
        """Whether a turn to which the server could not reply is asked about when it is decided, or is already."""
        return self.spoken_over is not None or self.responses.is_blocked or not self.turns.awaited

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
                self._send(client.ResponseCreate(event_id=event_id))
            case Action.CANCEL:
                for turn in [turn for turn in self.turns.open if turn.response_id == self.responses.active]:
                    self.turns.drop(turn)
                self._send(client.ResponseCancel(self.responses.active or None, event_id=next(self._ids)))
                self.wait_for_slot()  # a server that said that it failed may say nothing of its end

    def _give_outputs(self, entry: Outputs) -> None:
        for call_id, output in entry.outputs:
            self._send(self.given.output(call_id, output))
