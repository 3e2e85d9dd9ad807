"""The states of a session and every way from one to another: one word, one table. Pure.

    idle ─start─▶ connecting ─configured─▶ listening ─speech─▶ hearing ─turn ended─▶ thinking ─text─▶ answering
                                               ▲                  ▲                      │                │
                                               │                  └──────── speech ──────┴────────────────┤
                                               └───────────────────── response done ──────────────────────┘

Stop closes the microphone, not the turn: what was said is still answered. Each state has a twin for that time, and
the twins lead to idle. `settling` is the twin of listening: the last words are sent, and the server has a moment to
notice speech in them. A lost connection leads to `reconnecting` and from there to listening again; any failure leads
to `error`. An input that a state does not name changes nothing.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session is; `shown` is the word for people, scripts and tests."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    ANSWERING = "answering"
    RECONNECTING = "reconnecting"
    ERROR = "error"
    # After Stop:
    CONNECTING_LAST = "connecting-last"
    SETTLING = "settling"
    HEARING_LAST = "hearing-last"
    THINKING_LAST = "thinking-last"
    ANSWERING_LAST = "answering-last"
    RECONNECTING_LAST = "reconnecting-last"

    @property
    def shown(self) -> str:
        """The contract's word for it (data-state): with the microphone closed nothing is heard, only awaited."""
        return {"settling": "thinking", "hearing-last": "thinking"}.get(self.value, self.value.removesuffix("-last"))

    @property
    def capturing(self) -> bool:
        """Whether sound is wanted from the microphone."""
        return not self.at_rest and self is not State.SETTLING and not self.value.endswith("-last")

    @property
    def replying(self) -> bool:
        """Whether a reply is being written, or awaited."""
        return self.shown in {"thinking", "answering"} and self not in {State.SETTLING, State.HEARING_LAST}

    @property
    def at_rest(self) -> bool:
        """Whether no connection is open, nor wanted."""
        return self in {State.IDLE, State.ERROR}


class Input(StrEnum):
    """Everything that can happen to a session."""

    START = "start"
    STOP = "stop"
    DISMISSED = "dismissed"
    CONFIGURED = "configured"
    SPEECH_STARTED = "speech started"
    TURN_ENDED = "turn ended"
    NOTHING_SAID = "nothing said"
    """The speaker took the turn by hand and gave it back, or the server is to detect turns in another way."""
    TEXT = "text"
    RESPONSE_DONE = "response done"
    WAITED = "waited"
    """The state's time is over, see `PATIENCE`."""
    LOST = "lost"
    """The connection is gone, and worth trying again."""
    FAILED = "failed"
    CLOSED = "closed"
    """The tab is gone."""


_S, _I = State, Input

