"""Replies as a track plays them, in real time, with the events that go with it (openai 3.54, types/realtime)."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from voice_ui import audio
from voice_ui.offline.items import new_id
from voice_ui.transport.pacing import FRAME_BYTES, SILENCE

Send = Callable[[str], None]


class PlayedReplies:
    """What a call plays of what the practice server says, and what it tells either of them about it."""

    def __init__(self, tell_client: Send, tell_server: Send) -> None:
        self._tell_client, self._tell_server = tell_client, tell_server
        self._pcm = bytearray()
        self._response = self._item = ""
        self._played_ms = 0.0
        self._is_written = False
        self.cleared: list[tuple[str, int]] = []
        """Each item that was cut short, with the milliseconds that had been played of it."""

    def put(self, message: str | bytes) -> bool:
        """Take in what the server says; return whether it is sound, and goes no other way."""
        try:
            event = orjson.loads(message)
        except orjson.JSONDecodeError:
            return False  # a server that fails on demand
        match isinstance(event, dict) and event.get("type"):
            case "response.output_audio.delta":
                if self._response != event["response_id"]:
                    self._reset(event["response_id"], event["item_id"])
                    self._say("started")
                self._pcm += audio.decode(event["delta"])
                return True
            case "response.output_audio.done":
                self._is_written = event["response_id"] == self._response
            case "response.done" if event["response"]["status"] == "cancelled":
                self.clear()
        return False

    def take(self) -> bytes:
        """Return the next 20 ms."""
        if not self._pcm:
            if self._is_written:
                self._say("stopped")
                self._reset()
            return SILENCE
        frame = bytes(self._pcm[:FRAME_BYTES])
        del self._pcm[:FRAME_BYTES]
        self._played_ms += audio.milliseconds(frame)
        return frame.ljust(FRAME_BYTES, b"\0")

    def clear(self) -> None:
        """Play no more of the reply; the conversation keeps what was played."""
        if self._response:
            cut = {"item_id": self._item, "content_index": 0, "audio_end_ms": int(self._played_ms)}
            self.cleared.append((self._item, int(self._played_ms)))
            self._tell_server(orjson.dumps({"type": "conversation.item.truncate", **cut}).decode())
            self._say("cleared")
            self._reset()

    def _reset(self, response: str = "", item: str = "") -> None:
        self._response, self._item = response, item
        self._pcm.clear()
        self._played_ms, self._is_written = 0.0, False

    def _say(self, what: str) -> None:
        event = {"type": f"output_audio_buffer.{what}", "event_id": new_id("event"), "response_id": self._response}
        self._tell_client(orjson.dumps(event).decode())
