"""A call to a realtime server: the peer connection, its data channel for events, and its track for sound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from importlib import import_module
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from voice_ui.errors import ConnectionFailed, SessionError
from voice_ui.servers import Endpoint
from voice_ui.transport.http import below, client
from voice_ui.transport.pacing import Pacing
from voice_ui.transport.refusals import refused_by_http, unreachable
from voice_ui.transport.reply_track import ReplyTrack
from voice_ui.transport.track import paced_track, sound_of

CHANNEL = "oai-events"

ANSWER_SECONDS = 5.0
"""For the answer to a post."""


class Call:
    """One call, from the offer to the hang-up."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.library: Any = import_module("aiortc")
        self.pacing = Pacing()
        self.replies = ReplyTrack()
        self.messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.ended = ""
        """Why; empty while it goes on."""
        self._endpoint = endpoint
        self._location = ""
        configuration = self.library.RTCConfiguration(
            iceServers=[],  # theirs are public addresses; an unreachable STUN server would cost five seconds
            bundlePolicy=self.library.RTCBundlePolicy.MAX_BUNDLE,
        )
        self._peer = self.library.RTCPeerConnection(configuration)
        self._track = paced_track(self.pacing)
        self._sender = self._peer.addTrack(self._track)
        self._hearing: list[asyncio.Task[None]] = []
        self.channel = self._peer.createDataChannel(CHANNEL)
        self._open = asyncio.Event()
        self.channel.on("open", self._open.set)
        self.channel.on("message", lambda message: self._read(self.replies.take(message, time.monotonic())))
        self.channel.on("close", lambda: self.end("the other side hung up"))
        self._peer.on("connectionstatechange", self._handle_state)
        self._peer.on("track", self._handle_track)

    @property
    def state(self) -> str:
        """How far it came, in the words of WebRTC."""
        return f"{self._peer.connectionState}, ICE {self._peer.iceConnectionState}"

    async def make(self) -> None:
        """Offer, post, and wait for the channel; raises Refused or ConnectionFailed."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        answer = await self._post(self._peer.localDescription.sdp)
        try:
            description = self.library.RTCSessionDescription(complete(answer), "answer")
            await self._peer.setRemoteDescription(description)
        except Exception as error:  # whatever an answer that is none does to the library
            detail = f"the answer cannot be used: {error}"
            raise ConnectionFailed("webrtc-unsupported", detail, **self._endpoint.facts) from error
        await self._open.wait()
        if self.ended and self.messages.qsize() == 1:  # the end is all that came
            raise ConnectionFailed("webrtc-no-route", self.ended, **self._endpoint.facts)

    def look(self) -> None:
        """See whether a reply is over of which no more sound comes."""
        self._read(self.replies.pass_time(time.monotonic()))

    def silence(self) -> None:
        """Have nothing more of the reply that sounds."""
        self._read(self.replies.silence())

    async def report(self) -> Any:
        """Return what the other side last said of the track, None if nothing yet."""
        stats = (await self._sender.getStats()).values()
        return next((stat for stat in stats if stat.type == "remote-inbound-rtp"), None)

    def end(self, why: str) -> None:
        """Nothing will come any more."""
        if not self.ended:
            self.ended = why
            self.messages.put_nowait(None)
            self._open.set()

    async def hang_up(self) -> None:
        """Say goodbye and let go of everything, to the end even if this is cancelled: sockets would be left."""
        hanging_up = asyncio.create_task(self._hang_up(), name="realtime hang up")
        try:
            await asyncio.shield(hanging_up)
        except asyncio.CancelledError:
            await hanging_up
            raise

    async def _hang_up(self) -> None:
        self.end("we hung up")
        if self._location:  # or the other side would learn of it only by and by
            with contextlib.suppress(httpx.HTTPError, SessionError, TimeoutError):
                async with asyncio.timeout(1), client(self._endpoint, self._location, 1) as web:
                    await web.post(f"{self._location}/hangup")
        for task in self._hearing:
            task.cancel()
        await asyncio.gather(*self._hearing, return_exceptions=True)
        await self._peer.close()

    async def _post(self, offer: str) -> str:
        session = {"type": "realtime"} | ({"model": self._endpoint.model} if self._endpoint.model else {})
        parts = [
            ("sdp", (None, offer.encode(), "application/sdp")),
            ("session", (None, orjson.dumps(session), "application/json")),
        ]
        url = self._endpoint.calls_url
        facts = self._endpoint.facts | {"seconds": f"{ANSWER_SECONDS:.0f}"}
        try:
            async with client(self._endpoint, url, ANSWER_SECONDS) as web:
                response = await web.post(url, files=parts)
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.ConnectError as error:
            cause = below(error)
            network = cause if isinstance(cause, OSError) else OSError(f"{error}")
            raise unreachable(network, urlsplit(url).netloc, facts) from error
        except httpx.HTTPError as error:  # it reads no posts, or hangs up on them
            raise ConnectionFailed("webrtc-unsupported", f"{error!r}", **facts) from error
        if response.status_code in {404, 405, 415, 426, 501} or response.is_redirect:
            detail = f"HTTP {response.status_code} {response.reason_phrase}"
            raise ConnectionFailed("webrtc-unsupported", detail, **facts)
        if not response.is_success:
            status = f"{response.status_code} {response.reason_phrase}"
            raise refused_by_http(status, response.headers, response.content, self._endpoint, facts)
        if location := response.headers.get("Location", ""):
            joined = urljoin(url, location)
            # The key goes with it, so it must be theirs.
            self._location = joined if urlsplit(joined)[:2] == urlsplit(url)[:2] else ""
        return response.text

    def _handle_state(self) -> None:
        if self._peer.connectionState in {"failed", "closed"}:
            self.end(f"the connection {self._peer.connectionState}")

    def _handle_track(self, track: Any) -> None:
        if track.kind == "audio":
            self._hearing.append(asyncio.create_task(self._hear(track), name="realtime hear"))

    async def _hear(self, track: Any) -> None:
        """Hear the track to its end: unread it would be kept, four gigabytes an hour."""
        async for pcm in sound_of(track):
            self._read(self.replies.hear(pcm, time.monotonic()))

    def _read(self, messages: list[str | bytes]) -> None:
        for message in messages:
            self.messages.put_nowait(message)


def complete(answer: str) -> str:
    """Return an answer in which every section has the ICE lines: aiortc wants what some servers tell only once."""
    head, *sections = answer.replace("\r\n", "\n").strip().split("\nm=")
    lines = [line for part in (head, *sections) for line in part.split("\n")]
    wanted = ("a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=fingerprint:", "a=setup:")
    known = {name: [line for line in dict.fromkeys(lines) if line.startswith(name)] for name in wanted}
    full = []
    for section in sections:
        missing = [line for name in wanted if name not in section for line in known[name]]
        full.append("\n".join([section, *missing]))
    return "\r\n".join("\nm=".join([head, *full]).split("\n")) + "\r\n"
