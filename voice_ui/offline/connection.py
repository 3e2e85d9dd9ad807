"""One client of the offline server: carries out what its engine wants, and stops all of it when the client is gone.

No websocket here: messages come and go through a `Door`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

import orjson

from voice_ui.offline.ears import Ears, Utterance
from voice_ui.offline.effects import Abort, Cancel, Close, Feed, Finish, Freeze, Listen, Pause, SendRaw, TickAfter
from voice_ui.offline.events import ServerEvent
from voice_ui.offline.outputs import Output
from voice_ui.offline.recognizer import RecognizerUnavailable

FINISH_SECONDS = 30.0
"""The longest wait for words after the end of an utterance, others in front of it included."""

OUTBOX_EVENTS = 500
"""Beyond it nothing more is read from a client that does not read either."""

log = logging.getLogger(__name__)


class Session(Protocol):
    """An engine, or a fault in front of one; see `engine.Engine`."""

    @property
    def busy(self) -> bool: ...

    def start(self) -> list[Output]: ...

    def receive(self, message: str | bytes) -> list[Output]: ...

    def work(self) -> list[Output]: ...

    def heard(self, item_id: str, transcript: str) -> list[Output]: ...

    def transcription_failed(self, item_id: str, reason: str) -> list[Output]: ...

    def tick(self, response_id: str) -> list[Output]: ...

    def expire(self) -> list[Output]: ...


class Door(Protocol):
    """Where messages come in and go out; reading and sending raise once it is shut."""

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...

    async def send(self, message: str | bytes) -> None:
        """Send text (str, or UTF-8 of an event) as a text frame."""

    async def send_binary(self, message: bytes) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...

    def freeze(self) -> None: ...


_Posted = ServerEvent | SendRaw | Pause | Close | Abort | Freeze


class Connection:
    """Runs one session from its first event to its last."""

    def __init__(self, door: Door, session: Session, ears: Ears, session_seconds: float) -> None:
        self._door = door
        self._session = session
        self._ears = ears
        self._session_seconds = session_seconds
        self._outbox: asyncio.Queue[_Posted] = asyncio.Queue()
        self._utterances: dict[str, Utterance] = {}
        self._finishing: dict[asyncio.Task[None], Utterance] = {}
        self._ticks: dict[str, asyncio.TimerHandle] = {}

    async def run(self) -> None:
        """Serve the client until one side closes; raises what the door raises."""
        expiry = asyncio.get_running_loop().call_later(self._session_seconds, self._expire)
        reading = asyncio.create_task(self._read_loop(), name="offline: read")
        writing = asyncio.create_task(self._write_loop(), name="offline: write")
        try:
            done, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            expiry.cancel()
            await self._stop(reading, writing)

    async def _read_loop(self) -> None:
        self._perform(self._session.start())
        async for message in self._door:
            self._perform(self._session.receive(message))
            while self._session.busy:
                await self._ears.detectors_loaded()
                self._perform(self._session.work())
                if self._session.busy:
                    await asyncio.sleep(0)  # minutes of audio in one message: let the others have their turn
            if self._outbox.qsize() > OUTBOX_EVENTS:
                await self._outbox.join()

    async def _write_loop(self) -> None:
        while True:
            match await self._outbox.get():
                case Close(code, reason):
                    return await self._door.close(code, reason)
                case Abort():
                    return self._door.abort()
                case Freeze():
                    self._door.freeze()
                    await asyncio.Event().wait()
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case SendRaw(bytes() as message):
                    await self._door.send_binary(message)
                case SendRaw(str() as message):
                    await self._door.send(message)
                case event:
                    await self._door.send(orjson.dumps(event))
            self._outbox.task_done()

    def _perform(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case Listen(item_id):
                    self._utterances[item_id] = self._ears.recognizer.listen()
                case Feed(item_id, pcm):
                    self._utterances[item_id].feed(pcm)
                case Finish(item_id):
                    self._finish(item_id, self._utterances.pop(item_id))
                case Cancel(item_id):
                    self._utterances.pop(item_id).cancel()
                case TickAfter(response_id, seconds):
                    loop = asyncio.get_running_loop()
                    self._ticks[response_id] = loop.call_later(seconds, self._tick, response_id)
                case posted:
                    self._outbox.put_nowait(posted)

    def _finish(self, item_id: str, utterance: Utterance) -> None:
        task = asyncio.create_task(self._recognise(item_id, utterance), name="offline: recognise")
        self._finishing[task] = utterance
        task.add_done_callback(lambda done: self._finishing.pop(done, None))

    async def _recognise(self, item_id: str, utterance: Utterance) -> None:
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                transcript = await utterance.finish()
        except RecognizerUnavailable as error:
            outputs = self._session.transcription_failed(item_id, str(error))
        except TimeoutError:
            utterance.cancel()
            outputs = self._session.transcription_failed(item_id, "the recogniser took too long")
        except Exception:
            log.exception("the recogniser failed")
            outputs = self._session.transcription_failed(item_id, "the recogniser failed")
        else:
            outputs = self._session.heard(item_id, transcript)
        self._perform(outputs)

    def _tick(self, response_id: str) -> None:
        del self._ticks[response_id]
        self._perform(self._session.tick(response_id))

    def _expire(self) -> None:
        self._perform(self._session.expire())

    async def _stop(self, *loops: asyncio.Task[None]) -> None:
        for handle in self._ticks.values():
            handle.cancel()
        finishing = dict(self._finishing)
        for task in (*loops, *finishing):
            task.cancel()
        for utterance in (*self._utterances.values(), *finishing.values()):
            utterance.cancel()
        self._utterances.clear()
        await asyncio.gather(*loops, *finishing, return_exceptions=True)
