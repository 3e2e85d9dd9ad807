"""The kinds of settings: what may be written for one, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from voice_ui import redaction

_SECRET_NAME = re.compile(r"(?i)key|token|secret|sig|password|code")
"""Parameters of an address whose values are never shown."""


MOST_KEYWORDS, LONGEST_KEYWORD, LONGEST_PROMPT = 100, 100, 1000
"""More than a transcription can use, and less than what a session's configuration would be refused for."""


@dataclass(frozen=True)
class Kind:
    """What a setting may be."""

    allowed: str
    """For the person who wrote something else."""
    parse: Callable[[str], Any]
    """Return what a text means; raises ValueError."""
    is_secret: bool = False
    """Whether a wrong value is not repeated in a message."""


def kind(allowed: str, *, is_secret: bool = False) -> Callable[[Callable[[str], Any]], Kind]:
    """Return a decorator that turns the function that reads a value into a `Kind`."""
    return lambda parse: Kind(allowed, parse, is_secret)


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


def _url(value: str, *schemes: str) -> str:
    parts = urlsplit(value)  # raises ValueError for a host in odd brackets, and below for an odd port
    if parts.scheme not in (schemes or ("http", "https", "ws", "wss")) or not parts.hostname or parts.port == 0:
        raise ValueError
    if not value.isprintable() or " " in value:
        raise ValueError
    for secret_part in (
        parts.password,
        *(given for name, given in parse_qsl(parts.query) if _SECRET_NAME.search(name)),
    ):
        redaction.register(secret_part or "")
    return value.partition("#")[0].rstrip("/")


@kind("redis://HOST:PORT/NUMBER, rediss://… or unix://…")
def redis_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path) or parts.port == 0:
        raise ValueError
    redaction.register(parts.password or "")
    return value


@kind("where Ollama listens, HOST:PORT")
def ollama_host(value: str) -> str:
    """As Ollama's own clients read it: `0.0.0.0` is this machine, and 11434 the port of an address that names none."""
    if value.count(":") > 1 and "://" not in value and "[" not in value:
        value = f"[{value}]"
    if "://" not in value:
        value = f"http://{'localhost' if value.startswith(':') else ''}{value}"
    parts = urlsplit(_url(value, "http", "https"))
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(parts.hostname or "", parts.hostname or "")
    port = parts.port or (443 if parts.scheme == "https" else 11434)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def one_of(*names: str) -> Kind:
    def parse(value: str) -> str:
        if value.lower() not in names:
            raise ValueError
        return value.lower()

    return Kind(", ".join(names), parse)


def whole(least: int, most: int) -> Kind:
    return Kind(f"a whole number from {least} to {most}", lambda value: _within(least, int(value), most))


def between(least: float, most: float) -> Kind:
    return Kind(f"a number from {least} to {most}", lambda value: _within(least, float(value), most))


def _within(least: float, number: float, most: float) -> float:
    if not least <= number <= most:
        raise ValueError
    return number


@kind("an amount in US dollars, such as 0.50")
def dollars(value: str) -> float:
    if not 0 < (amount := float(value)) < 1_000_000:
        raise ValueError
    return amount


@kind("a whole number from 1 to 4096, or inf")
def tokens(value: str) -> Any:
    return "inf" if value.lower() == "inf" else whole(1, 4096).parse(value)


@kind("auto, disabled, or a ratio from 0.1 to 1")
def truncation(value: str) -> Any:
    """How a conversation is shortened that is too long for the model."""
    return value.lower() if value.lower() in {"auto", "disabled"} else between(0.1, 1).parse(value)


@kind("yes, no")
def switch(value: str) -> bool:
    meanings = dict.fromkeys(("yes", "true", "on", "1"), True) | dict.fromkeys(("no", "false", "off", "0"), False)
    if (meaning := meanings.get(value.lower())) is None:
        raise ValueError
    return meaning


def _existing_file(value: str) -> Path:
    try:
        path = Path(value).expanduser()
        found = path.is_file()
    except (OSError, RuntimeError) as error:  # a folder that may not be read, a user who does not exist
        raise ValueError from error
    if not found:
        raise ValueError
    return path


def _header(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError
    return value


@kind("an ISO 639-1 language code such as en or de, or several, separated by commas")
def languages(value: str) -> tuple[str, ...]:
    """A server that takes no other would drop the whole configuration for it."""
    codes = parts_of(value)
    if not codes or not all(re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", code) for code in codes):
        raise ValueError
    return codes


@kind("up to 100 words or names, separated by commas")
def keywords(value: str) -> tuple[str, ...]:
    words = parts_of(value)
    if not words or len(words) > MOST_KEYWORDS or any(len(word) > LONGEST_KEYWORD for word in words):
        raise ValueError
    return words


@kind("up to 1000 characters")
def prompt(value: str) -> str:
    if len(value) > LONGEST_PROMPT:
        raise ValueError
    return value


def parts_of(value: str) -> tuple[str, ...]:
    """Return what is separated by commas or line breaks, each once."""
    return tuple(dict.fromkeys(part for part in (" ".join(part.split()) for part in re.split(r"[,\n]", value)) if part))


@kind("8 to 64 letters and digits", is_secret=True)
def access_code(value: str) -> str:
    """A short one would be guessed: five attempts a minute from each address add up."""
    letters = re.sub(r"[ -]", "", value)
    if not re.fullmatch(r"[A-Za-z0-9]{8,64}", letters):
        raise ValueError
    return letters.upper()


@kind("an address of this machine, such as 127.0.0.1")
def host(value: str) -> str:
    return _header(value).removeprefix("[").removesuffix("]").lower()


@kind("low, auto, high")
def eagerness(value: str) -> str:
    """`medium` is another name of `auto` (OpenAI's API reference, turn_detection.eagerness)."""
    return str(one_of("low", "auto", "high").parse("auto" if value.lower() == "medium" else value))


@kind("sites such as https://example.com, separated by spaces; or * for any")
def frame_ancestors(value: str) -> str:
    """Return the sources as they stand in a Content-Security-Policy (CSP 3, section 6.4.2)."""
    sources = value.replace(",", " ").split()
    allowed = r"\*|'self'|https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:(\d{1,5}|\*))?"
    if not all(re.fullmatch(allowed, source.lower()) for source in sources):
        raise ValueError
    return " ".join(source.lower() for source in sources)


@kind("16 or more visible ASCII characters, no spaces or quotes", is_secret=True)
def long_secret(value: str) -> Secret:
    """One that signs must not be guessed."""
    if len(value) < 16:
        raise ValueError
    return Secret(_header(value))


@kind("the key alone: visible ASCII characters, no spaces or quotes", is_secret=True)
def secret(value: str) -> Secret:
    return Secret(_header(value))


def url(allowed: str, *schemes: str) -> Kind:
    return Kind(allowed, lambda value: _url(value, *schemes))


def header(allowed: str) -> Kind:
    return Kind(allowed, _header)


def existing_file(allowed: str) -> Kind:
    return Kind(allowed, _existing_file)
