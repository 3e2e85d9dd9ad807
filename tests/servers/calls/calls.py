"""A way into the practice server for tests: a WebRTC call, events over its data channel, sound as its Opus tracks.

    POST /v1/realtime/calls                with an offer as application/sdp, or multipart with `sdp` and `session`
    POST /v1/realtime/calls/ID/hangup

Needs aiortc, which is loaded with the first call; without it the answer says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from email.parser import BytesParser
from http import HTTPStatus
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.http11 import Response

from tests.servers.calls.posts import Post, answer, refusal
from tests.servers.calls.replies import PlayedReplies
from voice_ui import audio
from voice_ui.offline.items import new_id
from voice_ui.transport.track import paced_track, sound_of

JOIN_SECONDS = 30.0
"""From the answer to the open channel; whoever does not come by then will not."""

CLOSE_SECONDS = 1.0
"""For the last words."""

MOST_CALLS = 100

log = logging.getLogger(__name__)

Serve = Callable[[Any, str], Awaitable[None]]
"""Serves one client through a `CallChannel`; told the model that was asked for."""


class Calls:
    """All calls of one server."""

    def __init__(self, path: str, serve: Serve) -> None:
        """`path` is where calls are made."""
        self._path, self._serve = path, serve
        self.replies: list[PlayedReplies] = []
        """Of every call so far."""
        self._channels: dict[str, CallChannel] = {}
        self._serving: set[asyncio.Task[None]] = set()

    async def answer(self, post: Post) -> Response:
        """Take a call, or end one."""
        path = urlsplit(post.target).path.rstrip("/")
        if path == self._path:
            return await self._take(post)
        call_id, _, verb = path.removeprefix(f"{self._path}/").partition("/")
        if verb == "hangup" and (channel := self._channels.get(call_id)):
            channel.hang_up()
            return answer(HTTPStatus.OK)
        return refusal(HTTPStatus.NOT_FOUND, "No such call.")

    async def close(self) -> None:
        """End them all."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.gather(*(channel.shut() for channel in self._channels.values()))  # where there was no time for it

    async def _take(self, post: Post) -> Response:
        if not find_spec("aiortc"):
            return refusal(HTTPStatus.NOT_IMPLEMENTED, 'Calls need aiortc: pip install -e ".[webrtc]".')
        if len(self._channels) >= MOST_CALLS:
            return refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many calls.")
        try:
            offer, session = _offer(post)
        except ValueError as error:
            return refusal(HTTPStatus.BAD_REQUEST, f"{error}")
        await asyncio.to_thread(__import__, "aiortc")
        channel = CallChannel()
        self.replies.append(channel.replies)
        try:
            sdp = await channel.accept(offer)
        except Exception as error:  # whatever garbage does to the library
            await channel.shut()
            return refusal(HTTPStatus.BAD_REQUEST, f"The offer cannot be used: {type(error).__name__}.")
        query = parse_qs(urlsplit(post.target).query)
        model = session.get("model") or query.get("model", [""])[0]
        call_id = new_id("rtc")
        self._channels[call_id] = channel
        if session.keys() - {"type", "model"}:
            channel.configure(session)
        task = asyncio.create_task(self._converse(call_id, channel, f"{model}"), name="offline: call")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        headers = {"Content-Type": "application/sdp", "Location": f"{self._path}/{call_id}"}
        return answer(HTTPStatus.CREATED, sdp.encode(), **headers)

    async def _converse(self, call_id: str, channel: CallChannel, model: str) -> None:
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await channel.opened.wait()
            await self._serve(channel, model)
        except TimeoutError:
            log.info("a call was answered, and nobody came")
        finally:
            await channel.shut()
            del self._channels[call_id]