TABLE: dict[tuple[State, Input], State] = {
    (_S.IDLE, _I.START): _S.CONNECTING,
    (_S.ERROR, _I.START): _S.CONNECTING,
    (_S.ERROR, _I.DISMISSED): _S.IDLE,
    (_S.CONNECTING, _I.CONFIGURED): _S.LISTENING,
    (_S.LISTENING, _I.SPEECH_STARTED): _S.HEARING,
    (_S.LISTENING, _I.TURN_ENDED): _S.THINKING,
    (_S.LISTENING, _I.TEXT): _S.ANSWERING,
    (_S.HEARING, _I.TURN_ENDED): _S.THINKING,
    (_S.HEARING, _I.NOTHING_SAID): _S.LISTENING,
    (_S.THINKING, _I.SPEECH_STARTED): _S.HEARING,
    (_S.THINKING, _I.TEXT): _S.ANSWERING,
    (_S.THINKING, _I.RESPONSE_DONE): _S.LISTENING,
    (_S.THINKING, _I.WAITED): _S.LISTENING,
    (_S.ANSWERING, _I.SPEECH_STARTED): _S.HEARING,
    (_S.ANSWERING, _I.TURN_ENDED): _S.THINKING,
    (_S.ANSWERING, _I.RESPONSE_DONE): _S.LISTENING,
    (_S.ANSWERING, _I.WAITED): _S.LISTENING,
    # Stop.
    (_S.CONNECTING, _I.STOP): _S.CONNECTING_LAST,
    (_S.LISTENING, _I.STOP): _S.SETTLING,
    (_S.HEARING, _I.STOP): _S.HEARING_LAST,
    (_S.THINKING, _I.STOP): _S.THINKING_LAST,
    (_S.ANSWERING, _I.STOP): _S.ANSWERING_LAST,
    # The last turn.
    (_S.CONNECTING_LAST, _I.CONFIGURED): _S.SETTLING,
    (_S.SETTLING, _I.SPEECH_STARTED): _S.HEARING_LAST,
    (_S.SETTLING, _I.TURN_ENDED): _S.THINKING_LAST,
    (_S.SETTLING, _I.TEXT): _S.ANSWERING_LAST,
    (_S.SETTLING, _I.WAITED): _S.IDLE,
    (_S.HEARING_LAST, _I.TURN_ENDED): _S.THINKING_LAST,
    (_S.HEARING_LAST, _I.WAITED): _S.IDLE,
    (_S.THINKING_LAST, _I.SPEECH_STARTED): _S.HEARING_LAST,
    (_S.THINKING_LAST, _I.TEXT): _S.ANSWERING_LAST,
    (_S.THINKING_LAST, _I.RESPONSE_DONE): _S.SETTLING,
    (_S.THINKING_LAST, _I.WAITED): _S.IDLE,
    (_S.ANSWERING_LAST, _I.SPEECH_STARTED): _S.HEARING_LAST,
    (_S.ANSWERING_LAST, _I.TURN_ENDED): _S.THINKING_LAST,
    (_S.ANSWERING_LAST, _I.RESPONSE_DONE): _S.SETTLING,
    (_S.ANSWERING_LAST, _I.WAITED): _S.IDLE,
    # The connection is lost, and comes back.
    **{(state, _I.LOST): _S.RECONNECTING for state in (_S.LISTENING, _S.HEARING, _S.THINKING, _S.ANSWERING)},
    **{
        (state, _I.LOST): _S.RECONNECTING_LAST
        for state in (_S.SETTLING, _S.HEARING_LAST, _S.THINKING_LAST, _S.ANSWERING_LAST)
    },
    (_S.RECONNECTING, _I.CONFIGURED): _S.LISTENING,
    (_S.RECONNECTING, _I.STOP): _S.RECONNECTING_LAST,
    (_S.RECONNECTING_LAST, _I.CONFIGURED): _S.SETTLING,
    (_S.RECONNECTING_LAST, _I.START): _S.RECONNECTING,
    (_S.RECONNECTING_LAST, _I.WAITED): _S.IDLE,
    # Start again before the last turn was over.
    (_S.CONNECTING_LAST, _I.START): _S.CONNECTING,
    (_S.SETTLING, _I.START): _S.LISTENING,
    (_S.HEARING_LAST, _I.START): _S.HEARING,
    (_S.THINKING_LAST, _I.START): _S.THINKING,
    (_S.ANSWERING_LAST, _I.START): _S.ANSWERING,
    **{(state, _I.FAILED): _S.ERROR for state in State},
    **{(state, _I.CLOSED): _S.IDLE for state in State},
}

PATIENCE: dict[State, float] = {
    _S.THINKING: 30.0,
    _S.THINKING_LAST: 30.0,
    _S.ANSWERING: 60.0,
    _S.ANSWERING_LAST: 60.0,
    _S.HEARING_LAST: 10.0,
    _S.RECONNECTING_LAST: 20.0,
    _S.SETTLING: 1.0,
}
"""Seconds after which a state gets `Input.WAITED`: no reply within 30 s and no word of it for 60 s are not awaited
longer; semantic turn detection waits up to 8 s for a speaker to go on (openai 3.54,
types/realtime/realtime_audio_input_turn_detection.py), and a server detects speech within a second."""


def after(state: State, event: Input) -> State:
    """Return the state that follows."""
    return TABLE.get((state, event), state)
