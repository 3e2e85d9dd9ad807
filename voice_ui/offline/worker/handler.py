"""What a worker process does: the vocabulary between the process and the module that does the work. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Stop = Callable[[], bool]
"""Whether the request being worked on has been aborted; asked where the work could stop."""


class Aborted(Exception):
    """Raised by a handler that stopped because its request was aborted."""


class Unavailable(Exception):
    """Raised by `load()` where the work cannot be done; the text says why."""


@dataclass(frozen=True)
class Handler:
    """What a module's `load()` returns."""

    name: str
    """What it works with, such as the name of a model."""
    handle: Callable[[bytes, Stop], bytes]
    """Return the answer to one request; may raise Aborted."""
