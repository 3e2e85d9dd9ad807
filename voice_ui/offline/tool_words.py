"""Words of a question, and of the name and description of a tool, made comparable. Pure."""

from __future__ import annotations

import re
from typing import Any

STOP_WORDS = frozenset(
    "a all an and any are as at be by call can coming could do does for from get give has have how i in into is "
    "it its last let make me my need next now of on one or please return returns run set show so some somebody "
    "something tell that the their them then there they this to use want was we what when where which who will "
    "with would you your".split()
)
"""They say nothing about which tool is meant."""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; numbers keep their point."""
    return re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())


def name_words(name: str) -> list[str]:
    """Return the words of an identifier: get_weather, getWeather and get-weather are "get" and "weather"."""
    return words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name))


def said(name: str) -> str:
    """Return an identifier as one says it."""
    return " ".join(name_words(name)) or name


def subject(name: str) -> str:
    """Return what a tool is about: the weather, for get_weather."""
    found = name_words(name)
    while len(found) > 1 and found[0] in {"get", "fetch", "find", "list", "read", "show", "lookup"}:
        found.pop(0)
    return " ".join(found) or name


def stem(word: str) -> str:
    """Return a word without its ending: orders, ordered and ordering are one."""
    for ending in ("ings", "ing", "ies", "es", "ed", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def meaning(given: list[str]) -> set[str]:
    """Return the stems of all words that say something."""
    return {stem(word) for word in given if word not in STOP_WORDS}


def properties_of(tool: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of the parameters of a tool, by name."""
    schema = tool.get("parameters")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema with its reference followed, and of several kinds or types the first that is not null."""
    for _ in range(5):
        if not isinstance(schema, dict):
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            found: Any = root
            for key in reference[2:].split("/"):
                found = found.get(key) if isinstance(found, dict) else None
            schema = found
        elif isinstance(kinds := schema.get("anyOf") or schema.get("oneOf"), list):
            schema = next((kind for kind in kinds if isinstance(kind, dict) and kind.get("type") != "null"), {})
        elif not isinstance(types := schema.get("type", ""), str):
            known = [one for one in types if isinstance(one, str) and one != "null"] if isinstance(types, list) else []
            schema = {**schema, "type": known[0] if known else ""}
        else:
            return schema
    return {}
