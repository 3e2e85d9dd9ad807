"""The sound of a call's replies, as the events that a websocket brings it in. Pure: messages, sound and the time go in.

A call plays a reply in real time on a track that says neither whose sound it is nor where it ends; beside it come
`output_audio_buffer.started`, `stopped` and `cleared` (protocol facts, section 3). Over a websocket the end of a reply
follows its sound. So it does here: what ends a reply is held back until its sound is over.
"""

from __future__ import annotations

from typing import Any

import orjson

from voice_ui import audio

LATE_SECONDS = 0.35
"""Sound may come this long after the event that it is over: it passes a jitter buffer (WebRTC facts, section 3)."""

SILENT_SECONDS = 3.0
"""After so much silence a reply that is written is over, also where the server does not say so."""

AUDIBLE_PEAK = 64
"""Of 32768 (-54 dBFS): what Opus makes of silence is quieter, speech is not."""

ENDS = ("response.output_audio.done", "response.audio.done", "response.done")

TRANSCRIPTS = ("response.output_audio_transcript.delta", "response.audio_transcript.delta")


class ReplyTrack:
    """Joins the sound of one call with its messages."""

    def __init__(self) -> None:
        self._response = ""  # the one that sounds, or is about to
        self._item = ""  # that grows
        self._over = ""  # the response of which nothing more comes, or is wanted
        self._held: list[str | bytes] = []  # what ends it
        self._has_sound = False  # the track plays something, be it silence
        self._is_audible = False  # something was heard of it
        self._heard_at = 0.0  # when it last was audible, or announced
        self._ends_at: float | None = None  # the server says that it is over

    @property
    def response(self) -> str:
        """The response whose sound is passed on; empty if there is none."""
        return self._response

    def take(self, message: str | bytes, now: float) -> list[str | bytes]:
        """Take in a message of the server; return what is to be read now."""
        try:
            event = orjson.loads(message)
            kind, response = event.get("type"), event.get("response_id", "")
        except (orjson.JSONDecodeError, AttributeError):
            return [message]
        if kind in TRANSCRIPTS:
            self._item = event.get("item_id", "")
            return [*self._begin(response, now), message]
        match kind:
            case "output_audio_buffer.started":
                return self._begin(response, now)
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared" if response not in ("", self._response):
                return []  # late, about a reply before
            case "output_audio_buffer.stopped":
                self._ends_at = now + LATE_SECONDS
                return []
            case "output_audio_buffer.cleared":
                return self.silence()
        ended = event["response"].get("id") if kind == "response.done" and _has_response(event) else response
        if kind in ENDS and self._has_sound and self._response and ended == self._response:
            self._held.append(message)
            return []
        return [message]

    def hear(self, pcm: bytes, now: float) -> list[str | bytes]:
        """Take in what the track plays; return what is to be read now."""
        self._has_sound = True
        if not self._response:
            return []
        is_audible = audio.peak(pcm) > AUDIBLE_PEAK
        if is_audible:
            self._is_audible, self._heard_at = True, now
        elif self._ends_at is not None and self._is_audible:
            return self._end()
        if not self._is_audible:
            return self.pass_time(now)
        delta = {
            "type": "response.output_audio.delta",
            "response_id": self._response,
            "item_id": self._item,
            "output_index": 0,
            "content_index": 0,
            "delta": audio.encode(pcm),
        }
        return [orjson.dumps(delta), *self.pass_time(now)]

    def pass_time(self, now: float) -> list[str | bytes]:
        """Return what is to be read now, even if the track is silent or broken."""
        is_late = bool(self._held) and now - self._heard_at > SILENT_SECONDS
        return self._end() if is_late or (self._ends_at is not None and now >= self._ends_at) else []

    def silence(self) -> list[str | bytes]:
        """Nothing more of the reply is wanted; return what was held back."""
        return self._end()

    def _begin(self, response: Any, now: float) -> list[str | bytes]:
        if not response or response in (self._response, self._over):
            return []
        before = self._end()
        self._response, self._heard_at = response, now
        return before

    def _end(self) -> list[str | bytes]:
        held, self._held = self._held, []
        self._over = self._response or self._over
        self._response, self._is_audible, self._ends_at = "", False, None
        return held


def _has_response(event: dict[str, Any]) -> bool:
    return isinstance(event.get("response"), dict)
