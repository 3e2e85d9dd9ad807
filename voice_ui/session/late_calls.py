"""What is remembered of the last responses, so that a call that comes late or twice is told from a new one. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from voice_ui.protocol import WireItem, server

MOST_RESPONSES = 20
"""How many responses to remember."""

MOST_CALLS = 100
"""How many announced calls of a response, and hosted calls of a connection, to remember."""


@dataclass
class _Response:
    was_announced: bool = False
    is_wanted: bool | None = None  # whether calls of it are; known once it is over
    taken: set[str] = field(default_factory=set)
    announced: dict[str, server.FunctionCallArgumentsDone] = field(default_factory=dict)  # no item of them came yet


class LateCalls:
    """The calls of the last responses of one connection. Where a server tells no response, its id is empty."""

    def __init__(self) -> None:
        self._responses: dict[str, _Response] = {}
        self._hosted: deque[str] = deque(maxlen=MOST_CALLS)

    def announce(self, response_id: str) -> None:
        """A response begins; some servers give all of them one id, and some tell it twice."""
        before = self._responses.get(response_id)
        if before and before.was_announced and before.is_wanted is None:
            return
        announced = self._responses.pop(response_id, _Response()).announced
        self._responses[response_id] = _Response(was_announced=True, announced=announced)

    def begin_turn(self) -> None:
        """Something new was said: where a server announces no response, one that is over may begin anew."""
        for response_id, response in list(self._responses.items()):
            if response.is_wanted is not None and not response.was_announced:
                del self._responses[response_id]

    def announce_call(self, event: server.FunctionCallArgumentsDone) -> None:
        """Its arguments are complete, and its item may come or not."""
        announced = self._of(event.response_id).announced
        announced[event.call_id] = event
        if len(announced) > MOST_CALLS:
            del announced[next(iter(announced))]

    def take(self, response_id: str, call_id: str) -> bool:
        """Take in a call, and return whether it is new."""
        response = self._of(response_id)
        places = [place for place in (response, self._responses.get("")) if place]
        for place in places:
            place.announced.pop(call_id, None)
        if any(call_id in place.taken for place in places):
            return False
        response.taken.add(call_id)
        return True

    def take_hosted(self, item_id: str) -> bool:
        """Take in the item of a hosted call, told with or without its response; return whether it is new."""
        if item_id in self._hosted:
            return False
        self._hosted.append(item_id)
        return True

    def end(self, response_id: str, *, is_wanted: bool) -> None:
        """A response is over; of one that is told twice, the first end counts."""
        response = self._of(response_id)
        if response.is_wanted is None:
            response.is_wanted = is_wanted
        response.announced.clear()
        if response_id and (nameless := self._responses.pop("", None)):  # they were its calls
            response.taken |= nameless.taken

    def left_of(self, response_id: str) -> Iterator[WireItem]:
        """Return the announced calls of a response of which no item came."""
        for left in list(self._of(response_id).announced.values()):
            yield WireItem(
                left.item_id, "function_call", call_id=left.call_id, name=left.name, arguments=left.arguments
            )

    def forget_announced(self) -> None:
        """No item comes of any call so far."""
        for response in self._responses.values():
            response.announced.clear()

    def is_over(self, response_id: str) -> bool:
        """Whether the response is over, so that a call of it comes late."""
        return self.is_wanted(response_id) is not None

    def is_wanted(self, response_id: str) -> bool | None:
        """Whether calls of a response that is over are wanted; None while it is not."""
        return response.is_wanted if (response := self._responses.get(response_id)) else None

    def _of(self, response_id: str) -> _Response:
        response = self._responses.setdefault(response_id, _Response())
        if len(self._responses) > MOST_RESPONSES:
            del self._responses[next(iter(self._responses))]
        return response
