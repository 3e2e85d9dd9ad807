"""What may be written for a setting, and what it means. Each of these raises ValueError for what is not allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from voice_ui import redaction

_SECRET_NAME = re.compile(r"(?i)key|token|secret|sig|password|code")
"""Parameters of an address whose values are never shown."""


MOST_KEYWORDS, LONGEST_KEYWORD, LONGEST_PROMPT = 100, 100, 1000
"""More than a transcription can use, and less than what a session's configuration would be refused for."""


class Secret:
    """A key that does not show itself: no `repr`, `str` or format of it holds more than its last four characters.

    Words from outside that repeat it are redacted from now on, unless it is not `confidential`.
    """

    def __init__(self, value: str, *, confidential: bool = True) -> None:
        self._value = value
        if confidential:
            # A header such as "Bearer KEY" holds the secret behind its scheme.
            redaction.register(value.partition(" ")[2] or value)

    def reveal(self) -> str:
        """Return the key itself; only for the header of a connection to the model's server."""
        return self._value

    def __repr__(self) -> str:
        return f"…{self._value[-4:]}" if len(self._value) >= 16 else "…"


def text(value: str) -> str:
    return value


def url(value: str) -> str:
    parts = urlsplit(value)  # raises ValueError for a host in odd brackets, and below for an odd port
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname or parts.port == 0:
        raise ValueError
    if not value.isprintable() or " " in value:
        raise ValueError
    for secret_part in (
        parts.password,
        *(given for name, given in parse_qsl(parts.query) if _SECRET_NAME.search(name)),
    ):
        redaction.register(secret_part or "")
    return value.partition("#")[0].rstrip("/")


def redis_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path) or parts.port == 0:
        raise ValueError
    redaction.register(parts.password or "")
    return value


def ollama_host(value: str) -> str:
    """As Ollama's own clients read it: `0.0.0.0` is this machine, and 11434 the port of an address that names none."""
    if "://" not in value:
        value = f"http://{'localhost' if value.startswith(':') else ''}{value}"
    parts = urlsplit(url(value))
    if parts.scheme not in {"http", "https"}:
        raise ValueError
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(parts.hostname or "", parts.hostname or "")
    port = parts.port or (443 if parts.scheme == "https" else 11434)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def one_of(*names: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in names:
            raise ValueError
        return value.lower()

    return parse


def whole(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not least <= (number := int(value)) <= most:
            raise ValueError
        return number

    return parse


def dollars(value: str) -> float:
    if not 0 < (amount := float(value)) < 1_000_000:
        raise ValueError
    return amount


def between(least: float, most: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        if not least <= (number := float(value)) <= most:
            raise ValueError
        return number

    return parse


def tokens(value: str) -> int | str:
    return "inf" if value.lower() == "inf" else whole(1, 4096)(value)


def truncation(value: str) -> str | float:
    """How a conversation is shortened that is too long for the model."""
    return value.lower() if value.lower() in {"auto", "disabled"} else between(0.1, 1)(value)


def switch(value: str) -> bool:
    return one_of("yes", "true", "on", "1", "no", "false", "off", "0")(value) in {"yes", "true", "on", "1"}


def existing_file(value: str) -> Path:
    try:
        path = Path(value).expanduser()
        found = path.is_file()
    except (OSError, RuntimeError) as error:  # a folder that may not be read, a user who does not exist
        raise ValueError from error
    if not found:
        raise ValueError
    return path


def header(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError
    return value


def languages(value: str) -> tuple[str, ...]:
    """A server that takes no other would drop the whole configuration for it."""
    codes = parts_of(value)
    if not codes or not all(re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", code) for code in codes):
        raise ValueError
    return codes


def keywords(value: str) -> tuple[str, ...]:
    words = parts_of(value)
    if not words or len(words) > MOST_KEYWORDS or any(len(word) > LONGEST_KEYWORD for word in words):
        raise ValueError
    return words


def prompt(value: str) -> str:
    if len(value) > LONGEST_PROMPT:
        raise ValueError
    return value


def parts_of(value: str) -> tuple[str, ...]:
    """Return what is separated by commas or line breaks, each once."""
    return tuple(dict.fromkeys(part for part in (" ".join(part.split()) for part in re.split(r"[,\n]", value)) if part))


def access_code(value: str) -> str:
    """A short one would be guessed: five attempts a minute from each address add up."""
    letters = re.sub(r"[ -]", "", value)
    if not re.fullmatch(r"[A-Za-z0-9]{8,64}", letters):
        raise ValueError
    return letters.upper()


def frame_ancestors(value: str) -> str:
    """Return the sources as they stand in a Content-Security-Policy (CSP 3, section 6.4.2)."""
    sources = value.replace(",", " ").split()
    allowed = r"\*|'self'|https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:(\d{1,5}|\*))?"
    if not all(re.fullmatch(allowed, source.lower()) for source in sources):
        raise ValueError
    return " ".join(source.lower() for source in sources)


def long_secret(value: str) -> Secret:
    """One that signs must not be guessed."""
    if len(value) < 16:
        raise ValueError
    return secret(value)


def secret(value: str) -> Secret:
    return Secret(header(value))
