"""The replies under way: one in the conversation, perhaps some beside it. Pure.

A reply to speech waits for the words of the one item it answers, so what was said in another turn can never be
answered in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from voice_ui.offline import events, usage
from voice_ui.offline.checks import Rejected
from voice_ui.offline.effects import TickAfter
from voice_ui.offline.items import Item, Items
from voice_ui.offline.outputs import Outputs
from voice_ui.offline.response import Options, Response

Compose = Callable[[str, Sequence[str], datetime], list[str]]
"""Answers what was heard, after these earlier replies and at this time, in the pieces it is streamed in."""

DELTA_SECONDS = 0.03
"""Between two deltas: a pace that can be read along."""

MAX_RESPONSES = 8
"""Under way at once, all but one of them outside the conversation."""


class Responses:
    """All replies of one session that are not done."""

    def __init__(
        self,
        items: Items,
        outputs: Outputs,
        new_id: Callable[[str], str],
        compose: Compose,
        now: Callable[[], datetime],
        on_done: Callable[[], None],
    ) -> None:
        self._items = items
        self._outputs = outputs
        self._new_id = new_id
        self._compose = compose
        self._now = now
        self._on_done = on_done
        self._conversation_id = new_id("conv")
        self._under_way: dict[str, Response] = {}
        self._read_before: set[str] = set()

    def create(self, options: Options, context: Sequence[Item], instructions: str, unheard: set[str]) -> None:
        """Begin a reply to the last user message in `context`; raises Rejected if there is one already.

        `unheard` are the ids of the items whose words are still being recognised.
        """
        self._check_room(options)
        read = usage.Tokens(text=usage.of_text(instructions)) + usage.of_items(context)
        response = Response(self._new_id("resp"), self._new_id("item"), self._conversation_id, options, read)
        response.cached = usage.of_items(item for item in context if item.id in self._read_before)
        self._read_before = {item.id for item in context}
        self._under_way[response.id] = response
        self._outputs.say(response.created())
        question = next((item for item in reversed(context) if item.role == "user"), None)
        if question and question.id in unheard:
            response.waits_for = question.id
        else:
            self._begin(response, self._answer(question.text if question else ""))

    def heard(self, item_id: str, transcript: str) -> None:
        """Answer what was said in an item, where a reply waits for it."""
        for response in self._waiting_for(item_id):
            self._begin(response, self._answer(transcript))

    def not_heard(self, item_id: str, apology: list[str]) -> None:
        """Say why there is no answer to what was said in an item."""
        for response in self._waiting_for(item_id):
            self._begin(response, apology)

    def tick(self, response_id: str) -> None:
        """Write the next delta of a reply, or end it if there is none; nothing if it is done already."""
        response = self._under_way.get(response_id)
        if response:
            self._continue(response)

    def cancel(self, response_id: str | None) -> None:
        """End a reply, or the one in the conversation, as the client asks; raises Rejected if there is none."""
        response = self._under_way.get(response_id) if response_id else self._running()
        if response is None:
            raise Rejected("response_cancel_not_active", "Cancellation failed: no active response found")
        self._end(response, "cancelled", {"reason": "client_cancelled"})

    def interrupt(self) -> None:
        """End the reply in the conversation, because somebody speaks again."""
        running = self._running()
        if running:
            self._end(running, "cancelled", {"reason": "turn_detected"})

    def _check_room(self, options: Options) -> None:
        running = self._running()
        if running and options.in_conversation:
            message = f"Conversation already has an active response in progress: {running.id}. Wait until it is done."
            raise Rejected("conversation_already_has_active_response", message)
        if len(self._under_way) >= MAX_RESPONSES:
            raise Rejected("rate_limit_exceeded", f"No more than {MAX_RESPONSES} responses at once.")

    def _running(self) -> Response | None:
        return next((each for each in self._under_way.values() if each.options.in_conversation), None)

    def _waiting_for(self, item_id: str) -> list[Response]:
        return [response for response in self._under_way.values() if response.waits_for == item_id]

    def _answer(self, question: str) -> list[str]:
        earlier = [item.text for item in self._items if item.role == "assistant"]
        return self._compose(question, earlier, self._now())

    def _begin(self, response: Response, pieces: list[str]) -> None:
        previous_item_id = None
        if response.options.in_conversation:
            self._items.add(response.item)
            previous_item_id = self._items.before(response.item)
        self._outputs.say(*response.begin(pieces, previous_item_id))
        self._continue(response)

    def _continue(self, response: Response) -> None:
        if response.written_out:
            self._end(response, "completed")
        elif response.too_long:
            self._end(response, "incomplete", {"reason": "max_output_tokens"})
        else:
            self._outputs.say(response.write())
            self._outputs.do(TickAfter(response.id, DELTA_SECONDS))

    def _end(self, response: Response, status: str, details: dict[str, Any] | None = None) -> None:
        del self._under_way[response.id]
        self._outputs.say(*response.done(status, details))
        self._outputs.say(events.rate_limits_updated(usage.rate_limits(response.tokens)))
        if response.options.in_conversation:
            self._on_done()
