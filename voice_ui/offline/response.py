"""One reply on its way: the events from `response.created` to `response.done`. Pure.

This server writes and does not speak. Where a session asks for audio, OpenAI's default, the words arrive as the
transcript of a spoken reply, in OpenAI's order, and the sound of it is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voice_ui.offline import events, usage
from voice_ui.offline.events import ServerEvent
from voice_ui.offline.items import Item


@dataclass(frozen=True)
class Options:
    """How a reply is asked for: the session's settings, and what `response.create` changes of them for once."""

    output_modalities: list[str]
    max_output_tokens: int | str
    voice: str
    metadata: dict[str, str] | None = None
    in_conversation: bool = True

    @staticmethod
    def of(session: dict[str, Any], change: dict[str, Any]) -> Options:
        """Return the options of one reply in a session."""
        output = session["audio"]["output"]
        changed = (change.get("audio") or {}).get("output") or {}
        voice = changed.get("voice") or output["voice"]
        return Options(
            change.get("output_modalities") or session["output_modalities"],
            change.get("max_output_tokens") or session["max_output_tokens"],
            voice["id"] if isinstance(voice, dict) else voice,
            change.get("metadata"),
            change.get("conversation") != "none",
        )


class Response:
    """A reply: created, perhaps waiting for what was heard, written piece by piece, done."""

    def __init__(
        self, response_id: str, item_id: str, conversation_id: str, options: Options, context: usage.Tokens
    ) -> None:
        self.id = response_id
        self.options = options
        self.item = Item(item_id, role="assistant", status="in_progress")
        self.cached = usage.Tokens()
        """The part of the context that the reply before has read already."""
        self.waits_for: str | None = None
        """The id of the item whose words are still being recognised."""
        self._conversation_id = conversation_id if options.in_conversation else None
        self._context = context
        self._previous_item_id: str | None = None
        self._pieces: deque[str] = deque()
        self._text = ""
        self._begun = False

    @property
    def written_out(self) -> bool:
        """Whether nothing is left to be said."""
        return not self._pieces

    @property
    def too_long(self) -> bool:
        """Whether the next piece would exceed the allowed number of tokens."""
        limit = self.options.max_output_tokens
        return isinstance(limit, int) and bool(self._pieces) and usage.of_text(self._text + self._pieces[0]) > limit

    @property
    def tokens(self) -> int:
        """All tokens read and written."""
        return self._context.total + usage.of_text(self._text)

    def created(self) -> ServerEvent:
        """Return the first event."""
        return events.response_created(self._wire("in_progress"))

    def begin(self, pieces: Sequence[str], previous_item_id: str | None) -> list[ServerEvent]:
        """Return what precedes the first word."""
        self._begun, self.waits_for = True, None
        self._pieces.extend(pieces)
        self._previous_item_id = previous_item_id
        opening = [events.output_item_added(self.id, self.item)]
        if self.options.in_conversation:
            opening.append(events.item_added(self.item, previous_item_id))
        self.item.content = [self._content()]
        return [*opening, events.content_part_added(self._place, self._part())]

    def write(self) -> ServerEvent:
        """Return the next delta."""
        delta = self._pieces.popleft()
        self._text += delta
        self.item.content = [self._content()]
        if self._spoken:
            return events.output_audio_transcript_delta(self._place, delta)
        return events.output_text_delta(self._place, delta)

    def done(self, status: str, details: dict[str, Any] | None = None) -> list[ServerEvent]:
        """Return the last events: status completed, cancelled, incomplete or failed, and why."""
        closing = self._close("completed" if status == "completed" else "incomplete") if self._begun else []
        return [*closing, events.response_done(self._wire(status, details))]

    @property
    def _spoken(self) -> bool:
        return self.options.output_modalities == ["audio"]

    @property
    def _place(self) -> dict[str, Any]:
        return {"response_id": self.id, "item_id": self.item.id, "output_index": 0, "content_index": 0}

    def _content(self) -> dict[str, Any]:
        if self._spoken:
            return {"type": "output_audio", "transcript": self._text}
        return {"type": "output_text", "text": self._text}

    def _part(self) -> dict[str, Any]:
        return {"type": "audio", "transcript": self._text} if self._spoken else {"type": "text", "text": self._text}

    def _close(self, status: str) -> list[ServerEvent]:
        self.item.status = status
        closing = (
            [events.output_audio_done(self._place), events.output_audio_transcript_done(self._place, self._text)]
            if self._spoken
            else [events.output_text_done(self._place, self._text)]
        )
        closing.append(events.content_part_done(self._place, self._part()))
        if self.options.in_conversation:
            closing.append(events.item_done(self.item, self._previous_item_id))
        return [*closing, events.output_item_done(self.id, self.item)]

    def _wire(self, status: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        over = status != "in_progress"
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": {"type": status, **details} if details else None,
            "output": [self.item.wire()] if over and self._begun else [],
            "conversation_id": self._conversation_id,
            "output_modalities": list(self.options.output_modalities),
            "max_output_tokens": self.options.max_output_tokens,
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": self.options.voice}},
            "usage": usage.of_response(self._context, self.cached, self._text) if over else None,
            "metadata": self.options.metadata,
        }
