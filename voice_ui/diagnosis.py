"""What of a server's events is a problem for a person, and which. Pure: wire codes in, catalogue codes out."""

from __future__ import annotations

import re
from typing import Any

from voice_ui.errors import Problem, SessionError, code_from_wire
from voice_ui.protocol import ClientEvent, ServerEvent, server
from voice_ui.redaction import redact

_NOTHING_TO_DO = {"response_cancel_not_active", "input_audio_buffer_commit_empty"}
"""Codes of `error` that only say that there was nothing to cancel or to commit."""


def problem_of(event: ServerEvent, facts: dict[str, str]) -> Problem | None:
    """Return the problem that an event of a running session tells of, None if it tells of none.

    A response that failed is told of in `response.done` and often nowhere else (protocol facts, section 5.3).
    """
    match event:
        case server.ResponseDone(status="failed"):
            code = code_from_wire(event.error_code, event.error_type, default="response-failed")
            if code == "server-failed":  # while replying, not while connecting
                code = "response-failed"
            detail = _join(event.error_code, event.message)
        case server.ResponseDone(status="incomplete", reason=reason):
            code, detail = code_from_wire(reason, default="response-incomplete"), reason or ""
        case server.ResponseDone(status="cancelled", reason="client_cancelled"):
            code, detail = "response-cancelled", ""
        case server.TranscriptionFailed(_, error_code, message):
            code, detail = "transcription-failed", _join(error_code, message)
        case server.ErrorEvent() if event.code not in _NOTHING_TO_DO:
            code, detail = code_from_wire(event.code, event.type, default="server-error"), words(event)
        case server.Malformed(reason):
            code, detail = "message-malformed", reason
        case _:
            return None
    if wait := _WAIT.search(detail):
        facts = facts | {"seconds": f"{float(wait[1]):.0f}"}
    return Problem(code, redact(detail), facts)


_WAIT = re.compile(r"try again in (\d+(?:\.\d+)?) ?s")
"""How OpenAI words the time to wait in a message of its rate limits."""


def explained(error: SessionError, said: server.ErrorEvent | None) -> SessionError:
    """Return the error that ended a connection in the words of the `error` event that came just before it, if any."""
    if said is None:
        return error
    code = code_from_wire(said.code, said.type, default=error.problem.code)
    return type(error)(code, words(said), **error.problem.facts)


def difference(update: ClientEvent, confirmed: dict[str, Any]) -> str | None:
    """Return the path of a field that `session.updated` holds with another value than was asked for, None if none.

    Only what decides how replies come is looked at, and only where the server shows it.
    """
    asked = update.get("session", {})
    for path in _DECISIVE:
        wanted, got = _at(asked, path), _at(confirmed, path)
        if wanted is not None and got is not None and wanted != got:
            return path
    return None


def seconds_left(session: dict[str, Any], now: float) -> float | None:
    """Return the seconds until a session expires by its `expires_at`; None if it has none, or none to be believed.

    `now` is this machine's time of day, which may be wrong: no server holds a session for less than seconds, or for
    more than two hours (protocol facts, sections 3 and 7).
    """
    expires_at = session.get("expires_at")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        return None
    left = expires_at - now
    return left if 5 <= left <= 7200 else None


_DECISIVE = (
    "output_modalities",
    "modalities",
    "audio.input.format.rate",
    "audio.input.turn_detection.type",
    "turn_detection.type",
)


def _at(session: Any, path: str) -> Any:
    for name in path.split("."):
        session = session.get(name) if isinstance(session, dict) else None
    return session


def words(event: server.ErrorEvent) -> str:
    """Return what the server said, in one line."""
    return _join(event.code, event.message, event.param and f"({event.param})")


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)
