"""What a client event means: one message in, server events and effects out. Pure: no socket, no task, no clock.

Inputs are a client's messages, and what `connection` reports of the effects it was asked for: words that were heard,
a recognition that failed, a moment that has passed. Every input returns what to send and to do, in order. A client
event that is not accepted is answered with `error` and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voice_ui.offline import client_events, configuration, events, usage
from voice_ui.offline.checks import Rejected
from voice_ui.offline.dialect import GA, Dialect
from voice_ui.offline.effects import Cancel, Close, Feed, Finish, Listen
from voice_ui.offline.input_audio_buffer import (
    Heard,
    IdleTimeout,
    InputAudioBuffer,
    TurnCommitted,
    TurnStarted,
    TurnStopped,
    VoiceActivityFactory,
)
from voice_ui.offline.items import Item, Items, duplicate, read_item, read_pcm
from voice_ui.offline.outputs import Output, Outputs
from voice_ui.offline.response import Options
from voice_ui.offline.responses import Compose, Responses

MAX_UTTERANCES = 16
"""Utterances of one client that may wait for the recogniser."""


@dataclass(frozen=True)
class _Utterance:
    """Words that are still being recognised."""

    item: Item
    transcription: dict[str, Any] | None = None
    """How the session wants to be told of them, None if not at all."""


class Engine:
    """One session and its conversation."""

    def __init__(
        self,
        *,
        model: str,
        expires_at: int,
        new_id: Callable[[str], str],
        now: Callable[[], datetime],
        voice_activity: VoiceActivityFactory,
        compose: Compose,
        dialect: Dialect | None = None,
    ) -> None:
        self._new_id = new_id
        self._dialect = dialect or GA()
        self._outputs = Outputs(new_id, self._dialect)
        self._session = configuration.default(model, new_id("sess"), expires_at)
        self._items = Items()
        self._buffer = InputAudioBuffer(lambda: new_id("item"), voice_activity)
        self._responses = Responses(self._items, self._outputs, new_id, compose, now, self._buffer.await_speech)
        self._utterances: dict[str, _Utterance] = {}

    def start(self) -> list[Output]:
        """Greet."""
        self._attend(self._buffer.configure(configuration.turn_detection(self._session)))
        self._outputs.say(events.session_created(self._session))
        return self._outputs.take()

    def receive(self, message: str | bytes) -> list[Output]:
        """Take in one message of the client; if it leaves the engine `busy`, call `work` before the next one."""
        event_id = None
        try:
            event = client_events.read(message)
            event_id = client_events.event_id(event)
            self._handle(self._dialect.read(event))
        except Rejected as refusal:
            self._outputs.say(events.error(refusal, event_id))
        return self._outputs.take()

    @property
    def busy(self) -> bool:
        """Whether audio that was taken in still has to be heard."""
        return self._buffer.busy

    def work(self) -> list[Output]:
        """Hear the next second of it."""
        self._attend(self._buffer.work())
        return self._outputs.take()

    def heard(self, item_id: str, transcript: str) -> list[Output]:
        """The words of an utterance that was finished."""
        utterance = self._utterances.pop(item_id, None)
        if utterance:
            utterance.item.set_transcript(transcript)
            if self._is_told(utterance):
                self._tell(utterance, transcript)
            self._responses.heard(item_id, transcript)
        return self._outputs.take()

    def transcription_failed(self, item_id: str, reason: str) -> list[Output]:
        """An utterance that was finished could not be recognised."""
        self._give_up(item_id, reason)
        return self._outputs.take()

    def tick(self, response_id: str) -> list[Output]:
        """The time for the next delta of a reply has come."""
        self._responses.tick(response_id)
        return self._outputs.take()

    def expire(self) -> list[Output]:
        """The session has lasted as long as one may: say so, and close, in OpenAI's words."""
        words = "Your session hit the maximum duration of 60 minutes."
        self._outputs.say(events.error(Rejected("session_expired", words), None))
        self._outputs.do(Close(1001, words))
        return self._outputs.take()

    def _handle(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self._session = configuration.updated(self._session, event["session"])
                self._attend(self._buffer.configure(configuration.turn_detection(self._session)))
                self._outputs.say(events.session_updated(self._session))
            case "input_audio_buffer.append":
                self._buffer.append(read_pcm(event["audio"], "audio"))
            case "input_audio_buffer.commit":
                self._attend(self._buffer.commit())
            case "input_audio_buffer.clear":
                self._attend(self._buffer.clear())
                self._outputs.say(events.cleared())
            case "conversation.item.create":
                self._create_item(event["item"], event.get("previous_item_id"))
            case "conversation.item.retrieve":
                self._outputs.say(events.item_retrieved(self._items.find(event["item_id"], "retrieve")))
            case "conversation.item.delete":
                self._items.delete(event["item_id"])
                self._outputs.say(events.item_deleted(event["item_id"]))
            case "conversation.item.truncate":
                self._truncate_item(event["item_id"], event["content_index"], event["audio_end_ms"])
            case "response.create":
                self._create_response(event.get("response") or {})
            case "response.cancel":
                self._responses.cancel(event.get("response_id"))

    def _create_item(self, wire: dict[str, Any], previous_item_id: str | None) -> None:
        item, pcm = read_item(wire, self._new_id)
        if item.id in self._utterances:
            raise duplicate(item.id)  # deleted, but its words are still on their way
        self._items.add(item, previous_item_id)
        self._recognise(item, pcm)
        before = self._items.before(item)
        self._outputs.say(events.item_added(item, before), events.item_done(item, before))

    def _truncate_item(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        item = self._items.find(item_id, "truncate")
        if item.role != "assistant" or not item.content or item.content[0]["type"] != "output_audio":
            raise Rejected("invalid_value", "Only model output audio messages can be truncated.", "item_id")
        if content_index:
            raise Rejected("invalid_value", "Only the first content part has audio.", "content_index")
        if audio_end_ms > item.audio_ms:
            message = f"Audio content of {item.audio_ms:.0f}ms is already shorter than {audio_end_ms}ms"
            raise Rejected("invalid_value", message, "audio_end_ms")
        item.set_transcript("")  # OpenAI, too, drops the words that nobody heard
        self._outputs.say(events.item_truncated(item_id, content_index, audio_end_ms))

    def _create_response(self, change: dict[str, Any]) -> None:
        options = Options.of(self._session, change)
        context, unheard = list(self._items), []
        if change.get("input") is not None:
            context = []
            for wire in change["input"]:
                item, pcm = self._read_input(wire)
                context.append(item)
                unheard.append((item, pcm))
        instructions = change.get("instructions") or self._session["instructions"]
        waited_for = {*self._utterances, *(item.id for item, pcm in unheard if pcm)}
        self._responses.create(options, context, instructions, waited_for)
        for item, pcm in unheard:
            self._recognise(item, pcm)

    def _read_input(self, wire: dict[str, Any]) -> tuple[Item, bytes]:
        """Return an item that is only the context of one response, or a reference to one of the conversation."""
        if wire["type"] != "item_reference":
            return read_item(wire | {"id": None}, self._new_id)  # the client's id would not be seen by anybody
        item = self._items.get(wire["id"])
        if item is None:
            message = f"The item with id '{wire['id']}' does not exist in the conversation."
            raise Rejected("invalid_value", message, "response.input")
        return item, b""

    def _attend(self, heard: Iterable[Heard]) -> None:
        """Say and do what follows from audio."""
        detection = configuration.turn_detection(self._session)
        for what in heard:
            match what:
                case TurnStarted(item_id, start_ms):
                    self._outputs.say(events.speech_started(item_id, start_ms))
                    if detection and detection.interrupt_response:
                        self._responses.interrupt()
                case TurnStopped(item_id, end_ms):
                    self._outputs.say(events.speech_stopped(item_id, end_ms))
                case IdleTimeout(item_id, start_ms, end_ms):
                    self._outputs.say(events.timeout_triggered(item_id, start_ms, end_ms))
                case TurnCommitted():
                    self._commit(what)
                    if what.detected and detection and detection.create_response:
                        self._reply()
                case _:
                    self._outputs.do(what)

    def _commit(self, turn: TurnCommitted) -> None:
        item = Item(turn.item_id, role="user", audio_ms=turn.duration_ms)
        item.content = [{"type": "input_audio", "transcript": None}]
        self._items.add(item)
        before = self._items.before(item)
        self._outputs.say(events.committed(item.id, before))
        self._outputs.say(events.item_added(item, before), events.item_done(item, before))
        if turn.spoken:
            self._finish(item, self._session["audio"]["input"]["transcription"])

    def _reply(self) -> None:
        try:
            self._create_response({})
        except Rejected as refusal:  # speech does not interrupt here, and a reply is still being written
            self._outputs.say(events.error(refusal, None))

    def _recognise(self, item: Item, pcm: bytes) -> None:
        """Find out what is said in an item that came whole."""
        if pcm:
            self._outputs.do(Listen(item.id))
            self._outputs.do(Feed(item.id, pcm))
            self._finish(item, None)

    def _finish(self, item: Item, transcription: dict[str, Any] | None) -> None:
        self._utterances[item.id] = _Utterance(item, transcription)
        if len(self._utterances) <= MAX_UTTERANCES:
            self._outputs.do(Finish(item.id))
        else:
            self._outputs.do(Cancel(item.id))
            self._give_up(item.id, "too many utterances wait to be recognised")

    def _give_up(self, item_id: str, reason: str) -> None:
        """Say that what was said in an item will never be known."""
        utterance = self._utterances.pop(item_id, None)
        if utterance:
            if self._is_told(utterance):
                self._outputs.say(events.transcription_failed(item_id, reason))
            sorry = f"I am the offline practice server. I hear that you speak, but not what you say: {reason}."
            self._responses.not_heard(item_id, re.findall(r"\S+\s*", sorry))

    def _is_told(self, utterance: _Utterance) -> bool:
        return utterance.transcription is not None and self._items.get(utterance.item.id) is utterance.item

    def _tell(self, utterance: _Utterance, transcript: str) -> None:
        assert utterance.transcription is not None
        item, model = utterance.item, utterance.transcription.get("model")
        spent = usage.of_transcription(model, item.audio_ms, transcript)
        if transcript:
            self._outputs.say(events.transcription_delta(item.id, transcript))
        self._outputs.say(events.transcription_completed(item.id, transcript, spent))