def _offer(post: Post) -> tuple[str, dict[str, Any]]:
    """Return the description and the session in the body of a call; raises ValueError."""
    kind = post.headers.get("content-type", "")
    if kind.startswith("application/sdp") and b"m=application" in post.body:
        return post.body.decode("utf-8", "replace"), {}
    if not kind.startswith("multipart/form-data"):
        raise ValueError("An offer of a data channel is application/sdp, or multipart/form-data with sdp and session.")
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + post.body)
    parts: dict[str, bytes] = {}
    for part in message.get_payload() if message.is_multipart() else []:
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        parts[f"{name}"] = part.get_payload(decode=True)  # type: ignore[union-attr, assignment]
    if b"m=application" not in parts.get("sdp", b""):
        raise ValueError("There is no part named sdp that offers a data channel.")
    try:
        session = orjson.loads(parts.get("session", b"{}"))
    except orjson.JSONDecodeError:
        raise ValueError("The part named session is no JSON.") from None
    if not isinstance(session, dict):
        raise ValueError("The part named session is no object.")
    return parts["sdp"].decode("utf-8", "replace"), session


class CallChannel:
    """One call with the methods of a websocket that the practice server uses.

    A session that was posted, and the sound of its track, come in as updates and appends between the other events.
    """

    def __init__(self) -> None:
        from aiortc import RTCConfiguration, RTCPeerConnection

        self.opened = asyncio.Event()
        self.replies = PlayedReplies(self._say, self._take)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel: Any = None
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        self._frozen = False
        self.transport = self
        self._stopping: asyncio.Future[Any] | None = None
        self._shutting: asyncio.Task[None] | None = None
        self._peer.on("datachannel", self._handle_channel)
        self._peer.on("track", self._handle_track)
        self._peer.on("connectionstatechange", self._handle_state)

    async def accept(self, offer: str) -> str:
        """Return the answer to an offer; raises what aiortc raises."""
        from aiortc import RTCSessionDescription

        await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self._peer.addTrack(paced_track(self.replies))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return str(self._peer.localDescription.sdp)

    def configure(self, session: dict[str, Any]) -> None:
        """Begin with a `session.update`."""
        self._messages.put_nowait(orjson.dumps({"type": "session.update", "session": session}).decode())

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (message := await self._messages.get()) is not None:
            yield message

    async def send(self, message: str | bytes, text: bool = False) -> None:
        if not self.replies.put(message):
            self._say(message.decode() if text and isinstance(message, bytes) else message)

    def _say(self, message: str | bytes) -> None:
        if self._channel.readyState == "open":  # else the reader is about to learn that nobody is there
            self._channel.send(message)

    async def close(self, code: int, reason: str) -> None:
        """End the call; it knows no codes."""
        if self._channel.readyState == "open" and self._channel.bufferedAmount:
            self._channel.on("bufferedamountlow", (sent := asyncio.Event()).set)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sent.wait(), CLOSE_SECONDS)
        self._channel.close()
        self.hang_up()

    def abort(self) -> None:
        self.hang_up()

    def pause_reading(self) -> None:
        """Hear and report nothing any more."""
        self._frozen = True
        stops = [transceiver.receiver.stop() for transceiver in self._peer.getTransceivers()]
        self._stopping = asyncio.gather(*stops, return_exceptions=True)

    def hang_up(self) -> None:
        """Let whoever reads here come to an end."""
        self._messages.put_nowait(None)

    async def shut(self) -> None:
        """Let go of everything; goes on if nobody waits for the end of it, or sockets would be left."""
        self._shutting = self._shutting or asyncio.create_task(self._shut(), name="offline: hang up")
        await asyncio.shield(self._shutting)

    async def _shut(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._peer.close()

    def _handle_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.on("message", self._take)
        channel.on("close", self.hang_up)
        self.opened.set()

    def _handle_state(self) -> None:
        if self._peer.connectionState in {"failed", "closed"}:
            self.hang_up()

    def _handle_track(self, track: Any) -> None:
        if track.kind == "audio" and self._listening is None:
            self._listening = asyncio.create_task(self._listen(track), name="offline: listen")

    def _take(self, message: str | bytes) -> None:
        if "output_audio_buffer.clear" in str(message):
            self.replies.clear()
        elif not self._frozen:
            self._messages.put_nowait(message)

    async def _listen(self, track: Any) -> None:
        async for pcm in sound_of(track):
            append = {"type": "input_audio_buffer.append", "audio": audio.encode(pcm)}
            if self.opened.is_set():
                self._take(orjson.dumps(append).decode())
