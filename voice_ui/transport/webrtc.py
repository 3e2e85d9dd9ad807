"""Events over the data channel of a WebRTC call, sound as its Opus track. Needs the extra `webrtc` (aiortc).

What differs from the websocket ends here: there is no `input_audio_buffer.append` but a track that flows in real time,
a commit would overtake it, the server counts all the silence between, and says goodbye in no code. The sound of a reply
is a track, too (reply_track.py); the server knows how much of it was played, so it is cleared and not truncated.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import orjson

from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.redaction import redact_message
from voice_ui.servers import Endpoint
from voice_ui.transport.call import Call
from voice_ui.transport.interface import PATIENCE_SECONDS

CONNECT_SECONDS = 5.0
"""For the call, ICE, DTLS and the channel together; where UDP is blocked it never comes about."""

HEARD_SECONDS = 0.35
"""From sending audio to the server hearing it: an event that must not overtake it waits this long (measured behind
aiortc's jitter buffer: 127 to 327 ms, WebRTC facts, section 3)."""

LOOK_SECONDS = 1.0
"""Between two looks at what the other side reports of the track."""


@asynccontextmanager
async def connect(endpoint: Endpoint) -> AsyncIterator[WebRtcTransport]:
    """Make a call to `endpoint` and hang up at the end.

    Raises Refused or ConnectionFailed; `webrtc-no-route` and `webrtc-unsupported` say that a websocket may do.
    """
    await asyncio.to_thread(import_module, "aiortc")  # half a second, the first time
    call = Call(endpoint)
    try:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await call.make()
        except TimeoutError as error:
            detail = f"the call was {call.state} after {CONNECT_SECONDS:.0f} s"
            raise ConnectionFailed("webrtc-no-route", detail, **endpoint.facts) from error
        transport = WebRtcTransport(call, endpoint)
        watch = asyncio.create_task(transport.watch(), name="realtime watch")
        try:
            yield transport
        finally:
            watch.cancel()
    finally:
        await call.hang_up()


class WebRtcTransport:
    """One call; see `Transport`."""

    def __init__(self, call: Call, endpoint: Endpoint) -> None:
        self.alive_at = time.monotonic()
        self.round_trip_ms: float | None = None
        self.problem: Problem | None = None
        self.patience = PATIENCE_SECONDS
        self._heard_at = time.monotonic()
        self._call = call
        self._endpoint = endpoint

    async def watch(self) -> None:
        """Look at what the other side reports, and give up a call without any sign of it; ICE needs 30 s for that."""
        reported = None
        while time.monotonic() - self._heard_at < self.patience:
            await asyncio.sleep(LOOK_SECONDS)
            self._call.look()
            report = await self._call.report()
            if report and report.timestamp != reported:
                reported, self._heard_at = report.timestamp, time.monotonic()
                self.round_trip_ms = report.roundTripTime and report.roundTripTime * 1000
                sent_at = min(self._heard_at, self._call.pacing.oldest or self._heard_at)
                self.alive_at = sent_at - (report.roundTripTime or 0.0) - HEARD_SECONDS
        self._call.end("nothing is heard of the other side")

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event, or put its sound on the track."""
        if self._call.ended:
            raise self._lost()
        match event["type"]:
            case "input_audio_buffer.append":
                self._call.pacing.put(base64.b64decode(event["audio"]), time.monotonic())
                return
            case "input_audio_buffer.commit":
                await self._flush()
            case "session.update":
                event = _without_formats(event)
            case "conversation.item.truncate":
                self._clear()
                return
        self._say(event)
        if event["type"] == "response.cancel" and event.get("response_id") in {None, self._call.replies.response}:
            self._clear()

    def _clear(self) -> None:
        """Have the server play no more of a reply; it notes by itself how much of it was played."""
        if self._call.replies.response:
            self._call.silence()
            self._say({"type": "output_audio_buffer.clear"})

    def _say(self, event: dict[str, Any]) -> None:
        try:
            self._call.channel.send(orjson.dumps(event).decode())
        except ValueError as error:  # longer than the other side takes
            raise Refused("webrtc-unsupported", f"{error}", **self._endpoint.facts) from error
        except self._call.library.InvalidStateError as error:
            raise self._lost() from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the server's messages, with places in sound counted as ours."""
        while (message := await self._call.messages.get()) is not None:
            self._heard_at = time.monotonic()
            yield redact_message(self._with_our_places(message))
        raise self._lost()

    async def _flush(self) -> None:
        """Wait until what was said has been sent, and can have been heard."""
        await asyncio.sleep(self._call.pacing.waiting_ms / 1000 + HEARD_SECONDS)

    def _with_our_places(self, message: str | bytes) -> str | bytes:
        if "audio_start_ms" not in str(message) and "audio_end_ms" not in str(message):
            return message
        with contextlib.suppress(orjson.JSONDecodeError, TypeError):
            event = orjson.loads(message)
            for name in {"audio_start_ms", "audio_end_ms"} & event.keys():
                event[name] = round(self._call.pacing.place_of(event[name]))
            return orjson.dumps(event)
        return message

    def _lost(self) -> SessionError:
        return ConnectionFailed("connection-lost", self._call.ended, **self._endpoint.facts)


def _without_formats(update: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration that leaves the formats of sound to the call's description."""
    told = orjson.loads(orjson.dumps(update))
    for direction in ("input", "output"):
        told["session"].get("audio", {}).get(direction, {}).pop("format", None)
    for name in ("input_audio_format", "output_audio_format"):
        told["session"].pop(name, None)
    return told  # type: ignore[no-any-return]
