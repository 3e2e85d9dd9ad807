"""What of a server's events is a problem for a person, and which. Pure: wire codes in, catalogue codes out."""

from __future__ import annotations

from voice_ui.errors import Problem, SessionError, code_from_wire, redact
from voice_ui.protocol import ServerEvent, server

_NOTHING_TO_DO = {"response_cancel_not_active", "input_audio_buffer_commit_empty"}
"""Codes of `error` that only say that there was nothing to cancel or to commit."""


def problem_of(event: ServerEvent, facts: dict[str, str]) -> Problem | None:
    """Return the problem that an event of a running session tells of, None if it tells of none.

    A response that failed is told of in `response.done` and often nowhere else (protocol facts, section 5.3).
    """
    match event:
        case server.ResponseDone(status="failed"):
            code = code_from_wire(event.error_code, event.error_type, default="response-failed")
            detail = _join(event.error_code, event.message)
        case server.ResponseDone(status="incomplete", reason=reason):
            code, detail = code_from_wire(reason, default="response-incomplete"), reason or ""
        case server.TranscriptionFailed(_, error_code, message):
            code, detail = "transcription-failed", _join(error_code, message)
        case server.ErrorEvent() if event.code not in _NOTHING_TO_DO:
            code, detail = code_from_wire(event.code, event.type, default="server-error"), words(event)
        case _:
            return None
    return Problem(code, redact(detail), facts)


def explained(error: SessionError, said: server.ErrorEvent | None) -> SessionError:
    """Return the error that ended a connection in the words of the `error` event that came just before it, if any."""
    if said is None:
        return error
    code = code_from_wire(said.code, said.type, default=error.problem.code)
    return type(error)(code, words(said), **error.problem.facts)


def words(event: server.ErrorEvent) -> str:
    """Return what the server said, in one line."""
    return _join(event.code, event.message, event.param and f"({event.param})")


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)
