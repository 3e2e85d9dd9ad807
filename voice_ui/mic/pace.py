"""How much sound a page may send: as much as time passes, and what it kept while it had no server. Pure."""

from __future__ import annotations

BACKLOG_SECONDS = 32.0
"""What a page may send at once. NOTE: KEPT in mic_delivery.js is 30 s."""

FASTEST = 1.05
"""Seconds of sound in a second of time: the clocks of sound cards are off by a thousandth or so."""


class Pace:
    """Tells sound that a microphone can have captured from sound that comes faster than time passes."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._allowed = BACKLOG_SECONDS

    def take(self, seconds: float, now: float) -> bool:
        """Return whether that much more sound may come in, and count it if so; `now` is a monotonic clock's time."""
        self._allowed = min(BACKLOG_SECONDS, self._allowed + FASTEST * (now - self._since))
        self._since = now
        if seconds > self._allowed:
            return False
        self._allowed -= seconds
        return True
