"""Finds simple tool arguments in a sentence: numbers, dates, choices, and words after a name. Pure.

No language model: it asks for arguments that it does not find.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from math import isfinite
from typing import Any

from voice_ui.offline.tool_words import STOP_WORDS, meaning, name_words, properties_of, resolved, stem, words

_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTHS = "january february march april may june july august september october november december".split()
_DAYS = {"today": 0, "tomorrow": 1, "yesterday": -1, "tonight": 0}
_BEFORE_NAMES = "in|for|of|at|about|from|to|called|named|with|near|on"
_VERBS = {"add", "buy", "call", "find", "order", "play", "put", "remember", "remove", "send", "write", "take", "delete"}
_NO = r"(?:no|not|without|don't|dont)"


def fill(tool: dict[str, Any], heard: str, today: date) -> dict[str, Any]:
    """Return the arguments that were found; those that are missing may be required."""
    schema = tool.get("parameters")
    root = schema if isinstance(schema, dict) else {}
    kinds = {name: resolved(kind, root) for name, kind in properties_of(tool).items()}
    left = _Sentence(heard, tool, list(kinds), today, root)
    found: dict[str, Any] = {}
    # The kinds that are told apart most surely come first: what they take is not taken for words.
    for find in (left.choice, left.day, left.truth, left.number, left.items, left.text):
        for name, kind in kinds.items():
            if name not in found and (value := find(name, kind)) is not None:
                found[name] = value
    return found


def missing(tool: dict[str, Any], arguments: dict[str, Any]) -> list[str]:
    """Return the names of the required parameters without an argument."""
    schema = tool.get("parameters")
    required = schema.get("required") if isinstance(schema, dict) else None
    names = required if isinstance(required, list) else []
    return [name for name in names if isinstance(name, str) and name not in arguments]


class _Sentence:
    """What was said, without what has been taken from it."""

    def __init__(self, heard: str, tool: dict[str, Any], names: list[str], today: date, root: dict[str, Any]) -> None:
        self._text = " ".join(heard.split()).strip(" .?!")
        self._today, self._root = today, root
        self._names = names
        self._tool_words = meaning(name_words(str(tool.get("name", "")))) | meaning(
            words(str(tool.get("description", "")))
        )
        self._took_text = False

    def choice(self, name: str, kind: dict[str, Any]) -> Any:
        """Return the value of an enumeration that is named; the longest, where one is part of another."""
        values = kind.get("enum")
        if not isinstance(values, list):
            return None
        for value in sorted(values, key=lambda value: -len(str(value))):
            said = r"[\s_-]+".join(map(re.escape, name_words(str(value)) or [str(value)]))
            if self._take(rf"\b{said}\b"):
                return value
        return None

    def day(self, name: str, kind: dict[str, Any]) -> str | None:
        """Return a date: today, on Friday, 24 December, 2026-12-24."""
        if kind.get("format") != "date":
            return None
        if taken := self._take(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"):
            return _iso(int(taken[1]), int(taken[2]), int(taken[3]))
        if taken := self._take(rf"\b({'|'.join(_DAYS)})\b"):
            return (self._today + timedelta(days=_DAYS[taken[1].lower()])).isoformat()
        if taken := self._take(rf"\b(?:on |next |this )*({'|'.join(_WEEKDAYS)})\b"):
            ahead = (_WEEKDAYS.index(taken[1].lower()) - self._today.weekday()) % 7
            return (self._today + timedelta(days=ahead)).isoformat()
        months = "|".join(_MONTHS)
        day_first = rf"\b(?:on )?(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{months})\b"
        month_first = rf"\b(?:on )?(?P<month>{months}) (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b"
        if taken := self._take(day_first) or self._take(month_first):
            month = _MONTHS.index(taken["month"].lower()) + 1
            this_year = _iso(self._today.year, month, int(taken["day"]))
            is_over = this_year is not None and this_year < self._today.isoformat()
            return _iso(self._today.year + 1, month, int(taken["day"])) if is_over else this_year
        return None

    def truth(self, name: str, kind: dict[str, Any]) -> bool | None:
        """Return whether something is wanted that is named."""
        if kind.get("type") != "boolean":
            return None
        said = r"\s+".join(map(re.escape, name_words(name)))
        if self._take(rf"\b{_NO} (?:the |any )?{said}\b"):
            return False
        return True if self._take(rf"\b{said}\b") else None

    def number(self, name: str, kind: dict[str, Any]) -> float | int | None:
        """Return a number beside the name of the parameter, else the next that is left."""
        if kind.get("type") not in {"integer", "number"}:
            return None
        pattern = r"(?P<number>-?\d+(?:\.\d+)?)"
        said = r"\s+".join(re.escape(word) for word in name_words(name)).rstrip("s")
        taken = (
            self._take(rf"{pattern}\s+{said}s?\b")
            or self._take(rf"\b{said}s?\s+(?:is |of |to |for )?{pattern}")
            or self._take(rf"(?<![\w.]){pattern}(?![\w])")
        )
        if taken is None:
            return None
        value = float(taken["number"])
        if not isfinite(value):
            return None
        return int(value) if kind["type"] == "integer" or value == int(value) else value

    def items(self, name: str, kind: dict[str, Any]) -> list[Any] | None:
        """Return several things, with commas or "and" between them."""
        if kind.get("type") != "array":
            return None
        inner = resolved(kind.get("items"), self._root)
        of_numbers = inner.get("type") in {"integer", "number"}
        if of_numbers:
            numbers = re.findall(r"-?\d+(?:\.\d+)?", self._text)
            return [float(number) if "." in number else int(number) for number in numbers] or None
        text = self.text(name, {"type": "string"})
        return [each for each in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", text) if each] if text else None

    def text(self, name: str, kind: dict[str, Any]) -> str | None:
        """Return the words behind the parameter's name; for the first, else those that look like an object."""
        if kind.get("type", "string") != "string" or "enum" in kind or kind.get("format") == "date":
            return None
        said = r"\s+".join(map(re.escape, name_words(name)))
        others = [r"\s+".join(map(re.escape, name_words(other))) for other in self._names if other != name]
        until = rf"(?=\s+(?:and\s+)?(?:{'|'.join(others)})\b|$)" if others else "$"
        verb = r"(?:\s+(?:is|to|of|called|named|should be)\b)?:?"
        if taken := self._take(rf"\b(?:the )?{said}{verb}\s+(?P<text>.+?){until}"):
            text = taken["text"].strip(" ,:")
            if meaning(words(text)):
                return text
        if self._took_text:
            return None
        text = self._object()
        self._took_text = text is not None
        return text

    def _object(self) -> str | None:
        """Return what the sentence is about, besides the words of the tool itself."""
        if quoted := re.search(r"[“\"']([^”\"']{1,200})[”\"']", self._text):
            return quoted[1]
        pieces = re.split(rf"\b(?:{_BEFORE_NAMES})\b", self._text, flags=re.IGNORECASE)
        verb = re.match(rf"(?:.*?\b)?(?:{'|'.join(_VERBS)})\s+(?P<text>.+)", pieces[0], re.IGNORECASE)
        candidates = [verb["text"]] if verb else []
        candidates += pieces[1:]
        candidates.append(pieces[0])
        for candidate in candidates:
            kept = [word for word in candidate.strip(" ,.?!").split() if not self._is_of_tool(word)]
            while kept and kept[0].lower() in STOP_WORDS:
                kept.pop(0)
            while kept and kept[-1].lower() in STOP_WORDS:
                kept.pop()
            if any(not word.strip(",.-").isdigit() for word in kept):
                return " ".join(kept)
        return None

    def _is_of_tool(self, word: str) -> bool:
        return bool(meaning(words(word)) & self._tool_words) or stem(word.lower().strip(",.")) in self._tool_words

    def _take(self, pattern: str) -> re.Match[str] | None:
        found = re.search(pattern, self._text, re.IGNORECASE)
        if found:
            self._text = f"{self._text[: found.start()]} {self._text[found.end() :]}".strip()
            self._text = " ".join(self._text.split())
        return found


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
