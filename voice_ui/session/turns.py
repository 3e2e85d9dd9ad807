"""Who is speaking, which turns are unanswered, and where they are in the audio. Pure: events and the time go in.

A turn ends when the server says so, or by hand. A response answers every turn that had ended when it was created;
until it is done, these turns are what the next connection would have to be told again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from voice_ui.protocol import server
from voice_ui.session.entries import Ask, Commit, Message, Outputs
from voice_ui.session.responses import REMEMBERED
from voice_ui.session.stream import Stream

UNNOTICED_SECONDS = 3.0
"""A server notices speech within this time of its arrival, also in a burst of kept audio."""

ONSET_MS = 1000.0
"""Speech is noticed within this much audio after it began: detection takes 0.1 s, and words may start softly."""

TOLERANCE_MS = 60.0
"""A server may round a position to its own frames."""

ARRIVAL_SECONDS = 0.2
"""Where a server does not say where speech ended: before what was sent within this time. No silence that ends a turn
is shorter (protocol facts, section 2.3)."""


@dataclass(slots=True, eq=False)
class Turn:
    """A turn that has ended but is unanswered; positions are in the audio of the connection."""

    item_id: str
    start_ms: float
    end_ms: float
    entry: Ask | None = None
    """What asked for its reply, where the server does not reply by itself."""
    committed: bool = False
    response_id: str | None = None
    """The response that answers it, once there is one."""
    arrived: bool = True
    """Whether the server has what was written; a response that it began before knows nothing of it."""
    is_refused: bool = False
    """Whether a response was running when it ended: a server that replies by itself then creates none."""
    response_before: str | None = None
    """The response that began before it arrived; a server that repeats no items may answer it all the same."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Speech ended, as the server reported or by hand."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class ResponseBegan:
    """A response began, announced or not."""

    response_id: str
    item_id: str | None
    """The newest item that it answers; None if the server speaks by itself."""


