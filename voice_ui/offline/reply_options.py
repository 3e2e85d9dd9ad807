"""The options of a reply, and how its words are spread over its audio. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voice_ui import audio
from voice_ui.offline.parts import ReplyRequest
from voice_ui.protocol import WireItem


@dataclass(frozen=True)
class ReplyOptions:
    """How a reply is asked for: the session's settings, and what `response.create` changes of them once."""

    session: dict[str, Any]
    change: dict[str, Any]
    speaks: bool
    """Whether there is a voice."""

    @property
    def spoken(self) -> bool:
        """Whether the reply is spoken."""
        return self.speaks and self.get("output_modalities") == ["audio"]

    @property
    def max_tokens(self) -> int | None:
        """The most tokens of the reply; None for no limit."""
        most = self.get("max_output_tokens")
        return most if isinstance(most, int) else None

    def get(self, name: str) -> Any:
        """Return a setting."""
        changed = self.change.get(name)
        return self.session.get(name) if changed is None else changed

    def settings(self) -> dict[str, Any]:
        """Return what the wire shows of them in a response."""
        changed = (self.change.get("audio") or {}).get("output") or {}
        voice = changed.get("voice") or self.session["audio"]["output"]["voice"]
        output = {"format": {"type": "audio/pcm", "rate": audio.SAMPLE_RATE}, "voice": voice}
        return {
            "output_modalities": ["audio"] if self.spoken else ["text"],
            "max_output_tokens": self.get("max_output_tokens"),
            "audio": {"output": output},
            "metadata": self.change.get("metadata"),
        }

    def request(self, items: tuple[WireItem, ...], now: datetime) -> ReplyRequest:
        """Return what the brain is asked."""
        transcription = self.session["audio"]["input"]["transcription"] or {}
        return ReplyRequest(
            items=items,
            now=now,
            instructions=self.get("instructions") or "",
            tools=tuple(self.get("tools") or ()),
            tool_choice=self.get("tool_choice") or "auto",
            language=transcription.get("language"),
            spoken=self.spoken,
            max_output_tokens=self.max_tokens,
        )


def spread(text: str, count: int) -> list[str]:
    """Return `text` in `count` pieces that begin with whole words; joined they are the text."""
    words = re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", text) or [text]
    pieces = [""] * count
    for index, word in enumerate(words):
        pieces[index * count // len(words)] += word
    return pieces
