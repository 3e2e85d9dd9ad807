"""Python's garbage: looked for while nobody is talking, because everybody waits for it (benchmarks/README.md)."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

THRESHOLDS = (5_000, 2, 1_000)
"""A look at what is new is short and often, one at everything rare: at sixty pages it takes a fifth of a second."""

PAGES = 50
"""So many closed pages may lie about; each is 4,000 objects in circles, half a megabyte."""

SWEEP_SECONDS = 5.0
"""After a page was closed; others may be closed in the same moment."""


class Garbage:
    """Looks for garbage: seldom by itself, and after pages were closed."""

    def __init__(self, is_quiet: Callable[[], bool], *, after: float = SWEEP_SECONDS) -> None:
        self._is_quiet, self._after = is_quiet, after
        self._pages = 0
        self._waiting = False

    def freeze(self) -> None:
        """What is there by now will stay: never look at it again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)

    def page_closed(self) -> None:
        """Look for it soon, if nobody talks then; it can wait until there is a lot of it."""
        self._pages += 1
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_later(self._after, self._sweep)

    def _sweep(self) -> None:
        self._waiting = False
        if self._is_quiet() or self._pages >= PAGES:
            self._pages = 0
            gc.collect()
