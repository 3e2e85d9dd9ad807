"""WebRTC as the transport, and as the other way into the offline server: real calls, over real UDP."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import pytest

from tests.patience import SECOND, until
from tests.protocol.reader import CONFIG, Reader
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import ROOT
from tests.servers.faulty import FaultyServer, serve
from tests.servers.faulty.server import FixedBrain
from voice_ui import audio
from voice_ui.errors import ConnectionFailed, Refused, SettingsError
from voice_ui.offline.recognizer import Recognizer
from voice_ui.offline.recognizer.moonshine import folder
from voice_ui.offline.voice import Hibari, is_installed
from voice_ui.servers import Endpoint
from voice_ui.session import Phase, ProblemRaised, RealtimeSession, ReplyAudio, ReplyAudioDone, SessionEvent
from voice_ui.settings import Secret
from voice_ui.sharing.addresses import lan_addresses
from voice_ui.transport import Dialer, dialer, webrtc
from voice_ui.transport.call import Call, complete

pytest.importorskip("aiortc")

needs_network = pytest.mark.skipif(not lan_addresses(), reason="no address on a network, and WebRTC uses no loopback")

QUESTION = ROOT / "assets" / "question.wav"


def endpoint_of(server: FaultyServer) -> Endpoint:
    return Endpoint("the test server", f"{server.url}?model=m", "m", {"Authorization": Secret("Bearer sk-test-01234")})


@asynccontextmanager
async def session_by(
    dial: Dialer, endpoint: Endpoint, turn_detection: str = "server_vad"
) -> AsyncIterator[tuple[RealtimeSession, Reader]]:
    config = replace(CONFIG, turn_detection=turn_detection)
    session = RealtimeSession(endpoint, config, connect=dial.connect)
    reader = Reader(session)
    task = asyncio.create_task(reader.read())
    try:
        yield session, reader
    finally:
        task.cancel()
        await session.close()


async def speak(session: RealtimeSession, *, silence_ms: float = 0.0) -> None:
    """Say the question at the pace of speech, from the moment of Start."""
    with wave.open(str(QUESTION)) as file:
        pcm = file.readframes(file.getnframes()) + audio.silence(silence_ms)
    step = len(audio.silence(audio.CHUNK_MS))
    for start in range(0, len(pcm), step):
        session.append_audio(pcm[start : start + step])
        await asyncio.sleep(audio.CHUNK_MS / 1000)


@needs_network
@pytest.mark.long
async def test_a_spoken_turn_from_the_first_word_on_and_nothing_is_left(caplog: pytest.LogCaptureFixture) -> None:
    async with serve() as server, session_by(Dialer("webrtc"), endpoint_of(server)) as (session, reader):
        session.start()
        await speak(session, silence_ms=1500)  # while it still connects
        await until(lambda: any("seven plus five" in text.lower() for _, text in reader.texts), 60, what="it was heard")
        await until(lambda: bool(reader.texts) and "12" in reader.texts[-1][1], seconds=60, what="it was answered")
        assert reader.codes == []
        assert len(reader.turns) == 1 and (reader.turns[0] or 0) > 0
        assert server.sessions == 1
        session.stop()
        await until(lambda: session.state.at_rest, what="it ends")
        await until(lambda: server.sessions == 0, what="the server has hung up, too")
    assert not [task for task in asyncio.all_tasks() if "realtime" in task.get_name() or "offline" in task.get_name()]


@needs_network
@pytest.mark.long
async def test_a_turn_that_ends_by_hand_does_not_overtake_its_sound() -> None:
    async with serve() as server, session_by(Dialer("webrtc"), endpoint_of(server), "none") as (session, reader):
        session.start()
        await speak(session)
        session.end_turn()
        items = reader.items.values()
        await until(lambda: any(item.role == "user" and item.status == "completed" for item in items), 60)
        heard = next(item.text for item in items if item.role == "user")
        assert heard.lower().startswith("what is") and heard.strip(" ?.").endswith("five"), (
            "all of it, whatever Opus made of its middle"
        )


class Player:
    """Plays what a session reports, as a page with a speaker does: all of it, as it comes."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.pcm = b""
        self.events: list[SessionEvent] = []

    async def read(self) -> None:
        async for event in self.session:
            self.events.append(event)
            if isinstance(event, ReplyAudio):
                self.pcm += event.pcm
                self.session.take_played(event.item_id, audio.milliseconds(self.pcm))


