"""How long to wait before the next try to connect: longer each time, and never quite the same. Pure but for chance."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.25
FACTOR = 2.0
MOST_SECONDS = 4.0
JITTER = 0.3
"""Each delay is up to this share shorter or longer, so that many clients do not come back at once."""


class Backoff:
    """The delays of one outage."""

    def __init__(self) -> None:
        self.attempt = 0
        self.waited = 0.0
        """Seconds, all delays together."""

    def next_delay(self) -> float:
        """Return the seconds to wait before the next attempt."""
        delay = min(MOST_SECONDS, FIRST_SECONDS * FACTOR**self.attempt) * random.uniform(1 - JITTER, 1 + JITTER)
        self.attempt += 1
        self.waited += delay
        return delay
