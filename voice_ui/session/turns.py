"""Which reply answers which turn, and how long each stage took. Pure: events and the time go in, inputs come out.

A turn begins when the server says that speech has ended. One response answers it; what is left of an interrupted
one, and of a turn before, is not mistaken for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from voice_ui.latency import AudioClock, Stage, TurnTimer
from voice_ui.protocol import ServerEvent, server
from voice_ui.state import Input

UNNOTICED_MS = 1000.0
"""A server notices speech within this much sound: what it was sent last may hold words it has not told of."""


@dataclass(frozen=True)
class OpenTurn:
    """A turn that ended and is not answered yet; its places in the stream of sound, in milliseconds."""

    item_id: str
    start_ms: float
    end_ms: float


class Turns:
    """The turns of one connection."""

    def __init__(self, silence_ms: int | None) -> None:
        """`silence_ms` is what the server waits for after speech; None where the speaker ends the turns."""
        self.timer = TurnTimer()
        """Of the running turn, or the last one."""
        self.audio_clock = AudioClock()
        self.open: OpenTurn | None = None
        self.silence_ms = silence_ms
        self._speech_start_ms: float | None = None
        self._heard_ms = 0.0  # all sound before is part of a turn, or was silence
        self._committed_ms: float | None = None  # where the speaker ended the turn
        self._response_id: str | None = None
        self._awaiting_response = False

    def unanswered_ms(self, alive_at: float) -> float:
        """Return the place in the stream from which on something may have been said that is not answered.

        What was sent after `alive_at` may never have arrived.
        """
        if self.open:
            return self.open.start_ms
        if self._speech_start_ms is not None:
            return self._speech_start_ms
        if self.silence_ms is None:
            return self._heard_ms
        return max(self._heard_ms, self.audio_clock.place(alive_at) - UNNOTICED_MS)

    def apply(self, event: ServerEvent, now: float) -> Input | None:
        """Take in one event; return what it means for the state of the session."""
        match event:
            case server.SpeechStarted(audio_start_ms=start_ms):
                self._speech_start_ms = max(start_ms, self._heard_ms)
                return Input.SPEECH_STARTED
            case server.SpeechStopped(item_id, stopped_ms):
                spoken_ms = stopped_ms - (self.silence_ms or 0)
                return self._end_turn(item_id, stopped_ms, self._spoken_until(spoken_ms, now), now)
            case server.Committed(item_id) if not self._awaiting_response:
                end_ms = self.audio_clock.stream_ms if self._committed_ms is None else self._committed_ms
                return self._end_turn(item_id, end_ms, self._spoken_until(end_ms, now), now)
            case server.ResponseCreated(response_id):
                self._expect(response_id, now)
            case server.TextDelta(response_id) if self._answers(response_id, now):
                self.timer.mark(Stage.FIRST_TEXT, now)
                return Input.TEXT
            case server.ResponseDone(response_id):
                answers = self._answers(response_id, now)
                if response_id == self._response_id:
                    self._response_id = None
                if answers:
                    self.open = None
                    self.timer.mark(Stage.RESPONSE_DONE, now)
                    return Input.RESPONSE_DONE
        return None

    @property
    def replying(self) -> str | None:
        """The id of the response that is being written, empty before it is known, None if none is awaited."""
        return "" if self._awaiting_response else self._response_id

    def commit(self) -> None:
        """The speaker ends the turn here."""
        self._committed_ms = self.audio_clock.stream_ms

    def ask(self, item_id: str, place_ms: float, now: float) -> None:
        """Something was said in writing, when all sound before `place_ms` was answered."""
        self.open = OpenTurn(item_id, place_ms, place_ms)
        self.timer = TurnTimer()
        self.timer.mark(Stage.SPEECH_END, now)
        self.timer.mark(Stage.SPEECH_STOPPED, now)
        self._awaiting_response = True

    def give_up(self) -> None:
        """The reply is not awaited any longer."""
        self._awaiting_response = False

    def await_response(self) -> Input:
        """A reply was asked for to what is known in writing; it is not timed."""
        self.timer = TurnTimer()
        self._awaiting_response = True
        return Input.TURN_ENDED

    def _end_turn(self, item_id: str, end_ms: float, speech_end: float, now: float) -> Input:
        start_ms = self._heard_ms if self._speech_start_ms is None else self._speech_start_ms
        # A turn that the speaker took up again before it was answered is one with what follows.
        self.open = OpenTurn(item_id, self.open.start_ms if self.open else start_ms, end_ms)
        self._speech_start_ms, self._heard_ms, self._committed_ms = None, end_ms, None
        self.timer = TurnTimer()
        self.timer.mark(Stage.SPEECH_END, speech_end)
        self.timer.mark(Stage.SPEECH_STOPPED, now)
        self._awaiting_response = True
        return Input.TURN_ENDED

    def _spoken_until(self, stream_ms: float, now: float) -> float:
        return self.audio_clock.when(stream_ms) or now

    def _expect(self, response_id: str, now: float) -> None:
        self._response_id, self._awaiting_response = response_id, False
        self.timer.mark(Stage.RESPONSE_CREATED, now)

    def _answers(self, response_id: str, now: float) -> bool:
        if self._response_id is None:
            self._expect(response_id, now)  # some servers do not announce a response
        return response_id == self._response_id and not self._awaiting_response
