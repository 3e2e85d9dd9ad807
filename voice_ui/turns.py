"""Which reply answers which turn, and how long each stage took. Pure: events and the time go in, inputs come out.

A turn begins when the server says that speech has ended. One response answers it; what is left of an interrupted
one, and of a turn before, is not mistaken for it.
"""

from __future__ import annotations

from voice_ui.latency import AudioClock, Stage, TurnTimer
from voice_ui.protocol import ServerEvent, server
from voice_ui.state import Input


class Turns:
    """The turns of one connection."""

    def __init__(self, silence_ms: int) -> None:
        self.timer = TurnTimer()
        """Of the running turn, or the last one."""
        self.audio_clock = AudioClock()
        self._silence_ms = silence_ms
        self._response_id: str | None = None
        self._awaiting_response = False

    def apply(self, event: ServerEvent, now: float) -> Input | None:
        """Take in one event; return what it means for the state of the session."""
        match event:
            case server.SpeechStarted():
                return Input.SPEECH_STARTED
            case server.SpeechStopped(audio_end_ms=end_ms):
                return self._end_of_speech(self.audio_clock.when(end_ms - self._silence_ms) or now, now)
            case server.Committed() if not self._awaiting_response:
                return self._end_of_speech(now, now)  # no turn detection: the speaker said so
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
                    self.timer.mark(Stage.RESPONSE_DONE, now)
                    return Input.RESPONSE_DONE
        return None

    def _end_of_speech(self, speech_end: float, now: float) -> Input:
        self.timer = TurnTimer()
        self.timer.mark(Stage.SPEECH_END, speech_end)
        self.timer.mark(Stage.SPEECH_STOPPED, now)
        self._awaiting_response = True
        return Input.TURN_ENDED

    def _expect(self, response_id: str, now: float) -> None:
        self._response_id, self._awaiting_response = response_id, False
        self.timer.mark(Stage.RESPONSE_CREATED, now)

    def _answers(self, response_id: str, now: float) -> bool:
        if self._response_id is None:
            self._expect(response_id, now)  # some servers do not announce a response
        return response_id == self._response_id and not self._awaiting_response
