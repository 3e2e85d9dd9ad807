"""What a docstring says about a function and about each of its parameters. Pure.

Understood are Google's `Args:`, NumPy's `Parameters` and Sphinx's `:param name:`.
"""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(
    r"^(args|arguments|parameters|params|returns?|yields?|raises|examples?|notes?)(:|\s*\n-{3,})[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_GOOGLE = re.compile(r"^(?P<name>\*{0,2}\w+)(?:\s*\([^)]*\))?\s*:\s*(?P<text>.*)$")
_NUMPY = re.compile(r"^(?P<name>\w+)(?:\s*:.*)?$")
_SPHINX = re.compile(r"^:(?:param|parameter|arg)\s+(?:[\w.\[\]| ]+\s)?(?P<name>\w+)\s*:\s*(?P<text>.*)$")
_FIELD = re.compile(r"^:\w+[^:\n]*:", re.MULTILINE)


def read(docstring: str | None) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of the function, and of its parameters by name."""
    text = inspect.cleandoc(docstring or "")
    starts = [found.start() for found in (_SECTION.search(text), _FIELD.search(text)) if found]
    description = text[: min(starts)] if starts else text
    parameters = _sphinx(text)
    sections = list(_SECTION.finditer(text))
    for number, section in enumerate(sections):
        if section[1].lower() in {"args", "arguments", "parameters", "params"}:
            end = sections[number + 1].start() if number + 1 < len(sections) else len(text)
            pattern = _GOOGLE if section[2] == ":" else _NUMPY
            parameters |= _block(text[section.end() : end], pattern)
    return description.strip(), {name: " ".join(said.split()) for name, said in parameters.items() if said.strip()}


def _block(text: str, pattern: re.Pattern[str]) -> dict[str, str]:
    """Read entries of which every further line is indented deeper than the first."""
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(text.strip("\n")).splitlines():
        if line[:1].strip() and (entry := pattern.match(line)):
            name = entry["name"]
            found[name] = entry.groupdict().get("text") or ""
        elif name:
            found[name] += " " + line.strip()
    return found


def _sphinx(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if entry := _SPHINX.match(line):
            name = entry["name"]
            found[name] = entry["text"]
        elif name and line[:1].isspace():
            found[name] += " " + line.strip()
        else:
            name = ""
    return found
