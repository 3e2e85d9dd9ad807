"""A function that cannot be a tool is refused where it is defined: file, line and reason in one line. Pure."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voice_ui.errors import VoiceUIError

if TYPE_CHECKING:
    from collections.abc import Iterator

_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)

_HERE = str(Path(__file__).parent)


class ToolError(VoiceUIError):
    """A function cannot be a tool; the message is one line: file, line, name and reason."""


class NotATool(Exception):
    """The message is the reason, before it is known where the function is."""


class ToolFailed(Exception):
    """A tool raises it to tell the model, in words of its own, why it could not do what it was asked."""


class InvalidArguments(Exception):
    """What a model sent does not fit the schema; the message is for the model."""


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect refusals instead of raising the first: a file is reported once, with all that is wrong in it."""
    lines: list[str] = []
    token = _collected.set(lines)
    try:
        yield lines
    finally:
        _collected.reset(token)


def refuse(function: Any, reason: str) -> None:
    """Raise ToolError, or add its message to what is being collected."""
    name = getattr(function, "__name__", None) or type(function).__name__
    error = ToolError(f"{place_of(function)}: {name} cannot be a tool: {' '.join(reason.split())}")
    if (lines := _collected.get()) is None:
        raise error
    lines.append(str(error))


def place_of(function: Callable[..., Any]) -> str:
    """Return file and line of a function; of the call that names it, where it has no source of its own."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    frame = sys._getframe()
    while frame.f_back and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
