"""Events over the data channel of a WebRTC call, sound as its Opus track. Needs the extra `webrtc` (aiortc).

What differs from the websocket ends here: there is no `input_audio_buffer.append` but a track that flows in real time,
a commit would overtake it, the server counts all the silence between, and says goodbye in no code.
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
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from voice_ui import audio
from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.protocol import ClientEvent
from voice_ui.servers import Endpoint
from voice_ui.transport.http import client
from voice_ui.transport.pacing import FRAME_MS, Pacing
from voice_ui.transport.refusals import refused_by_http, unreachable

CONNECT_SECONDS = 5.0
"""For the call, ICE, DTLS and the channel together; where UDP is blocked it never comes about."""

HEARD_SECONDS = 0.35
"""How long sound takes to be heard once it was sent: an event that must not overtake it waits so long (measured behind
aiortc's jitter buffer: 127 to 327 ms, WebRTC facts, section 3)."""

LOOK_SECONDS = 1.0
"""Between two looks at what the other side reports of the track."""

DEAD_SECONDS = 10.0
"""Without a report the other side is gone; ICE itself notices only after 30 s."""

CHANNEL = "oai-events"


@asynccontextmanager
async def connect(endpoint: Endpoint) -> AsyncIterator[WebRtcTransport]:
    """Make a call to `endpoint` and hang up at the end.

    Raises Refused or ConnectionFailed; `webrtc-no-route` and `webrtc-unsupported` say that a websocket may do.
    """
    await asyncio.to_thread(import_module, "aiortc")  # half a second, the first time
    call = _Call(endpoint)
    try:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await call.make()
        except TimeoutError as error:
            detail = f"the call was {call.state} after {CONNECT_SECONDS:.0f} s"
            raise ConnectionFailed("webrtc-no-route", detail, server=endpoint.name) from error
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

    def __init__(self, call: _Call, endpoint: Endpoint) -> None:
        self.alive_at = time.monotonic()
        self.round_trip_ms: float | None = None
        self.problem: Problem | None = None
        self._call = call
        self._endpoint = endpoint

    async def watch(self) -> None:
        """Look at what the other side reports, and give up a call of which it reports nothing any more."""
        reported = None
        heard_at = time.monotonic()
        while time.monotonic() - heard_at < DEAD_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            report = await self._call.report()
            if report and report.timestamp != reported:
                reported, heard_at = report.timestamp, time.monotonic()
                self.round_trip_ms = report.roundTripTime and report.roundTripTime * 1000
                sent_at = min(heard_at, self._call.pacing.oldest or heard_at)
                self.alive_at = sent_at - (report.roundTripTime or 0.0) - HEARD_SECONDS
        self._call.end("nothing is heard of the other side")

    async def send(self, event: ClientEvent) -> None:
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
        try:
            self._call.channel.send(orjson.dumps(event).decode())
        except ValueError as error:  # longer than the other side takes
            raise Refused("webrtc-unsupported", f"{error}", server=self._endpoint.name) from error
        except self._call.library.InvalidStateError as error:
            raise self._lost() from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the server's messages, with places in sound counted as ours."""
        while (message := await self._call.messages.get()) is not None:
            yield self._with_our_places(message)
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
        return ConnectionFailed("connection-lost", self._call.ended, server=self._endpoint.name)


class _Call:
    """The peer connection, its channel and its track."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.library: Any = import_module("aiortc")
        self.pacing = Pacing()
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
        self._track = _track(self.pacing)
        self._sender = self._peer.addTrack(self._track)
        self._draining: list[asyncio.Task[None]] = []
        self.channel = self._peer.createDataChannel(CHANNEL)
        self._open = asyncio.Event()
        self.channel.on("open", self._open.set)
        self.channel.on("message", self.messages.put_nowait)
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
            raise ConnectionFailed("webrtc-unsupported", detail, server=self._endpoint.name) from error
        await self._open.wait()
        if self.ended and self.messages.qsize() == 1:  # the end is all that came
            raise ConnectionFailed("webrtc-no-route", self.ended, server=self._endpoint.name)

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
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(1), client(self._endpoint, 1) as web:
                    await web.post(f"{self._location}/hangup")
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        await self._peer.close()

    async def _post(self, offer: str) -> str:
        session = {"type": "realtime"} | ({"model": self._endpoint.model} if self._endpoint.model else {})
        parts = [
            ("sdp", (None, offer.encode(), "application/sdp")),
            ("session", (None, orjson.dumps(session), "application/json")),
        ]
        url = self._endpoint.calls_url
        facts = {"server": self._endpoint.name, "model": self._endpoint.model, "address": self._endpoint.setting}
        try:
            async with client(self._endpoint, CONNECT_SECONDS) as web:
                response = await web.post(url, files=parts)
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.ConnectError as error:
            raise unreachable(_cause(error), urlsplit(url).netloc, facts) from error
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
        """An unread track would be kept: four gigabytes an hour."""
        self._draining.append(asyncio.create_task(_drain(track), name="realtime drain"))


def _cause(error: BaseException) -> OSError:
    """Return what the network said, from below two libraries."""
    below: BaseException | None = error
    while below and not isinstance(below, OSError):
        below = below.__cause__ or below.__context__
    return below if isinstance(below, OSError) else OSError(f"{error}")


async def _drain(track: Any) -> None:
    with contextlib.suppress(import_module("aiortc").mediastreams.MediaStreamError):
        while True:
            await track.recv()


def _track(pacing: Pacing) -> Any:
    """Return a track of aiortc's that sends what the pacing gives, every 20 ms."""
    from fractions import Fraction

    import av
    import numpy as np
    from aiortc import MediaStreamTrack

    rate = 2 * audio.SAMPLE_RATE  # Opus knows 48 kHz; left to aiortc, each frame would be 20 ms late
    upsample = audio.Resampler(audio.SAMPLE_RATE, rate)

    class Track(MediaStreamTrack):
        kind = "audio"

        def __init__(self) -> None:
            super().__init__()
            self._start: float | None = None
            self._number = 0
            self._pcm = b""

        async def recv(self) -> Any:
            now = time.monotonic()
            self._start = self._start or now
            due = self._start + self._number * FRAME_MS / 1000
            if now - due > 1:  # this machine slept
                self._start = now - self._number * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - now))
            size = 2 * rate * FRAME_MS // 1000
            while len(self._pcm) < size:
                self._pcm += upsample.process(pacing.take())
            samples, self._pcm = np.frombuffer(self._pcm[:size], np.int16), self._pcm[size:]
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = self._number * rate * FRAME_MS // 1000
            self._number += 1
            return frame

    return Track()


def _without_formats(update: ClientEvent) -> ClientEvent:
    """Return a configuration that leaves the formats of sound to the call's description."""
    told = orjson.loads(orjson.dumps(update))
    for direction in ("input", "output"):
        told["session"].get("audio", {}).get(direction, {}).pop("format", None)
    for name in ("input_audio_format", "output_audio_format"):
        told["session"].pop(name, None)
    return told  # type: ignore[no-any-return]


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
