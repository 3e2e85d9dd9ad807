"""Which server events are problems that the user should see. Pure: codes of the wire in, our codes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from voice_ui.errors import CODES, ConnectionFailed, Problem, Refused, SessionError, code_from_wire
from voice_ui.protocol import ServerEvent, server
from voice_ui.redaction import redact
from voice_ui.servers import Endpoint

NOTHING_TO_DO = {"response_cancel_not_active", "input_audio_buffer_commit_empty"}
"""Codes of `error` that only report that there was nothing to cancel or to commit."""

_WAIT = re.compile(r"try again in (\d+(?:\.\d+)?) ?s")
"""How OpenAI's rate limit message words the time to wait."""

_SETTINGS = {
    "reasoning": "VOICE_UI_REASONING_EFFORT",
    "transcription": "VOICE_UI_TRANSCRIPTION_MODEL",
    "turn_detection": "VOICE_UI_TURN_DETECTION",
    "instructions": "VOICE_UI_INSTRUCTIONS",
}
"""By part of the field's path, as servers name it."""

_DECISIVE = (
    "output_modalities",
    "modalities",
    "audio.input.format.rate",
    "audio.input.turn_detection.type",
    "turn_detection.type",
)
"""The fields that affect replies."""


def facts_of(endpoint: Endpoint, **more: str) -> dict[str, str]:
    """Return the facts for any problem with this server."""
    return {"server": endpoint.name, "model": endpoint.model, "address": endpoint.setting, **more}


def problem_of(event: ServerEvent, endpoint: Endpoint) -> Problem | None:
    """Return the problem that an event of a running session reports, None if it reports none.

    A failed response is reported in `response.done` and often nowhere else (protocol facts, section 5.3).
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
        case server.ErrorEvent() if event.code not in NOTHING_TO_DO:
            code, detail = code_from_wire(event.code, event.type, default=_default(event)), words(event)
            if code == "server-failed":
                code = "server-said"
        case server.Malformed(reason):
            code, detail = "message-malformed", reason
        case _:
            return None
    facts = facts_of(endpoint)
    if wait := _WAIT.search(detail):
        facts["seconds"] = f"{float(wait[1]):.0f}"
    return Problem(code, redact(detail), facts)


def is_end_of_reply(event: ServerEvent) -> bool:
    """Whether an `error` says that the server failed, and so no `response.done` may come (LocalAI)."""
    return isinstance(event, server.ErrorEvent) and event.type != "invalid_request_error"


def not_configured(said: server.ErrorEvent, endpoint: Endpoint, *, about_update: bool) -> SessionError:
    """Return what an `error` before `session.updated` means."""
    default = "update-rejected" if about_update else "session-refused"
    general = "server_error"  # as the type of an error whose code we do not know, it says less than the server's words
    code = code_from_wire(said.code, said.type if said.type != general or not said.code else None, default=default)
    if code == "update-rejected":
        problem = update_rejected(said, endpoint)
        return Refused(code, problem.detail, **problem.facts)
    return _error(code, words(said), facts_of(endpoint))


def ended(said: server.ErrorEvent, error: SessionError, endpoint: Endpoint) -> SessionError:
    """Return what the end of a running session means, in the words of the `error` event that came just before it."""
    code = code_from_wire(said.code, said.type, default=error.problem.code)
    return _error(code, words(said), {**facts_of(endpoint), **error.problem.facts}, error)


def explained(error: SessionError, by_event: SessionError) -> SessionError:
    """Return the more specific of two reasons why a connection ended: a known code wins."""
    general = {"connection-lost", "server-refused", "server-failed", "session-refused", "update-rejected"}
    if by_event.problem.code in general and error.problem.code not in general:
        return type(error)(error.problem.code, by_event.problem.detail, **error.problem.facts)
    return by_event


def update_rejected(event: server.ErrorEvent, endpoint: Endpoint) -> Problem:
    """Return the problem for a refused `session.update`."""
    facts = facts_of(endpoint)
    if event.param:
        facts["param"] = event.param
        if setting := next((name for part, name in _SETTINGS.items() if part in str(event.param)), None):
            facts["setting"] = setting
    return Problem("update-rejected", redact(words(event)), facts)


def difference(update: Mapping[str, Any], confirmed: Mapping[str, Any]) -> str | None:
    """Return the path of a field that `session.updated` holds with another value than was asked for, None if none.

    Only what decides how replies come is compared, and only where the server shows it.
    """
    asked = update.get("session", {})
    for path in _DECISIVE:
        wanted, got = _at(asked, path), _at(confirmed, path)
        if wanted is not None and got is not None and wanted != got:
            return path
    return None


def seconds_left(session: Mapping[str, Any], now: float) -> float | None:
    """Return the seconds until a session expires by its `expires_at`; None if there is none or it is implausible.

    `now` is this machine's time of day, which may be wrong: no server holds a session for less than seconds, or for
    more than two hours (protocol facts, sections 3 and 7).
    """
    expires_at = session.get("expires_at")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        return None
    left = expires_at - now
    return left if 5 <= left <= 7200 else None


def words(event: server.ErrorEvent) -> str:
    """Return the server's words in one line."""
    return _join(event.code or event.type, event.message, event.param and f"({event.param})")


def _default(event: server.ErrorEvent) -> str:
    return "server-error" if event.type == "invalid_request_error" else "server-said"


def _error(code: str, detail: str, facts: Mapping[str, str], cause: SessionError | None = None) -> SessionError:
    is_refused = isinstance(cause, Refused) or not CODES[code].retry
    return (Refused if is_refused else ConnectionFailed)(code, detail, **facts)


def _at(session: Any, path: str) -> Any:
    for name in path.split("."):
        session = session.get(name) if isinstance(session, Mapping) else None
    return session


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)
