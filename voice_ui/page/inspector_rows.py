"""Protocol events in readable form: audio as length and level, secrets redacted. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from voice_ui import audio, images
from voice_ui.redaction import redact
from voice_ui.session import TracedEvent

LONGEST = 100_000
"""Characters of one text; no reply is as long, and a longer one would hold up the page."""

MARGIN = 1_000
"""Characters. A secret that a cut would halve is recognised as long as it is no longer than this."""

DEEPEST = 20
"""Levels of an event; no event of the protocol has as many."""

APPEND = "input_audio_buffer.append"
SPOKEN = {"response.output_audio.delta", "response.audio.delta"}
"""What servers that insist on speaking say it with, in either dialect."""

Row = dict[str, Any]
"""One event, or the consecutive appends of sound as one. NOTE: inspector.js reads what `rows_of` writes.

`number` of the event, `at_ms` since the first, `from` client or server, `event`; and of appends `last`, the number of
the last one, and `count`.
"""


def rows_of(traced: Iterable[TracedEvent], since: float) -> list[Row]:
    """Return events as rows; `since` is the time of the first one ever, in seconds."""
    rows: list[Row] = []
    for one in traced:
        row = _row(one, since)
        if rows and _is_append(row) and _is_append(rows[-1]):
            _fold(rows[-1], row)
        else:
            rows.append(row)
    return rows


def _row(traced: TracedEvent, since: float) -> Row:
    sent = isinstance(traced.event, dict)
    event = readable(traced.event if isinstance(traced.event, dict) else _loaded(traced.event))
    row: Row = {"number": traced.number, "at_ms": round((traced.at - since) * 1000, 1)}
    row |= {"from": "client" if sent else "server", "event": event}
    return row | {"last": traced.number, "count": 1} if _is_append(row) else row


def _is_append(row: Row) -> bool:
    return bool(row["from"] == "client" and row["event"].get("type") == APPEND)


def _fold(row: Row, more: Row) -> None:
    row["last"], row["count"] = more["last"], row["count"] + more["count"]
    sound, added = row["event"]["audio"], more["event"]["audio"]
    sound["ms"] = round(sound["ms"] + added["ms"], 1)
    sound["peak_dbfs"] = max(
        (sound["peak_dbfs"], added["peak_dbfs"]), key=lambda level: -math.inf if level is None else level
    )


def readable(event: Any) -> Any:
    """Return a copy of an event without audio, secrets, and values that are too long or too deep."""
    if isinstance(event, dict) and event.get("type") in SPOKEN and isinstance(event.get("delta"), str):
        event = event | {"delta": _sound(event["delta"])}
    return _readable(event, DEEPEST)


def _readable(value: Any, levels: int) -> Any:
    match value:
        case str():
            text = redact(value[: LONGEST + MARGIN])[:LONGEST]
            return text if len(value) <= LONGEST else f"{text}… ({len(value):,} characters)"
        case dict() | list() if not levels:
            return "…"
        case dict():
            return dict(_readable_items(value, levels - 1))
        case list():
            return [_readable(item, levels - 1) for item in value]
        case _:
            return value


def _readable_items(event: dict[str, Any], levels: int) -> Iterator[tuple[str, Any]]:
    for name, value in event.items():
        if name == "audio" and isinstance(value, str):
            yield name, _sound(value)
        elif name == "image_url" and isinstance(value, str):
            yield name, _picture(value)
        else:
            yield name, _readable(value, levels)


def _sound(encoded: str) -> dict[str, float | None] | str:
    """Return length and level; None is the level of silence."""
    try:
        pcm = audio.decode(encoded)
    except ValueError:
        return f"({len(encoded):,} characters that are not audio)"
    peak = audio.peak(pcm)
    return {
        "ms": round(audio.milliseconds(pcm), 1),
        "peak_dbfs": round(20 * math.log10(peak / 32768), 1) if peak else None,
    }


def _picture(url: str) -> str:
    try:
        image = images.read_url(url)
    except ValueError:
        return f"({len(url):,} characters that are no image)"
    return f"({image.type.upper()}, {image.width} × {image.height} pixels, {len(image.data):,} bytes)"


def _loaded(message: str | bytes) -> Any:
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        return message if isinstance(message, str) else message.decode("utf-8", "replace")
