"""Takes secrets out of words that come from outside: known ones literally, others by their shape.

`settings.Secret`, addresses and proxies with credentials register what must never be shown. Everything a server, a
proxy or a library says passes `redact` before it reaches the page, and once more before it reaches the log.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from functools import cache
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 4
"""Characters. A shorter secret protects nothing, and taking it out would tear ordinary words apart."""

ANYWHERE = 8
"""Characters. A shorter secret is only taken out where it stands alone: it may be part of an ordinary word."""

IN_MESSAGES = 12
"""Characters. A shorter secret is left in messages of the protocol: it may be the name of a field or an event."""

REDACTED = "[redacted]"

_known: dict[str, None] = {}

_SHAPES = re.compile(
    r"(?i)(?P<kept>\bbearer\s+|\bapi[-_]?key['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+"  # a header, a parameter
    r"|(?<=://)[^\s/?#]*(?=@)"  # credentials in an address
    r"|(?:(?<![a-z0-9])|(?<=\\[nrt])|(?<=%[0-9a-f]{2}))(?:sk-|ek_)[\w*.-]{6,}"  # OpenAI's, also behind \n or %20
)


def register(secret: str) -> None:
    """Never show `secret` again, in any of the forms it usually takes."""
    if len(secret) >= SHORTEST and secret not in _known:
        _known[secret] = None
        _pattern.cache_clear()
        _forms_in_messages.cache_clear()


def redact(text: str) -> str:
    """Return `text` without known secrets, and without anything that looks like a key or credentials."""
    if known := _pattern():
        text = known.sub(REDACTED, text)
    return _SHAPES.sub(lambda match: f"{match['kept'] or ''}{REDACTED}", text)


def redact_message(message: str | bytes) -> str | bytes:
    """Return a message of the protocol without known secrets; the rest of it, and its JSON, stay as they are."""
    # Searching for one form after the other takes microseconds; a regular expression takes a hundred times as long.
    for form, encoded in _forms_in_messages():
        if isinstance(message, str):
            if form in message:
                message = message.replace(form, REDACTED)
        elif encoded in message:
            message = message.replace(encoded, REDACTED.encode())
    return message


@cache
def _pattern() -> re.Pattern[str] | None:
    """Return what matches the known secrets, in all their forms."""
    forms = _longest_first(_known)
    return re.compile("|".join(map(_literal, forms))) if forms else None


@cache
def _forms_in_messages() -> list[tuple[str, bytes]]:
    """Return the forms of the secrets that are long enough to be taken out of messages."""
    forms = _longest_first(secret for secret in _known if len(secret) >= IN_MESSAGES)
    return [(form, form.encode()) for form in forms]


def _longest_first(secrets: Iterable[str]) -> list[str]:
    forms = dict.fromkeys(form for secret in secrets for form in _forms(secret))
    return sorted(forms, key=len, reverse=True)


def _forms(secret: str) -> list[str]:
    """Return how a secret may be written: as it is, in JSON, in an address, in HTML, in a header, in a traceback."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [
        secret,
        unquote(secret),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        quote(quote(secret, safe=""), safe=""),
        html.escape(secret),
        repr(secret)[1:-1],
        encoded,
    ]


def _literal(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= ANYWHERE else rf"(?<!\w){escaped}(?!\w)"