class Turns:
    """The turns of one connection."""

    def __init__(self, stream: Stream, *, by_hand: bool) -> None:
        """`by_hand`: the speaker ends the turns, not the server."""
        self.open: list[Turn] = []
        """Oldest first."""
        self.by_hand = by_hand
        self._stream = stream
        self.spoken_item_id = ""
        """Of the utterance that is being heard, or was heard last."""
        self._speech_start_ms: float | None = None
        self._heard_ms = 0.0  # all audio before this place is part of a turn that ended
        self._commits: list[Commit] = []  # sent, and not confirmed yet
        self._ended: deque[str] = deque(maxlen=REMEMBERED)  # ids of the items of turns that ended

    @property
    def speaking(self) -> bool:
        """Whether the server hears speech."""
        return self._speech_start_ms is not None

    @property
    def speech_start_ms(self) -> float | None:
        """Where the speech began that the server hears."""
        return self._speech_start_ms

    @property
    def uncommitted_item_id(self) -> str:
        """The item of the utterance that is committed next, where the server has named it; else ""."""
        if self.open and not self.open[-1].committed:
            return self.open[-1].item_id
        return self.spoken_item_id if self.speaking else ""

    @property
    def ended_item_id(self) -> str:
        """The item of the turn that ended last; "" if there is none."""
        return self._ended[-1] if self._ended else ""

    @property
    def ended_item_ids(self) -> Iterable[str]:
        """The items of the turns that ended, of the newest ones only."""
        return self._ended

    @property
    def awaited(self) -> list[Turn]:
        """The open turns that no response answers yet."""
        return [turn for turn in self.open if turn.response_id is None]

    @property
    def are_unanswered(self) -> bool:
        """Whether something was sent that is not answered yet."""
        return bool(self.open or self._commits)

    def are_about(self, entry: Ask) -> bool:
        """Whether an open turn is what this entry asked for."""
        return any(turn.entry is entry for turn in self.open)

    @property
    def are_asked_about(self) -> bool:
        """Whether something was sent that no response answers yet."""
        return bool(self.awaited or self._commits)

    def unanswered_ms(self, alive_at: float) -> float:
        """Return the place from which on something may have been said that is not answered.

        Everything sent before `alive_at` is known to have arrived.
        """
        places = [turn.start_ms for turn in self.open]
        if self._speech_start_ms is not None:
            places.append(self._speech_start_ms)
        # Also before a turn that is open: one that was typed does not mean that what was said before it arrived.
        return min(*places, self._heard_ms if self.by_hand else self._noticed_ms(alive_at), float("inf"))

    def begin_speech(self, event: server.SpeechStarted, now: float) -> None:
        """The server hears speech."""
        start_ms = self._noticed_ms(now)
        if event.audio_start_ms is not None:
            start_ms = min(start_ms, max(event.audio_start_ms, self._heard_ms))
        self._speech_start_ms = start_ms
        self.spoken_item_id = event.item_id

    def end_speech(self, event: server.SpeechStopped, now: float) -> Turn | None:
        """The server has ended the utterance; return the turn if it is new."""
        if self._is_repeated(event.item_id):
            return None
        return self._end(event.item_id, self._end_ms(event.audio_end_ms, now))

    def commit(self, item_id: str, now: float) -> Turn | None:
        """The server has created an item for the utterance; return the turn if it is new."""
        last = self.open[-1] if self.open else None
        if last and not last.committed and not self._commits:  # speech_stopped came first
            last.committed = True
            last.item_id = item_id or last.item_id
            self._ended.append(last.item_id)
            return None
        if self._is_repeated(item_id):
            return None
        commit = self._commits.pop(0) if self._commits else None
        turn = self._end(item_id, commit.end_ms if commit else self._end_ms(None, now))
        turn.entry, turn.committed = commit, True
        if commit and not commit.wants_reply:
            self.drop(turn)
        return turn

    def begin_response(self, response_id: str) -> ResponseBegan:
        """A response begins; it answers all that had ended before."""
        awaited = self.awaited
        for turn in awaited:
            if turn.arrived:
                turn.response_id = response_id
            else:
                turn.response_before = response_id
        answered = [turn for turn in awaited if turn.arrived] or awaited
        return ResponseBegan(response_id, answered[-1].item_id if answered else None)

    def arrive(self, item_id: str) -> None:
        """The server has repeated an item that we wrote."""
        for turn in self.open:
            turn.arrived = turn.arrived or turn.item_id == item_id

    def ask(self, entry: Commit | Message | Outputs) -> None:
        """A commit, a message or the outputs of tools were sent, and a reply is wanted for them."""
        if isinstance(entry, Commit):
            self._commits.append(entry)
            return
        is_message = isinstance(entry, Message)
        turn = Turn(entry.item_id, entry.end_ms, entry.end_ms, entry, committed=True, arrived=not is_message)
        # A response that answers outputs and something said since belongs to the turn of what was said.
        self.open.insert(0 if isinstance(entry, Outputs) else len(self.open), turn)

    def want_no_reply(self) -> None:
        """Stop waiting for replies; a commit on its way still has to arrive, or what was said would be lost."""
        for turn in list(self.open):
            self.drop(turn)
        for commit in self._commits:
            commit.wants_reply = False

    def give_up(self) -> None:
        """Stop waiting for anything."""
        self.want_no_reply()
        for commit in self._commits:
            self._stream.answer(commit)
        self._commits.clear()

    def refuse_commit(self, commit: Commit) -> None:
        """The server found nothing to commit: there is nothing to answer."""
        if commit in self._commits:
            self._commits.remove(commit)
        self._stream.answer(commit)

    def answer(self, response_id: str) -> None:
        """The turns that this response answers are answered."""
        for turn in list(self.open):
            never_arrived = not turn.arrived and turn.response_before == response_id
            if turn.response_id == response_id or never_arrived:
                self.drop(turn)

    def drop(self, turn: Turn) -> None:
        """Stop waiting for a turn."""
        self.open.remove(turn)
        if turn.entry:
            self._stream.answer(turn.entry)

    def forget_speech(self) -> None:
        """Forget the current utterance: turn detection has changed."""
        self._speech_start_ms, self._heard_ms = None, self._stream.sent_ms

    def _end(self, item_id: str, end_ms: float) -> Turn:
        start_ms = self._heard_ms if self._speech_start_ms is None else self._speech_start_ms
        self._speech_start_ms, self._heard_ms = None, max(end_ms, self._heard_ms)
        turn = Turn(item_id, min(start_ms, end_ms), end_ms)
        self.open.append(turn)
        if item_id:
            self._ended.append(item_id)
        return turn

    def _is_repeated(self, item_id: str) -> bool:
        """Whether an item belongs to a turn that ended before, not to one that is being heard under the same id."""
        return item_id in self._ended and (self._speech_start_ms is None or self.spoken_item_id != item_id)

    def _noticed_ms(self, alive_at: float) -> float:
        """Return the place before which a server that was alive then has noticed all speech."""
        return max(self._heard_ms, self._stream.sent_before(alive_at - UNNOTICED_SECONDS) - ONSET_MS)

    def _end_ms(self, told_ms: float | None, now: float) -> float:
        """Return where an utterance ended that the server takes for ended now.

        A place is believed where it can be: some servers give none, or count another time (LocalAI: since the session
        began, which goes on while nothing is sent).
        """
        start_ms = self._heard_ms if self._speech_start_ms is None else self._speech_start_ms
        if told_ms is None or not start_ms <= told_ms <= self._stream.sent_ms + TOLERANCE_MS:
            return max(start_ms, self._stream.sent_before(now - ARRIVAL_SECONDS))
        return min(told_ms, self._stream.sent_ms)
