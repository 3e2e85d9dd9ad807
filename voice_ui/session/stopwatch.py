"""How long something ran, all in all."""

from __future__ import annotations

from collections.abc import Callable


class Stopwatch:
    """Runs or rests; `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._before = 0.0
        self._since: float | None = None

    def run(self, running: bool) -> None:
        """Go on running, or resting, or change over."""
        if running and self._since is None:
            self._since = self._clock()
        elif not running:
            self._before, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """The time it ran until now."""
        return self._before + (0.0 if self._since is None else self._clock() - self._since)
