"""A realtime server that measures: it notes how long each chunk was on its way, and replies as the chunk asks.

    python -m benchmarks.model

Its first line is its address. `GET /heard` returns the seconds that each chunk since the last time was on its way, as
a JSON list: from its stamp to the moment at which its message was read here.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from contextlib import suppress
from http import HTTPStatus

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from benchmarks import stamp
from benchmarks.loop import run
from voice_ui import audio

SOUND = random.Random(1).randbytes(len(audio.silence(1000)))
"""As hard to compress as speech."""

FRAME_BYTES = len(audio.silence(audio.CHUNK_MS))


class Model:
    """The server's side of all connections."""

    def __init__(self) -> None:
        self._heard: list[float] = []

    async def converse(self, websocket: ServerConnection) -> None:
        """Speak GA: confirm any configuration, hear everything, reply when asked."""
        asked: asyncio.Queue[tuple[stamp.Stamp, bool]] = asyncio.Queue()
        replying = asyncio.create_task(self._reply_loop(websocket, asked), name="replies")
        spoken_to = aloud = False
        with suppress(ConnectionClosed):
            await _say(websocket, "session.created", session={"type": "realtime", "id": "sess_1"})
            async for message in websocket:
                now = time.monotonic()
                event = orjson.loads(message)
                if event["type"] == "input_audio_buffer.append":
                    if not spoken_to:
                        spoken_to = True
                        await _listen(websocket, 1)  # a server that says nothing to speech is a problem to tell
                    pcm = audio.decode(event["audio"])
                    for at in range(0, len(pcm), FRAME_BYTES):  # a chunk may hold several
                        if told := stamp.of_chunk(pcm[at : at + FRAME_BYTES]):
                            self._heard.append(now - told.sent)
                            if told.deltas:
                                asked.put_nowait((told, aloud))
                elif event["type"] == "session.update":
                    aloud = "audio" in event["session"].get("output_modalities", ())
                    await _say(websocket, "session.updated", session=event["session"])
        replying.cancel()
        await asyncio.gather(replying, return_exceptions=True)

    async def _reply_loop(self, websocket: ServerConnection, asked: asyncio.Queue[tuple[stamp.Stamp, bool]]) -> None:
        turn = 0
        while True:
            turn += 1
            await _reply(websocket, turn, *await asked.get())

    def tell(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer `GET /heard`, let websockets pass, know no model."""
        if "Upgrade" in request.headers:
            return None
        if request.path != "/heard":
            return connection.respond(HTTPStatus.NOT_FOUND, "{}")
        heard, self._heard = self._heard, []
        return connection.respond(HTTPStatus.OK, orjson.dumps(heard).decode())


async def _reply(websocket: ServerConnection, turn: int, asked: stamp.Stamp, aloud: bool) -> None:
    """One turn as a server tells it: speech that ended, the transcript, the reply word by word, perhaps aloud."""
    kind = "response.output_audio_transcript.delta" if aloud else "response.output_text.delta"
    sound = audio.encode(SOUND[: len(audio.silence(asked.delta_ms))])
    said, reply, response = f"item_u{turn}", f"item_a{turn}", {"id": f"resp_{turn}", "status": "in_progress"}
    await _say(websocket, "input_audio_buffer.speech_stopped", item_id=said, audio_end_ms=0)
    await _say(websocket, "input_audio_buffer.committed", item_id=said)
    heard = "conversation.item.input_audio_transcription.completed"
    await _say(websocket, heard, item_id=said, transcript=f"turn {turn}")
    await _say(websocket, "response.created", response=response)
    start = time.monotonic()
    for number in range(asked.deltas):
        await asyncio.sleep(start + number * asked.delta_ms / 1000 - time.monotonic())
        place = {"response_id": response["id"], "item_id": reply, "output_index": 0, "content_index": 0}
        await _say(websocket, kind, **place, delta=stamp.delta(time.monotonic()))
        if aloud:
            await _say(websocket, "response.output_audio.delta", **place, delta=sound)
    if aloud:
        await _say(websocket, "response.output_audio.done", **place)
    usage = {"total_tokens": asked.deltas, "input_tokens": 0, "output_tokens": asked.deltas}
    await _say(websocket, "response.done", response=response | {"status": "completed", "usage": usage})
    await _listen(websocket, turn + 1)


async def _listen(websocket: ServerConnection, turn: int) -> None:
    await _say(websocket, "input_audio_buffer.speech_started", item_id=f"item_u{turn}", audio_start_ms=0)


async def _say(websocket: ServerConnection, type: str, **fields: object) -> None:
    await websocket.send(orjson.dumps({"type": type, "event_id": "event_x", **fields}), text=True)


async def _serve() -> None:
    model = Model()
    async with serve(model.converse, "127.0.0.1", 0, process_request=model.tell, compression=None) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it is gone


if __name__ == "__main__":
    run(_serve())
