"""An engine with a fault between it and its client: what is said is dropped, changed, or cut off. Pure.

The engine behind stays healthy, so that whatever the fault leaves alone is as it should be, in either dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from voice_ui.offline import client_events, events
from voice_ui.offline.checks import Rejected
from voice_ui.offline.effects import Abort, Close, Freeze, Pause, SendRaw
from voice_ui.offline.engine import Engine
from voice_ui.offline.events import ServerEvent
from voice_ui.offline.outputs import Output

DELTAS = {
    "response.output_text.delta",
    "response.output_audio_transcript.delta",
    "response.text.delta",
    "response.audio_transcript.delta",
}

OVERSIZED_BYTES = 17 * 1024 * 1024
"""More than OpenAI takes for one event, and more than clients commonly allow."""

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Bend:
    """Changes nothing; the faults below say what they do instead."""

    def client(self, event: dict[str, Any], engine: Engine) -> list[Output] | None:
        """Return the answer to a client event, None to let the engine answer it."""
        return None

    def server(self, event: ServerEvent, engine: Engine) -> Iterable[Output]:
        """Yield what takes the place of a server event."""
        yield event


class FaultyEngine:
    """An engine as its client finds it; see `engine.Engine`."""

    def __init__(self, engine: Engine, bend: Bend) -> None:
        self._engine = engine
        self._bend = bend

    @property
    def busy(self) -> bool:
        return self._engine.busy

    def start(self) -> list[Output]:
        return self._bent(self._engine.start())

    def receive(self, message: str | bytes) -> list[Output]:
        try:
            answer = self._bend.client(client_events.read(message), self._engine)
        except Rejected:  # no event at all: that is for the engine to say
            answer = None
        return self._bent(self._engine.receive(message)) if answer is None else answer

    def work(self) -> list[Output]:
        return self._bent(self._engine.work())

    def heard(self, item_id: str, transcript: str) -> list[Output]:
        return self._bent(self._engine.heard(item_id, transcript))

    def transcription_failed(self, item_id: str, reason: str) -> list[Output]:
        return self._bent(self._engine.transcription_failed(item_id, reason))

    def tick(self, response_id: str) -> list[Output]:
        return self._bent(self._engine.tick(response_id))

    def expire(self) -> list[Output]:
        return self._bent(self._engine.expire())

    def _bent(self, outputs: list[Output]) -> list[Output]:
        bent: list[Output] = []
        for output in outputs:
            bent += self._bend.server(output, self._engine) if isinstance(output, dict) else [output]
        return bent


class Mute(Bend):
    """Says nothing of these types, or nothing at all."""

    def __init__(self, *types: str) -> None:
        self._types = types

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        if self._types and not event["type"].startswith(self._types):
            yield event


class Deaf(Bend):
    """Takes in audio and requests, and never answers them."""

    def client(self, event: dict[str, Any], engine: Engine) -> list[Output] | None:
        ignored = ("input_audio_buffer.", "response.")
        return [] if str(event.get("type")).startswith(ignored) else None


class UpdateRejected(Bend):
    """Finds a field in `session.update` that it does not know."""

    def client(self, event: dict[str, Any], engine: Engine) -> list[Output] | None:
        session = event.get("session")
        if event.get("type") != "session.update" or not isinstance(session, dict) or not session:
            return None
        param = f"session.{list(session)[-1]}"
        refused = engine.receive(json.dumps(event | {"session": session | {"": None}}))
        return [
            _with_error(output, {"message": f"Unknown parameter: '{param}'.", "param": param}) for output in refused
        ]


class UpdateIgnored(Bend):
    """Accepts every `session.update`, and stays as it was."""

    def client(self, event: dict[str, Any], engine: Engine) -> list[Output] | None:
        session = event.get("session")
        if event.get("type") != "session.update" or not isinstance(session, dict):
            return None
        nothing = {"type": session["type"]} if "type" in session else {}
        return engine.receive(json.dumps(event | {"session": nothing}))


class TranscriptionFailed(Bend):
    """Understands what is said, but cannot write it down."""

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        if event["type"] == f"{_TRANSCRIPTION}.completed":
            failed = events.transcription_failed(event["item_id"], "Input transcription failed for this item.")
            yield failed | {"event_id": event["event_id"]}
        elif event["type"] != f"{_TRANSCRIPTION}.delta":
            yield event


class Ending(Bend):
    """Ends every reply before its time: at once, or after some deltas."""

    def __init__(self, status: str, details: dict[str, Any], after_deltas: int = 0) -> None:
        self._end = {"status": status, "status_details": {"type": status, **details}}
        self._after_deltas = after_deltas
        self._deltas = 0

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        yield event
        if event["type"] == "response.created":
            self._deltas = 0
            if not self._after_deltas:
                yield from self._ended(engine)
        elif event["type"] in DELTAS:
            self._deltas += 1
            if self._deltas == self._after_deltas:
                yield from self._ended(engine)

    def _ended(self, engine: Engine) -> Iterator[Output]:
        for output in engine.receive('{"type":"response.cancel"}'):
            if isinstance(output, dict) and output["type"] == "response.done":
                yield output | {"response": output["response"] | self._end}
            else:
                yield output


class Hangup(Bend):
    """Ends the connection at the first event of a type."""

    def __init__(self, after: str, end: Abort | Freeze | Close, error: tuple[str, str] | None = None) -> None:
        self._after = after
        self._end = end
        self._error = error

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        yield event
        if event["type"] == self._after:
            if self._error:
                code, message = self._error
                said = events.error(Rejected(code, message), None, kind=code)
                yield {"type": "error", "event_id": f"{event['event_id']}e", **said}
            yield self._end


class Slow(Bend):
    """Says everything late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        yield Pause(self._seconds)
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

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        yield SendRaw(self.NONSENSE[self._said % len(self.NONSENSE)])
        self._said += 1
        yield event


class Oversized(Bend):
    """Says one thing at a length nobody can take."""

    def server(self, event: ServerEvent, engine: Engine) -> Iterator[Output]:
        if event["type"] in DELTAS:
            yield SendRaw(json.dumps(event | {"delta": "long " * (OVERSIZED_BYTES // 5)}))
        else:
            yield event


def _with_error(output: Output, told: dict[str, Any]) -> Output:
    return output | {"error": output["error"] | told} if isinstance(output, dict) else output
