"""Conversions between units: "convert ten miles to kilometres", "how many feet are in two metres". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class _Unit:
    kind: str
    size: float
    """In the first unit of its kind."""
    one: str
    many: str
    zero: float = 0.0
    """Where its scale begins, for temperatures."""


def _unit(kind: str, size: float, one: str, many: str = "", zero: float = 0.0) -> _Unit:
    return _Unit(kind, size, one, many or f"{one}s", zero)


_UNITS = {
    r"kilomet(?:er|re)s?|kms?": _unit("length", 1000, "kilometer"),
    r"centimet(?:er|re)s?|cms?": _unit("length", 0.01, "centimeter"),
    r"millimet(?:er|re)s?|mm": _unit("length", 0.001, "millimeter"),
    r"met(?:er|re)s?|m": _unit("length", 1, "meter"),
    r"miles?": _unit("length", 1609.344, "mile"),
    r"yards?": _unit("length", 0.9144, "yard"),
    r"feet|foot|ft": _unit("length", 0.3048, "foot", "feet"),
    r"inch(?:es)?": _unit("length", 0.0254, "inch", "inches"),
    r"kilograms?|kilos?|kgs?": _unit("weight", 1, "kilogram"),
    r"grams?|g": _unit("weight", 0.001, "gram"),
    r"pounds?|lbs?": _unit("weight", 0.45359237, "pound"),
    r"ounces?|oz": _unit("weight", 0.028349523125, "ounce"),
    r"lit(?:er|re)s?": _unit("volume", 1, "liter"),
    r"millilit(?:er|re)s?|ml": _unit("volume", 0.001, "milliliter"),
    r"gallons?": _unit("volume", 3.785411784, "gallon"),
    r"pints?": _unit("volume", 0.473176473, "pint"),
    r"cups?": _unit("volume", 0.2365882365, "cup"),
    r"kilomet(?:er|re)s (?:per|an) hour|kmh|km h": _unit("speed", 1, "kilometer per hour", "kilometers per hour"),
    r"miles (?:per|an) hour|mph": _unit("speed", 1.609344, "mile per hour", "miles per hour"),
    r"seconds?": _unit("time", 1, "second"),
    r"minutes?": _unit("time", 60, "minute"),
    r"hours?": _unit("time", 3600, "hour"),
    r"days?": _unit("time", 86_400, "day"),
    r"weeks?": _unit("time", 604_800, "week"),
    r"years?": _unit("time", 31_536_000, "year"),
    r"(?:degrees? )?(?:celsius|centigrade)": _unit("temperature", 1, "degree Celsius", "degrees Celsius"),
    r"(?:degrees? )?fahrenheit": _unit("temperature", 5 / 9, "degree Fahrenheit", "degrees Fahrenheit", -160 / 9),
}
"""US customary measures, and US spelling, as the voice is American."""

_UNIT = f"(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})"
_AMOUNT = r"(?P<amount>(?:minus |-)?\d+(?:\.\d+)?|an?|half an?)"
_VERB = r"(?:is|are|go|make|does|do)"
_ASKED = (
    re.compile(
        rf"(?<![\w-]){_AMOUNT} (?P<from>{_UNIT}) (?:{_VERB} |equals? )?"
        rf"(?:in|to|into|as|and|how many|how much) (?P<to>{_UNIT})\b"
    ),
    re.compile(rf"\bhow many (?P<to>{_UNIT}) {_VERB}?(?: there)? ?(?:in|into|to)? ?{_AMOUNT} (?P<from>{_UNIT})\b"),
)


_FEET_AND_INCHES = re.compile(r"\b(\d+) (?:feet|foot) (?:and )?(\d+)(?: inch(?:es)?)?\b")


def _in_inches(found: re.Match[str]) -> str:
    return f"{int(found[1]) * 12 + int(found[2])} inches"


def convert(question: str) -> str | None:
    """Return the conversion that is asked for, as a sentence; None if none is. `question` is `words.normalised`."""
    question = _FEET_AND_INCHES.sub(_in_inches, question)
    for pattern in _ASKED:
        if found := pattern.search(question):
            return _sentence(_amount(found["amount"]), _named(found["from"]), _named(found["to"]))
    return None


def _sentence(amount: float, source: _Unit, target: _Unit) -> str | None:
    if source.kind != target.kind:
        return f"{_shown(amount, source)} cannot be converted to {target.many}."
    value = (amount * source.size + source.zero - target.zero) / target.size
    exact = f"{value:.6g}" == f"{round(value, 2):.6g}"
    return f"{_shown(amount, source)} is {'' if exact else 'about '}{_shown(round(value, 2), target)}."


def _shown(amount: float, unit: _Unit) -> str:
    number = f"{amount:,.2f}".rstrip("0").rstrip(".") if abs(amount) < 1e15 else f"{amount:.3g}"
    return f"{number} {unit.one if amount == 1 else unit.many}"


def _amount(text: str) -> float:
    if text.startswith("half"):
        return 0.5
    return 1.0 if text in {"a", "an"} else float(text.replace("minus ", "-"))


def _named(text: str) -> _Unit:
    return next(unit for names, unit in _UNITS.items() if re.fullmatch(names, text))