@asynccontextmanager
async def spoken_to(server: FaultyServer) -> AsyncIterator[tuple[RealtimeSession, Player]]:
    config = replace(CONFIG, output="audio", voice="marin")
    session = RealtimeSession(endpoint_of(server), config, connect=Dialer("webrtc").connect, plays=True)
    player = Player(session)
    task = asyncio.create_task(player.read())
    session.start()
    try:
        yield session, player
    finally:
        task.cancel()
        await session.close()


@needs_network
@pytest.mark.long
@pytest.mark.skipif(not is_installed() or folder() is None, reason="no wheel of hibari-tts or moonshine-voice here")
async def test_a_spoken_reply_comes_over_the_track_and_is_over_when_it_was_played() -> None:
    brain = FixedBrain(("The answer ", "is forty-two. ", "It is a quarter past ten."))
    async with serve(brain=brain, voice=Hibari()) as server, spoken_to(server) as (session, player):
        session.send_text("What is it?")
        await until(lambda: any(isinstance(event, ReplyAudioDone) for event in player.events), 60)
        await until(lambda: session.state.phase is Phase.LISTENING, what="the reply is over")
        assert 2500 < audio.milliseconds(player.pcm) < 8000
        ended = next(i for i, event in enumerate(player.events) if isinstance(event, ReplyAudioDone))
        assert not [event for event in player.events[ended:] if isinstance(event, ReplyAudio)]
        recognizer = Recognizer()
        utterance = recognizer.listen()
        utterance.feed(audio.silence(300) + player.pcm + audio.silence(500))
        heard = (await asyncio.wait_for(utterance.finish(), 30 * SECOND)).lower()
        await recognizer.close()
        assert "answer is" in heard and "quarter" in heard
        assert not [event for event in player.events if isinstance(event, ProblemRaised)]


@needs_network
@pytest.mark.long
@pytest.mark.skipif(not is_installed(), reason="no wheel of hibari-tts here")
async def test_a_spoken_reply_that_is_interrupted_is_cleared_at_the_server() -> None:
    brain = FixedBrain(tuple(f"This is sentence number {number}. " for number in range(12)))
    async with serve(brain=brain, voice=Hibari()) as server, spoken_to(server) as (session, player):
        session.send_text("Tell me.")
        await until(lambda: audio.milliseconds(player.pcm) > 1500, 60, what="it speaks")
        session.interrupt()
        (call,) = server.calls.replies
        await until(lambda: bool(call.cleared), what="the server has stopped")
        ((_, heard_ms),) = call.cleared
        assert abs(heard_ms - audio.milliseconds(player.pcm)) < 500 * SECOND
        await until(lambda: session.state.phase is Phase.LISTENING)
        had = len(player.pcm)
        session.send_text("And again.")
        await until(lambda: len(player.pcm) > had + audio.BYTES_A_SECOND, 60, what="the next reply is heard")
        assert not [event for event in player.events if isinstance(event, ProblemRaised)]


@needs_network
async def test_a_call_that_is_left_in_a_hurry_leaves_no_socket() -> None:
    async with serve() as server:
        async with Dialer("webrtc").connect(endpoint_of(server)):
            pass  # the server ends while it lets go of the call
        hurried = asyncio.create_task(linger(Dialer("webrtc"), endpoint_of(server)))
        await until(lambda: server.sessions == 1)
        hurried.cancel()
        await asyncio.sleep(0)
        hurried.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hurried
    assert datagram_sockets() == []


def datagram_sockets() -> list[socket.socket]:
    sockets = [thing for thing in gc.get_objects() if type(thing) is socket.socket]
    return [each for each in sockets if each.fileno() != -1 and each.type == socket.SOCK_DGRAM]


async def linger(dial: Dialer, endpoint: Endpoint) -> None:
    async with dial.connect(endpoint):
        await asyncio.Event().wait()


@needs_network
async def test_where_there_is_no_call_the_websocket_is_used_and_that_is_told() -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(answers).running() as server:  # its library hangs up on a post
        dial = Dialer("webrtc")
        for _ in range(2):  # the second time without a try
            async with session_by(dial, server.endpoint) as (session, reader):
                session.start()
                await until(lambda r=reader: r.codes == ["webrtc-unsupported"], what="it is told")
                await until(lambda s=session: s.state.shown == "listening", what="it listens")
    assert len(server.wires) == 2


