"""Reading what somebody else wrote: a missing or odd field gets its default, and costs nothing else. Pure.

`Event` is the base of every event class in `server` and `client`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, dataclass_transform

from voice_ui.protocol.names import Dialect, event_name

LARGEST = 2**53
"""Beyond it, JSON does not hold every whole number."""


def text(value: Any) -> str:
    """Return a string; "" for anything else."""
    return value if isinstance(value, str) else ""


def text_or_none(value: Any) -> str | None:
    """Return a string; None for anything else."""
    return value if isinstance(value, str) else None


def number(value: Any) -> float | None:
    """Return a finite number; None for anything else, flags included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LARGEST <= value <= LARGEST:
        return None
    return value


def whole(value: Any) -> int:
    """Return a whole number, which may be written as 2.0; 0 for anything else."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else 0


def mapping(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mapping_or_none(value: Any) -> dict[str, Any] | None:
    """Return a JSON object; None for anything else."""
    return value if isinstance(value, dict) else None


def array(value: Any) -> list[Any]:
    """Return a JSON array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def well_formed(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone halves replaced by U+FFFD, so that it is valid UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


Reader = Callable[[Any], Any]

READERS: dict[str, Reader] = {
    "str": text,
    "str | None": text_or_none,
    "int": whole,
    "float | None": number,
    "dict[str, Any]": mapping,
    "dict[str, Any] | None": mapping_or_none,
}
"""By the annotation of a field of an event. NOTE: `items` adds its own."""

_readers: dict[type, list[tuple[str, Reader]]] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Event:
    """An event whose fields have their own names on the wire; classes with another shape override both methods.

    Every class derived from it is a frozen dataclass.
    """

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)

    type: ClassVar[str]
    """The GA name, which is written here and nowhere else."""

    constants: ClassVar[dict[str, Any]] = {}
    """Fields of the wire that always have the same value here."""

    def to_wire(self, dialect: Dialect = Dialect.GA) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        wire = {"type": event_name(self.type, dialect), **self.constants}
        for name, _ in readers_of(type(self)):
            value = getattr(self, name)
            wire[name] = value.to_wire(dialect) if hasattr(value, "to_wire") else value
        return wire

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """Return what a JSON object says; raises nothing."""
        return cls(**{name: read(wire.get(name)) for name, read in readers_of(cls)})


def readers_of(event: type) -> list[tuple[str, Reader]]:
    """Return the name of each field of an event class, and how it is read."""
    if event not in _readers:
        _readers[event] = [(field.name, READERS[f"{field.type}"]) for field in fields(event)]
    return _readers[event]
