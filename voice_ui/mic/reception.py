"""The numbered events of a page: each once, in order, and what is missing between two numbers is reported. Pure.

NOTE: its other half is mic_delivery.js.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MAX_SEQ = 2**53
"""The largest number JavaScript counts to."""

MAX_SEVERAL = 3_200
"""Events in one message: a page keeps half a minute of 20 ms, and at most twice as many entries."""


class Reception:
    """Passes each event's body to its handler; a handler returns whether the body was valid."""

    def __init__(
        self,
        handlers: Mapping[str, Callable[[Any], bool]],
        frames_in: Callable[[str, Any], int],
        on_gap: Callable[[int], object],
    ) -> None:
        """`frames_in(name, body)` tells how many numbers an event takes; `on_gap` gets how many are missing."""
        self._handlers, self._frames_in, self._on_gap = handlers, frames_in, on_gap
        self._page = ""
        self.last = 0
        """The number of the last event that arrived."""
        self.malformed = 0
        """How many messages were not what they should be."""

    def begin(self, page: Any) -> bool:
        """A page says hello; return whether it is a new one, whose numbers begin anew."""
        if page == self._page:
            return False
        self._page, self.last = str(page)[:40], 0
        return True

    def take(self, name: str, args: Any) -> None:
        """Take one event: its number and body."""
        match args:
            case [int(seq), body] if self.last < seq <= MAX_SEQ:
                missing = seq - self.last - self._frames_in(name, body)
                self.last = seq
                if missing > 0:
                    self._on_gap(missing)
                self.malformed += not self._handlers[name](body)
            case [int(seq), _] if seq <= MAX_SEQ:
                pass  # sent again after a reconnect, though it had arrived
            case _:
                self.malformed += 1

    def take_several(self, args: Any) -> None:
        """Take events that travelled together: name, number and body of each."""
        if not isinstance(args, list) or len(args) > MAX_SEVERAL:
            self.malformed += 1
            return
        for event in args:
            match event:
                case [str(name), seq, body] if name in self._handlers:
                    self.take(name, [seq, body])
                case _:
                    self.malformed += 1