async def test_where_no_udp_comes_through_the_websocket_is_used_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(call: Call) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(webrtc, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(Call, "make", never)
    async with serve() as server, Dialer("webrtc").connect(endpoint_of(server)) as transport:
        assert transport.problem is not None
        assert transport.problem.code == "webrtc-no-route"


async def test_a_key_that_is_refused_is_no_reason_to_try_another_way() -> None:
    async with serve(fault="handshake-401") as server:
        with pytest.raises(Refused) as refused:
            async with Dialer("webrtc").connect(endpoint_of(server)):
                pass
    assert refused.value.problem.code == "key-refused"


async def test_nobody_there_is_told_as_for_a_websocket() -> None:
    with pytest.raises(ConnectionFailed) as failed:
        async with Dialer("webrtc").connect(Endpoint("it", "ws://127.0.0.1:9/v1/realtime", "m")):
            pass
    assert failed.value.problem.code == "server-unreachable"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/sdp", 400),
        (b"v=0\r\nnonsense", "application/sdp", 400),
        (b"{}", "application/json", 400),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b"v=0" * 200_000, "application/sdp", 413),
    ],
)
async def test_a_post_that_is_no_offer_is_refused(body: bytes, kind: str, status: int) -> None:
    async with serve() as server, httpx.AsyncClient() as client:
        url = endpoint_of(server).calls_url
        answer = await client.post(url, content=body, headers={"Content-Type": kind})
        assert answer.status_code == status, answer.text
        assert (await client.post(f"{url}/rtc_unknown/hangup")).status_code == 404
        assert server.sessions == 0


async def test_a_post_may_come_in_pieces() -> None:
    async with serve() as server:
        port = urlsplit(server.url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in b"POST /v1/realtime/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)  # the server, on this loop, reads it
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()


@needs_network
async def test_a_plain_offer_gets_an_answer_and_a_place_to_hang_up() -> None:
    from aiortc import RTCPeerConnection, RTCSessionDescription

    async with serve() as server, httpx.AsyncClient() as client:
        peer = RTCPeerConnection()
        peer.addTransceiver("audio", direction="sendonly")
        channel = peer.createDataChannel("oai-events")
        said: asyncio.Queue[str] = asyncio.Queue()
        channel.on("message", said.put_nowait)
        await peer.setLocalDescription(await peer.createOffer())
        headers = {"Content-Type": "application/sdp", "Authorization": "Bearer sk-x"}
        url = endpoint_of(server).calls_url
        answer = await client.post(f"{url}?model=m", content=peer.localDescription.sdp, headers=headers)
        assert answer.status_code == HTTPStatus.CREATED
        assert answer.headers["Content-Type"] == "application/sdp"
        assert answer.headers["Location"].startswith("/v1/realtime/calls/rtc_")
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        assert "session.created" in await asyncio.wait_for(said.get(), 10)
        place = url.removesuffix("/v1/realtime/calls") + answer.headers["Location"]
        assert (await client.post(f"{place}/hangup")).status_code == HTTPStatus.OK
        await until(lambda: server.sessions == 0, what="the call ends")
        await peer.close()


def test_an_answer_that_tells_its_ice_lines_once_has_them_in_every_section() -> None:
    once = "v=0\r\na=fingerprint:sha-256 AA\r\nm=audio 9 X 96\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\nm=application 9 Y\r\n"
    audio_section, data_section = complete(once).split("m=")[1:]
    for section in (audio_section, data_section):
        assert {"a=ice-ufrag:u", "a=ice-pwd:p", "a=fingerprint:sha-256 AA"} <= set(section.split("\r\n"))
    assert complete(complete(once)) == complete(once)


def test_without_the_extra_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"\[webrtc\].*websocket"):
        dialer.check("webrtc")
    dialer.check("websocket")


def test_nothing_of_it_is_imported_before_it_is_needed() -> None:
    script = "import sys, voice_ui.app; sys.exit(any(name in sys.modules for name in ('aiortc', 'av')))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


async def test_a_server_without_the_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.calls.calls.find_spec", lambda name: None)
    async with serve() as server, Dialer("webrtc").connect(endpoint_of(server)) as transport:
        assert transport.problem is not None and transport.problem.code == "webrtc-unsupported"
