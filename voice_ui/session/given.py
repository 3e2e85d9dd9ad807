"""What a connection is given of the conversation so far, and the server's echo of it. No socket: events go out."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator

from voice_ui.conversation import FunctionCall, Item
from voice_ui.images import Image
from voice_ui.protocol import ClientEvent, Part, ServerEvent, WireItem, client, server
from voice_ui.session.calls import in_words

GO_ON = (
    "The connection was made anew, and this is the conversation so far. Go on where it was: do not greet again, keep "
    "to the language of the conversation, and do not mention this note."
)
"""Without it, models begin as with a stranger, and in English."""


class Given:
    """The items that one connection was given by us."""

    def __init__(self, ids: Iterator[str], on_arrived: Callable[[str], object]) -> None:
        """`ids` are for events and items; `on_arrived` gets the id of each item that the server repeats."""
        self._ids, self._on_arrived = ids, on_arrived
        self.items: set[str] = set()
        """Their ids."""
        self.is_at_image = False
        """Whether the last message had an image."""
        self._echoes: dict[str, str] = {}  # their texts by id, while the server has not repeated them
        self._images: dict[str, str] = {}  # items with an image, by the event that gave it
        self._notes: set[str] = set()  # events whose refusal costs nothing

    def seed(self, items: Iterable[Item], unanswered_calls: Container[str]) -> Iterator[ClientEvent]:
        """Yield the conversation so far, as text; the outputs of `unanswered_calls` follow later.

        Clients cannot create the items of hosted tools: what these returned follows in words.
        """
        is_empty = True
        for item in items:
            is_empty = False
            if not isinstance(item, FunctionCall):
                yield from self.message(item.id, item.role, item.heard_text, item.image)
            elif item.server_label:
                if item.call_id and item.is_over:  # others are lists of tools
                    yield self._note(in_words(item))
            else:
                self.items.add(item.id)
                call = WireItem(
                    item.id, "function_call", call_id=item.call_id, name=item.name, arguments=item.arguments
                )
                yield client.ConversationItemCreate(call, event_id=next(self._ids))
                if item.call_id not in unanswered_calls:
                    yield self.output(item.call_id, item.result)
        if not is_empty:
            yield self._note(GO_ON)

    def message(self, item_id: str, role: str, text: str, image: Image | None = None) -> Iterator[ClientEvent]:
        """Yield a message, unless it was given before."""
        if item_id in self.items:
            return
        self.items.add(item_id)
        self._echoes[item_id] = text
        kind = "output_text" if role == "assistant" else "input_text"
        content = [Part(kind, text)] if text or not image else []
        event_id = next(self._ids)
        self.is_at_image = image is not None
        if image:
            content.append(Part("input_image", image_url=image.url))
            self._images[event_id] = item_id
        yield client.ConversationItemCreate(
            WireItem(item_id, "message", role, content=tuple(content)), event_id=event_id
        )

    def output(self, call_id: str, output: str) -> ClientEvent:
        """Return what a tool returned."""
        item = WireItem("", "function_call_output", call_id=call_id, output=output)
        return client.ConversationItemCreate(item, event_id=next(self._ids))

    def expects(self, event: server.ErrorEvent) -> bool:
        """Whether a server refuses only a note of ours: some know no system messages."""
        return event.event_id in self._notes

    def refused_image(self, event: server.ErrorEvent) -> str | None:
        """Return the item whose image the error is about, if it is; not every server names the event."""
        if event.event_id:
            return self._images.pop(event.event_id, None)
        is_about_one = "image" in f"{event.param} {event.message}"
        return self._images.popitem()[1] if is_about_one and self._images else None

    def is_echo(self, event: ServerEvent) -> bool:
        """Whether the event only repeats an item that we gave the server; it may have another id there."""
        if not isinstance(event, server.ItemAdded | server.ItemDone):
            return False
        item = event.item
        if item.id not in self.items and self._echoes:
            first, text = next(iter(self._echoes.items()))
            if item.text != text:
                return False
            self.items.add(item.id)
            del self._echoes[first]
            self._on_arrived(first)
        self._echoes.pop(item.id, None)
        self._on_arrived(item.id)
        return item.id in self.items

    def _note(self, text: str) -> ClientEvent:
        item_id, event_id = next(self._ids), next(self._ids)
        self.items.add(item_id)
        self._notes.add(event_id)
        item = WireItem(item_id, "message", "system", content=(Part("input_text", text),))
        return client.ConversationItemCreate(item, event_id=event_id)
