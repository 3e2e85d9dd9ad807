"""The log: times and codes, one line each. Words from outside cannot add lines, move the cursor or show a key.

A record is one line, whatever is in its message; the lines of a traceback are marked, so that none of them looks like
a record. What repeats too often is counted instead of written.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TextIO

from voice_ui.redaction import redact

FORMAT = "%(asctime)s %(name)s: %(message)s"

MESSAGE_CHARACTERS = 1_000
"""Of a message, and of each line of a traceback."""

TRACEBACK_LINES = 100

CONTINUED = "    | "
"""In front of each line after the first."""

BURST = 20
"""Messages of one kind that are written within `BURST_SECONDS`."""

BURST_SECONDS = 10.0

KINDS = 500
"""Kinds of messages that are counted; of more, the one that was quiet longest is forgotten."""


def write() -> None:
    """Write to standard error what is of interest."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter(FORMAT))
    handler.addFilter(Burst(time.monotonic))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def show_what_can_be_shown(*streams: TextIO) -> None:
    """Write characters that a terminal or a pipe has no place for as escapes, instead of ending the program."""
    for stream in streams or (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


class Formatter(logging.Formatter):
    """One line for each record, and marked ones for its traceback; nothing in them but visible characters."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        first, *more = super().format(_with_one_line(record)).split("\n")
        lines = [_visible(redact(line)) for line in more[-TRACEBACK_LINES:]]
        return "\n".join([redact(first), *(f"{CONTINUED}{line}" for line in lines)])


def _with_one_line(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy of a record whose message is one line."""
    copy = logging.makeLogRecord(record.__dict__)
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit
        message = str(record.msg)
    # Redacted before it is cut, and again behind the escapes: either could halve a secret, or hide one.
    copy.msg, copy.args = _visible(redact(message)), None
    copy.exc_text = None  # another formatter may have left it there
    return copy


def _visible(text: str) -> str:
    """Return text without line breaks, escape codes and changes of direction, and not too much of it."""
    cut = text[:MESSAGE_CHARACTERS]
    shown = "".join(character if _is_visible(character) else _escaped(character) for character in cut)
    return shown if len(text) <= MESSAGE_CHARACTERS else f"{shown}… ({len(text):,} characters)"


def _is_visible(character: str) -> bool:
    # A no-break space and the like are not printable by Python's definition, but harmless: they are escaped, too.
    return character.isprintable()


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


class Burst(logging.Filter):
    """Lets so many messages of one kind through in a while, and says afterwards how many it did not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written."""
        # A message without arguments may hold words from outside: its beginning tells its kind.
        kind = (record.name, record.lineno, str(record.msg)[:20])
        began, count = self._kinds.pop(kind, (self._clock(), 0))
        if self._clock() - began >= BURST_SECONDS:
            if count > BURST:
                record.msg, record.args = f"{record.getMessage()} (and {count - BURST:,} more like it before)", None
            began, count = self._clock(), 0
        self._kinds[kind] = (began, count + 1)
        while len(self._kinds) > KINDS:
            self._kinds.popitem(last=False)
        return count < BURST
