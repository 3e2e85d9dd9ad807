"""What can be known of a server before anybody speaks, at no cost: the key's shape, the model's fate."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from voice_ui import models
from voice_ui.errors import Problem, SessionError
from voice_ui.servers import Endpoint
from voice_ui.transport import http

ASK_SECONDS = 5.0
"""For `GET /models/<model>`; a server that takes longer is no less a realtime server."""

_CERTAIN = {"proxy-invalid", "proxy-unreachable", "certificates-missing"}
"""What stands in the way of a session as it does of a question. A SOCKS proxy may be for websockets only."""

_PLACEHOLDERS = ("your", "example", "changeme", "placeholder", "replace")
"""How a part of a key begins that is none. Within a part, a real key may have any of them by chance."""


def look(endpoint: Endpoint, *, today: date, key_source: str = ".env.local") -> Problem | None:
    """Return what is wrong for certain, without asking anybody. Pure."""
    facts = endpoint.facts | {"source": key_source}
    key = _key(endpoint)
    if endpoint.needs_key:
        if not key:
            return Problem("no-key", facts=facts)
        if _is_placeholder(key) or (endpoint.is_openai and not _shaped(key)):
            return Problem("key-placeholder", facts=facts)
    return _fate(endpoint, models.known(endpoint.model).shutdown, today) if endpoint.is_openai else None


async def ask(endpoint: Endpoint, *, today: date) -> Problem | None:
    """Return what the server's list of models, or the way to it, says against a session.

    A server without such a list, or with an odd one, is no problem.
    """
    import httpx  # late: it is not needed before the first page

    try:
        async with http.client(endpoint, endpoint.models_url, ASK_SECONDS) as client:
            response = await client.get(endpoint.models_url)
            told = response.json()
    except SessionError as error:
        return error.problem if error.problem.code in _CERTAIN else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    facts = endpoint.facts
    if endpoint.is_openai and response.status_code == 401:
        return Problem("key-refused", facts=facts)
    if endpoint.is_openai and response.status_code == 404:
        return Problem("model-unknown", facts=facts)
    return _fate(endpoint, _shutdown_date(told), today) if response.status_code == 200 else None


def _fate(endpoint: Endpoint, shutdown: date | None, today: date) -> Problem | None:
    model = models.Model(endpoint.model, shutdown)
    successor = models.known(endpoint.model).successor or models.DEFAULT
    facts = endpoint.facts | {"successor": successor, "date": f"{shutdown}"}
    if model.retired(today):
        return Problem("model-retired", facts=facts)
    return Problem("model-retiring", facts=facts) if model.retiring(today) else None


def _shutdown_date(told: Any) -> date | None:
    """OpenAI's deprecations page names the field; seconds since 1970 and ISO dates are both understood."""
    value = told.get("shutdown_date") if isinstance(told, dict) else None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC).date()
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _is_placeholder(key: str) -> bool:
    if any(mark in key for mark in ("...", "…", "<")):
        return True
    parts = re.split(r"[-_\s]+", key.lower())
    return any(part.startswith(_PLACEHOLDERS) or re.fullmatch("xxx+", part) for part in parts)


def _key(endpoint: Endpoint) -> str:
    for name in ("Authorization", "api-key"):
        if secret := endpoint.headers.get(name):
            return secret.reveal().removeprefix("Bearer ")
    return ""


def _shaped(key: str) -> bool:
    return key.startswith(("sk-", "ek_", "sess-")) and len(key) >= 20
