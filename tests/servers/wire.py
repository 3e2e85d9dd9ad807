"""One accepted connection, from the server's side: says what a script says, and keeps and judges what it hears."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.patience import SECOND
from tests.servers.strict import Judge
from tests.servers.words import whole_words
from voice_ui import audio
from voice_ui.protocol import Dialect, names

GA_ONLY = {"conversation.item.done"}


class Wire:
    """One accepted connection, from the server's side."""

    def __init__(self, websocket: ServerConnection, *, beta: bool = False) -> None:
        self.websocket = websocket
        self.beta = beta
        self.received: list[dict[str, Any]] = []
        self.judge = Judge(beta=beta)
        self.open = True

    async def say(self, type: str, **fields: Any) -> None:
        """Send an event under its GA name; a connection of the beta dialect sends the beta's."""
        event = {"type": type, "event_id": "event_x", **fields}
        self.judge.told(event, asyncio.get_running_loop().time())
        if self.beta:
            if type in GA_ONLY:
                return
            event["type"] = names.event_name(type, Dialect.BETA)
        await self.send(json.dumps(event))

    async def send(self, message: str | bytes) -> None:
        """Send any message."""
        await self.websocket.send(message)

    async def hear(self, type: str | None = None) -> dict[str, Any]:
        """Wait for the next event, or for the next of a type; everything is kept in `received`."""
        async with asyncio.timeout(5 * SECOND):
            while True:
                event = await self.next_event()
                if type is None or event["type"] == type:
                    return event

    async def next_event(self) -> dict[str, Any]:
        """Wait for the next event, for as long as it takes; it is kept and judged."""
        message = await self.websocket.recv()
        if isinstance(message, bytes):
            self.judge.complaints.append("a binary frame")
        event: dict[str, Any] = json.loads(message)
        self.received.append(event)
        self.judge.heard(event, asyncio.get_running_loop().time())
        return event

    async def hear_words(self, count: int) -> list[int]:
        """Wait until this many words (`tests.servers.words`) have arrived whole, and return all that have."""
        async with asyncio.timeout(5 * SECOND):
            while len(self.words) < count:
                await self.next_event()
        return self.words

    async def configure(self) -> None:
        """Greet, and accept the configuration."""
        await self.say("session.created", session={"type": "realtime", "id": "sess_1"})
        while (update := await self.next_event())["type"] != "session.update":
            pass
        await self.say("session.updated", session=update["session"])

    async def reply(
        self, *deltas: str, response: str = "resp_1", item: str = "item_a", status: str = "completed"
    ) -> None:
        """Answer with one response of one item."""
        await self.begin_reply(*deltas, response=response, item=item)
        await self.end_reply(response, status)

    async def begin_reply(self, *deltas: str, response: str = "resp_1", item: str = "item_a") -> None:
        """Begin a response, and write this much of it."""
        await self.say("response.created", response={"id": response, "status": "in_progress"})
        for delta in deltas:
            await self.say("response.output_text.delta", response_id=response, item_id=item, delta=delta)

    async def end_reply(
        self, response: str = "resp_1", status: str = "completed", reason: str | None = None, **more: Any
    ) -> None:
        """End a response."""
        details = {"type": status, "reason": reason} if reason else None
        await self.say("response.done", response={"id": response, "status": status, "status_details": details, **more})

    async def heard_speech(
        self, item: str = "item_u", transcript: str | None = "hello", end_ms: float = 1000, start_ms: float = 0
    ) -> None:
        """Take an utterance; with a transcript of None none is written (yet)."""
        await self.say("input_audio_buffer.speech_started", item_id=item, audio_start_ms=start_ms)
        await self.say("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=end_ms)
        await self.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        if transcript is not None:
            await self.transcribe(item, transcript)

    async def transcribe(self, item: str, transcript: str) -> None:
        """Write down an utterance."""
        name = "conversation.item.input_audio_transcription.completed"
        await self.say(name, item_id=item, content_index=0, transcript=transcript)

    async def error(self, code: str | None, message: str = "The server's words", **more: Any) -> None:
        """Send an `error` event."""
        fields = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": None}
        await self.say("error", error=fields | more)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, with a goodbye."""
        await self.websocket.close(code, reason)

    def abort(self) -> None:
        """Break it, without a goodbye."""
        self.websocket.transport.abort()

    async def until_closed(self) -> None:
        """Listen until the client has gone."""
        with suppress(ConnectionClosed):
            while True:
                await self.next_event()

    def of_type(self, type: str) -> list[dict[str, Any]]:
        """Return all events of a type that were received."""
        return [event for event in self.received if event["type"] == type]

    @property
    def types(self) -> list[str]:
        """The types of all that was received, sound left out."""
        return [event["type"] for event in self.received if event["type"] != "input_audio_buffer.append"]

    @property
    def sound(self) -> bytes:
        """All sound that was received."""
        return b"".join(audio.decode(event["audio"]) for event in self.of_type("input_audio_buffer.append"))

    @property
    def words(self) -> list[int]:
        """The words that arrived whole."""
        return whole_words(self.sound)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Role and text of all items that were received."""
        items = [event["item"] for event in self.of_type("conversation.item.create")]
        return [(item["role"], item["content"][0]["text"]) for item in items if item["type"] == "message"]
