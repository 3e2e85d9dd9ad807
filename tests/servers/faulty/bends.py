"""What comes between a session and its client: what is sent is dropped, changed, or cut off.

The session behind stays healthy, so that whatever a fault leaves alone is as it should be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tests.servers.faulty.acts import pause, raw
from voice_ui.offline.connection import Act
from voice_ui.protocol import server
from voice_ui.protocol.client import Rejected

if TYPE_CHECKING:
    from tests.servers.faulty.server import Bending

Wire = dict[str, Any]

DELTAS = {
    "response.output_text.delta",
    "response.output_audio_transcript.delta",
}

OVERSIZED_BYTES = 17 * 1024 * 1024
"""More than OpenAI takes for one event, and more than clients commonly allow."""

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Bend:
    """Changes nothing; the faults below say what they do instead."""

    def client(self, event: Wire, connection: Bending) -> bool:
        """Return whether a client event is dealt with, and not for the session to answer."""
        return False

    def server(self, event: Wire, connection: Bending) -> Iterable[Wire | Act]:
        """Yield what takes the place of a server event."""
        yield event


class Mute(Bend):
    """Says nothing of these types, or nothing at all."""

    def __init__(self, *types: str) -> None:
        self._types = types

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        if self._types and not event["type"].startswith(self._types):
            yield event


class Deaf(Bend):
    """Takes in audio and requests, and never answers them."""

    def client(self, event: Wire, connection: Bending) -> bool:
        return str(event.get("type")).startswith(("input_audio_buffer.", "response."))


class UpdateRejected(Bend):
    """Finds a field in `session.update` that it does not know."""

    def client(self, event: Wire, connection: Bending) -> bool:
        session = event.get("session")
        if event.get("type") != "session.update" or not isinstance(session, dict) or not session:
            return False
        param = f"session.{list(session)[-1]}"
        refusal = Rejected("unknown_parameter", f"Unknown parameter: '{param}'.", param)
        connection.session.refuse(refusal, event.get("event_id"))
        return True


class UpdateIgnored(Bend):
    """Accepts every `session.update`, and stays as it was."""

    def client(self, event: Wire, connection: Bending) -> bool:
        session = event.get("session")
        if event.get("type") != "session.update" or not isinstance(session, dict):
            return False
        nothing = {"type": session["type"]} if "type" in session else {}
        connection.healthy(json.dumps(event | {"session": nothing}))
        return True

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        if event["type"] == "session.updated" and "output_modalities" in event["session"]:
            event = event | {"session": event["session"] | {"output_modalities": ["audio"]}}
        yield event


class TranscriptionFailed(Bend):
    """Understands what is said, but cannot write it down."""

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        if event["type"] == f"{_TRANSCRIPTION}.completed":
            failed = server.TranscriptionFailed(event["item_id"], None, "Input transcription failed for this item.")
            yield {"event_id": event["event_id"], **failed.to_wire()}
        elif event["type"] != f"{_TRANSCRIPTION}.delta":
            yield event


class Ending(Bend):
    """Ends every reply before its time: at once, or after some deltas."""

    def __init__(self, status: str, details: dict[str, Any], after_deltas: int = 0) -> None:
        self._end = {"status": status, "status_details": {"type": status, **details}}
        self._after_deltas = after_deltas
        self._deltas = 0
        self._ending = False

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        if event["type"] == "response.done" and self._ending:
            self._ending = False
            event = event | {"response": event["response"] | self._end}
        yield event
        if event["type"] == "response.created":
            self._deltas = 0
        elif event["type"] in DELTAS:
            self._deltas += 1
        else:
            return
        if self._deltas == self._after_deltas:
            asyncio.get_running_loop().call_soon(self._cancel, connection)

    def _cancel(self, connection: Bending) -> None:
        self._ending = True
        connection.session.receive('{"type":"response.cancel"}')


class Hangup(Bend):
    """Ends the connection at the first event of a type."""

    def __init__(self, after: str, end: Act, error: tuple[str, str] | None = None) -> None:
        self._after = after
        self._end = end
        self._error = error

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        yield event
        if event["type"] == self._after:
            if self._error:
                code, message = self._error
                said = server.ErrorEvent(code, code, message).to_wire()
                yield {"event_id": f"{event['event_id']}e", **said}
            yield self._end


class Slow(Bend):
    """Says everything late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        yield pause(self._seconds)
        yield event


class Garbage(Bend):
    """Says something meaningless before each thing it means."""

    NONSENSE: tuple[str | bytes, ...] = (
        "this is not JSON",
        "",
        "null",
        "[1, 2, 3]",
        "{}",
        '{"type": 7}',
        '{"type": "nobody.knows.this", "event_id": "event_x", "of": {"what": ["kind"]}}',
        '{"type": "response.output_text.delta"}',
        '{"type": "response.output_text.delta", "response_id": 1, "item_id": null, "delta": {"no": "text"}}',
        '{"type": "response.done", "response": "done"}',
        '{"type": "conversation.item.added", "item": []}',
        '{"type": "error"}',
        '{"type": "error", "error": "everything"}',
        b"\x00\xff\xfe binary",
    )

    def __init__(self) -> None:
        self._said = 0

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        yield raw(self.NONSENSE[self._said % len(self.NONSENSE)])
        self._said += 1
        yield event


class Oversized(Bend):
    """Says one thing at a length nobody can take."""

    def server(self, event: Wire, connection: Bending) -> Iterator[Wire | Act]:
        if event["type"] in DELTAS:
            yield raw(json.dumps(event | {"delta": "long " * (OVERSIZED_BYTES // 5)}))
        else:
            yield event
