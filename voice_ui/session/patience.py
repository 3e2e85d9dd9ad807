"""How long a session waits in each state before it gives up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from voice_ui.session.budget import Limits
from voice_ui.session.state import Phase, State
from voice_ui.session.timer import Timer

REPLY_SECONDS = 30.0
"""How long to wait for a reply to begin."""

TEXT_SECONDS = 60.0
"""How long to wait for more of a reply that has begun."""

LAST_SPEECH_SECONDS = 10.0
"""After Stop, for speech that does not end: semantic turn detection waits up to 8 s (openai 3.54,
types/realtime/realtime_audio_input_turn_detection.py)."""


class Patience:
    """One timer for the phase, one for the press of Start."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        *,
        on_no_reply: Callable[[], object],
        on_no_text: Callable[[], object],
        on_settled: Callable[[], object],
        on_limit: Callable[..., object],
    ) -> None:
        """`on_settled` is called when nothing more is to be expected after Stop, `on_limit` with a code and facts."""
        self._limits, self._clock = limits, clock
        self._on_no_reply, self._on_no_text = on_no_reply, on_no_text
        self._on_settled, self._on_limit = on_settled, on_limit
        self._phase, self._press = Timer(), Timer()
        self.text_at = 0.0
        """When text of a reply last came."""

    def open_microphone(self) -> None:
        """The press of Start may last this long."""
        if minutes := self._limits.max_minutes:
            self._press.set(minutes * 60, partial(self._on_limit, "time-limit", minutes=f"{minutes:g}"))

    def close_microphone(self) -> None:
        """The microphone was closed."""
        self._press.stop()

    def wait(self, state: State, settle_seconds: float | None, *, is_acting: bool = False) -> None:
        """Wait in this state; after Stop, with nothing awaited, for `settle_seconds` (None: not yet).

        `is_acting`: a tool runs, which has a time-out of its own.
        """
        self._phase.stop()
        match state.phase:
            case Phase.THINKING if not is_acting:
                self._phase.set(REPLY_SECONDS, self._on_no_reply)
            case Phase.ANSWERING:
                self._phase.set(TEXT_SECONDS, self._check_text)
            case Phase.HEARING if not state.microphone:
                self._phase.set(LAST_SPEECH_SECONDS, self._on_settled)
            case Phase.LISTENING if not state.microphone:
                if settle_seconds is not None:
                    self._phase.set(settle_seconds, self._on_settled)
            case Phase.LISTENING if minutes := self._limits.idle_minutes:
                self._phase.set(minutes * 60, partial(self._on_limit, "idle-limit", minutes=f"{minutes:g}"))

    def stop(self) -> None:
        """Wait for nothing."""
        self._phase.stop()
        self._press.stop()

    def _check_text(self) -> None:
        left = TEXT_SECONDS - (self._clock() - self.text_at)
        if left > 0:
            self._phase.set(left, self._check_text)
        else:
            self._on_no_text()
