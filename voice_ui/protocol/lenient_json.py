"""JSON as Python writes it: NaN, and halves of an emoji that a server cut in two. Pure."""

from __future__ import annotations

import json
from typing import Any

from voice_ui.protocol.reading import well_formed


def loads(message: str | bytes) -> Any:
    """Return JSON as Python writes it, with NaN and lone surrogates; None if it is not even that."""
    try:
        return _mended(json.loads(message, parse_constant=lambda name: None))
    except (ValueError, RecursionError):
        return None


def _mended(value: Any, name: str = "") -> Any:
    """Replace lone surrogates, but for those at the ends of a delta, whose other halves may be in its neighbours."""
    match value:
        case str() if name == "delta":
            start = 1 if "\udc00" <= value[:1] <= "\udfff" else 0
            end = len(value) - (1 if "\ud800" <= value[-1:] <= "\udbff" else 0)
            return value[:start] + well_formed(value[start:end]) + value[max(start, end) :]
        case str():
            return well_formed(value)
        case dict():
            return {well_formed(key): _mended(inner, key) for key, inner in value.items()}
        case list():
            return [_mended(inner) for inner in value]
    return value
