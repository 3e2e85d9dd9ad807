"""What a client event means: one session with its conversation. No socket: events are posted to a callable.

A client event that is not accepted is answered with `error` and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from voice_ui import audio, images
from voice_ui.images import Image
from voice_ui.offline import configuration
from voice_ui.offline.hearing import Hearing
from voice_ui.offline.input_audio_buffer import CommittedTurn, Heard, InputAudioBuffer
from voice_ui.offline.items import Entry, Items, new_id
from voice_ui.offline.parts import DetectorUnavailable, Later, NothingLater, Parts
from voice_ui.offline.reply import Reply
from voice_ui.protocol import Part, WireItem, client, server
from voice_ui.protocol.client import Rejected
from voice_ui.protocol.reading import Event

MAX_EXPECTED = 20
"""Timers of one session."""

RETRY_SECONDS = 0.5
"""After which a timer rings that would have interrupted a reply."""


class PracticeSession:
    """One session; `aclose` stops its tasks."""

    def __init__(self, parts: Parts, post: Callable[[Event], None], *, model: str, expires_at: int) -> None:
        self._parts, self._post = parts, post
        self._speaks = parts.voice is not None
        output = "audio" if self._speaks else "text"
        self._session = configuration.default(model, new_id("sess"), expires_at, output)
        self._items = Items()
        self._hearing = Hearing(parts.recognizer, self._items, post)
        self._buffer = InputAudioBuffer(parts.detector, self._hearing.listen)
        self._conversation_id = new_id("conv")
        self._reply: Reply | None = None
        self._replying: asyncio.Task[None] | None = None
        self._expected: dict[object, asyncio.TimerHandle] = {}
        self._read_before: set[str] = set()
        self._is_deaf = False  # nothing detects turns, and the client knows

    def start(self) -> None:
        """Post the first event."""
        self._buffer.configure(configuration.turn_detection(self._session))
        self._post(server.SessionCreated(self._session))

    def receive(self, message: str | bytes) -> None:
        """Take in one message of the client; if it leaves the session `busy`, call `work` before the next one."""
        event: client.ClientEvent | None = None
        try:
            event = client.read(message)
            self._handle(event)
        except Rejected as refusal:
            self.refuse(refusal, event.event_id if event else refusal.event_id)

    @property
    def busy(self) -> bool:
        """Whether appended audio still has to be processed."""
        return self._buffer.busy

    async def prepare(self) -> None:
        """Load what processing takes. Where turns cannot be detected, audio is dropped, and that is reported once."""
        if not self._buffer.detects:
            return
        try:
            await self._parts.detector_loaded()
        except DetectorUnavailable as error:
            self._buffer.clear()
            if not self._is_deaf:
                self._is_deaf = True
                self.refuse(Rejected("turn_detection_unavailable", f"{error}", "session.audio.input.turn_detection"))

    def work(self) -> None:
        """Process the next portion of it."""
        self._attend(self._buffer.work())

    def refuse(self, refusal: Rejected, event_id: str | None = None, type: str = "invalid_request_error") -> None:
        """Post an error."""
        self._post(server.ErrorEvent(type, refusal.code, f"{refusal}", refusal.param, event_id))

    async def aclose(self) -> None:
        """End the reply and drop what is still being recognised."""
        self._buffer.clear()
        for handle in self._expected.values():
            handle.cancel()
        if self._replying:
            self._replying.cancel()
            await asyncio.gather(self._replying, return_exceptions=True)
        await self._hearing.aclose()

    def _handle(self, event: client.ClientEvent) -> None:
        match event:
            case client.SessionUpdate(session=change):
                self._session = configuration.updated(self._session, change or {}, speaks=self._speaks)
                self._buffer.configure(configuration.turn_detection(self._session))
                self._hearing.transcription = self._session["audio"]["input"]["transcription"]
                self._post(server.SessionUpdated(self._session))
                if self._session["output_modalities"] == ["audio"]:
                    self._parts.expect_speech()
            case client.InputAudioBufferAppend(sound):
                self._buffer.append(_pcm(sound, "audio"))
            case client.InputAudioBufferCommit():
                self._attend(self._buffer.commit())
            case client.InputAudioBufferClear():
                self._buffer.clear()
                self._post(server.Cleared())
            case client.ConversationItemCreate(item, previous_item_id=previous_item_id):
                self._create_item(item, previous_item_id)
            case client.ConversationItemRetrieve(item_id):
                self._post(server.ItemRetrieved(self._items.find(item_id, "retrieve", "retrieving").item))
            case client.ConversationItemDelete(item_id):
                self._items.delete(item_id)
                self._post(server.ItemDeleted(item_id))
            case client.ConversationItemTruncate(item_id, content_index, audio_end_ms):
                self._truncate_item(item_id, content_index, audio_end_ms)
            case client.ResponseCreate(response=change):
                self._create_response(change or {})
            case client.ResponseCancel(response_id=response_id):
                if self._reply is None or self._reply.over or response_id not in (None, self._reply.id):
                    raise Rejected("response_cancel_not_active", "Cancellation failed: no active response found")
                self._cancel("client_cancelled")

    def _create_item(self, item: WireItem, previous_item_id: str | None) -> None:
        sounds = [
            _pcm(part.audio, f"item.content[{index}].audio")
            for index, part in enumerate(item.content)
            if part.audio is not None and part.transcript is None
        ]
        pcm = b"".join(sounds)
        shown = [
            _image(part.image_url or "", f"item.content[{index}].image_url")
            for index, part in enumerate(item.content)
            if part.type == "input_image"
        ]
        content = tuple(replace(part, audio=None, image_url=None) for part in item.content)
        call_id = item.call_id or (new_id("call") if item.type.startswith("function_call") else "")
        item_id, status = item.id or new_id("item"), item.status or "completed"
        kept = replace(item, id=item_id, status=status, call_id=call_id, content=content)
        entry = Entry(kept, audio.milliseconds(pcm), image=shown[-1] if shown else None)
        self._items.add(entry, previous_item_id)
        if pcm:
            utterance = self._hearing.listen(entry.id)
            utterance.feed(pcm)
            self._hearing.finish(entry, utterance, None)
        self._post_whole(entry)

    def _truncate_item(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        entry = self._items.find(item_id, "truncate", "truncating")
        spoken = [part.type for part in entry.item.content] == ["output_audio"]
        if entry.item.role != "assistant" or not spoken:
            raise Rejected("invalid_value", "Only model output audio messages can be truncated.", "item_id")
        if content_index:
            raise Rejected("invalid_value", "Only the first content part has audio.", "content_index")
        if audio_end_ms > entry.audio_ms:
            message = f"Audio content of {entry.audio_ms:.0f}ms is already shorter than {audio_end_ms}ms"
            raise Rejected("invalid_value", message, "audio_end_ms")
        entry.truncate(audio_end_ms)
        self._post(server.ItemTruncated(item_id, content_index, audio_end_ms))

    def _create_response(self, change: dict[str, Any], text: str | None = None) -> None:
        """Begin a response: to the conversation, or one that says `text`."""
        if self._reply and not self._reply.over:
            message = f"Conversation already has an active response in progress: {self._reply.id}."
            raise Rejected("conversation_already_has_active_response", f"{message} Wait until it is done.")
        settings = configuration.for_reply(self._session, change)
        self._reply = Reply(settings, self._items, self._parts, self._post, self._conversation_id)
        self._reply.read_before, self._read_before = self._read_before, {entry.id for entry in self._items}
        self._reply.on_later = self._expect
        self._replying = asyncio.create_task(self._reply.run(text), name="offline: reply")
        self._replying.add_done_callback(self._replied)

    def _expect(self, later: Later | NothingLater) -> None:
        """Say something later, when no other reply is under way; or nothing any more."""
        if isinstance(later, NothingLater):
            for handle in self._expected.values():
                handle.cancel()
            self._expected.clear()
        elif len(self._expected) < MAX_EXPECTED:
            self._schedule(later.seconds, later.text)

    def _schedule(self, seconds: float, text: str) -> None:
        key = object()
        handle = asyncio.get_running_loop().call_later(seconds, self._say_now, key, text)
        self._expected[key] = handle

    def _say_now(self, key: object, text: str) -> None:
        self._expected.pop(key)
        if self._reply and not self._reply.over:
            self._schedule(RETRY_SECONDS, text)
        else:
            self._create_response({}, text)

    def _replied(self, task: asyncio.Task[None]) -> None:
        if task is self._replying:
            self._reply = self._replying = None
            self._buffer.await_speech()

    def _cancel(self, reason: str) -> None:
        """End the reply, if there is one."""
        reply, task = self._reply, self._replying
        self._reply = self._replying = None
        if reply and task:
            task.cancel()
            reply.end("cancelled", reason)
            self._buffer.await_speech()

    def _attend(self, heard: Iterable[Heard]) -> None:
        """Post and do what follows from audio."""
        detection = configuration.turn_detection(self._session)
        for what in heard:
            match what:
                case CommittedTurn():
                    self._commit(what)
                    if what.detected and detection and detection.create_response:
                        try:
                            self._create_response({})
                        except Rejected as refusal:  # a reply goes on, because speech does not interrupt here
                            self.refuse(refusal)
                case event:
                    self._post(event)
                    if isinstance(event, server.SpeechStarted) and detection and detection.interrupt_response:
                        self._cancel("turn_detected")

    def _commit(self, turn: CommittedTurn) -> None:
        item = WireItem(turn.item_id, role="user", status="completed", content=(Part("input_audio"),))
        entry = Entry(item, turn.duration_ms)
        self._items.add(entry)
        self._post(server.Committed(entry.id, self._items.before(entry)))
        self._post_whole(entry)
        if turn.utterance:
            self._hearing.finish(entry, turn.utterance, self._hearing.transcription)

    def _post_whole(self, entry: Entry) -> None:
        before = self._items.before(entry)
        self._post(server.ItemAdded(entry.item, before))
        self._post(server.ItemDone(entry.item, before))


def _image(url: str, param: str) -> Image:
    try:
        return images.read_url(url)
    except ValueError as error:
        raise Rejected("invalid_value", f"Invalid '{param}'. Expected a PNG or JPEG image: {error}.", param) from None


def _pcm(text: str, param: str) -> bytes:
    """Return the PCM in base64; raises Rejected for anything else."""
    try:
        return audio.decode(text)
    except ValueError as error:
        message = f"Invalid '{param}'. Expected base64-encoded 16-bit PCM, but got an invalid value: {error}."
        raise Rejected("invalid_value", message, param) from None
