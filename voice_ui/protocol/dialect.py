"""The two dialects of the realtime protocol, and how to tell which one a server speaks. Pure.

OpenAI removed the beta on 2026-05-12; compatible servers still speak it (protocol facts, sections 2 and 7).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Dialect(StrEnum):
    """Which names and shapes are on the wire."""

    GA = "ga"
    BETA = "beta"


def dialect_of(session: dict[str, Any]) -> Dialect:
    """Return the dialect by the session a server sends first: GA has a type and nested audio, the beta neither."""
    if "type" in session or "audio" in session or "output_modalities" in session:
        return Dialect.GA
    if {"modalities", "input_audio_format", "input_audio_transcription"} & session.keys():
        return Dialect.BETA
    return Dialect.GA
