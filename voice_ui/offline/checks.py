"""Strict checks of what a client says, with the words and codes of OpenAI's own refusals. Pure.

A check takes a value and the path it was found at (`session.audio.input.format.rate`), and raises `Rejected` if the
value is not what the protocol allows there. The codes are those seen in dated captures of the live service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], None]

MAX_DEPTH = 32
"""Levels of nesting in values that are kept and echoed as they came; a JSON writer gives up on far deeper ones."""


class Rejected(Exception):
    """A client event that is not accepted: none of it takes effect, and the session goes on."""

    def __init__(self, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def text(max_length: int | None = None) -> Check:
    """Allow a string of at most `max_length` characters."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise _invalid_type(param, "a string", value)
        if max_length is not None and len(value) > max_length:
            raise Rejected(
                "string_above_max_length",
                f"Invalid '{param}': string too long. Expected a string with maximum length {max_length}, "
                f"but got a string with length {len(value)} instead.",
                param,
            )

    return check


def boolean(value: Any, param: str) -> None:
    """Allow true and false."""
    if not isinstance(value, bool):
        raise _invalid_type(param, "a boolean", value)


def integer(low: int, high: int | None = None) -> Check:
    """Allow a whole number from `low` to `high`."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _invalid_type(param, "an integer", value)
        _in_range("integer", value, low, high, param)

    return check


def number(low: float, high: float) -> Check:
    """Allow a number from `low` to `high`."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _invalid_type(param, "a decimal", value)
        _in_range("decimal", value, low, high, param)

    return check


def one_of(*allowed: str) -> Check:
    """Allow these strings."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise _invalid_type(param, f"one of {_listed(allowed)}", value)
        if value not in allowed:
            raise invalid_value(param, value, allowed)

    return check


def any_of(what: str, *checks: Check) -> Check:
    """Allow what one of the checks allows; say that `what` was expected if none does."""

    def check(value: Any, param: str) -> None:
        refusals = []
        for each in checks:
            try:
                return each(value, param)
            except Rejected as refusal:
                refusals.append(refusal)
        # A value of the right type but out of bounds is better explained by the check that knew its type.
        telling = [refusal for refusal in refusals if refusal.code != "invalid_type"]
        raise telling[-1] if telling else _invalid_type(param, what, value)

    return check


def nullable(inner: Check) -> Check:
    """Allow null as well."""

    def check(value: Any, param: str) -> None:
        if value is not None:
            inner(value, param)

    return check


def array(inner: Check, max_length: int = 1000) -> Check:
    """Allow a list, each element of which passes."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, list):
            raise _invalid_type(param, "an array", value)
        if len(value) > max_length:
            raise Rejected(
                "array_above_max_length", f"Invalid '{param}': array too long. Expected at most {max_length}.", param
            )
        for index, element in enumerate(value):
            inner(element, f"{param}[{index}]")

    return check


def record(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """Allow an object with these fields and no other."""

    def check(value: Any, param: str) -> None:
        members = an_object(value, param)
        for name in required:
            if name not in members:
                raise missing(_join(param, name))
        for name, member in members.items():
            if name not in fields:
                raise unknown(_join(param, name))
            fields[name](member, _join(param, name))

    return check


def tagged(kinds: Mapping[str, Check], tag: str = "type") -> Check:
    """Allow an object of the kind that its member `tag` names."""

    def check(value: Any, param: str) -> None:
        members = an_object(value, param)
        if tag not in members:
            raise missing(_join(param, tag))
        one_of(*kinds)(members[tag], _join(param, tag))
        kinds[members[tag]](value, param)

    return check


def string_map(value: Any, param: str) -> None:
    """Allow up to 16 pairs of strings (SDK realtime_response.py, `metadata`)."""
    members = an_object(value, param)
    if len(members) > 16:
        raise Rejected("object_above_max_properties", f"Invalid '{param}': too many properties. At most 16.", param)
    for name, member in members.items():
        text(64)(name, param)
        text(512)(member, _join(param, name))


def anything(value: Any, param: str) -> None:
    """Allow any JSON that can be written again."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise Rejected("invalid_value", f"Invalid '{param}': nested more than {MAX_DEPTH} levels deep.", param)


def an_object(value: Any, param: str) -> dict[str, Any]:
    """Return `value` if it is a JSON object."""
    if not isinstance(value, dict):
        raise _invalid_type(param, "an object", value)
    return value


def missing(param: str) -> Rejected:
    """Return the refusal of an event that lacks a field."""
    return Rejected("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def unknown(param: str) -> Rejected:
    """Return the refusal of an event with a field nobody knows."""
    return Rejected("unknown_parameter", f"Unknown parameter: '{param[:200]}'.", param[:200])


def invalid_value(param: str, value: str, allowed: tuple[str, ...]) -> Rejected:
    """Return the refusal of a word that is not in the list."""
    return Rejected("invalid_value", f"Invalid value: '{value[:80]}'. Supported values are: {_listed(allowed)}.", param)


def _in_range(kind: str, value: float, low: float, high: float | None, param: str) -> None:
    if value < low:
        raise Rejected(
            f"{kind}_below_min_value",
            f"Invalid '{param}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead.",
            param,
        )
    if high is not None and value > high:
        raise Rejected(
            f"{kind}_above_max_value",
            f"Invalid '{param}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead.",
            param,
        )


def _invalid_type(param: str, expected: str, value: Any) -> Rejected:
    message = f"Invalid type for '{param}': expected {expected}, but got {_kind(value)} instead."
    return Rejected("invalid_type", message, param)


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}
    return "null" if value is None else names.get(type(value), "an object")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _join(param: str, name: str) -> str:
    return f"{param}.{name}" if param else name


def _listed(allowed: tuple[str, ...]) -> str:
    quoted = [f"'{value}'" for value in allowed]
    return " and ".join(quoted) if len(quoted) < 3 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
