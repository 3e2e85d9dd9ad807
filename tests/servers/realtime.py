"""A server that behaves as a realtime service: detects turns, writes them down, answers, and refuses what it must.

`Behaviour` says how well. Every utterance is transcribed as the numbers of the words that are whole in it, and every
reply names what it answers, so that a test can follow a word from the microphone into the reply.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from websockets.exceptions import ConnectionClosed

from tests.servers.wire import Wire
from tests.servers.words import whole_words
from voice_ui import audio

NOTICE_MS = 100.0
"""Loud sound after which `speech_started` is sent."""
PREFIX_MS = 300.0

Transcripts = Literal["early", "with-reply", "late", "never", "failed"]
Replies = Literal[
    "text", "preamble", "only-in-done", "nothing", "failed", "endless", "silent", "error", "delta-after-done"
]
CallsTold = Literal["everywhere", "only-in-done", "only-arguments"]


@dataclass(frozen=True)
class Behaviour:
    """How a server behaves on one connection."""

    transcripts: Transcripts = "early"
    replies: Replies = "text"
    think_seconds: float = 0.3
    """From the end of the turn to the first word of the reply."""
    delta_seconds: float = 0.05
    deltas: int = 3
    places: Literal["stream", "wall-clock", "absent", "float"] = "stream"
    """What `audio_start_ms` and `audio_end_ms` hold."""
    expires_seconds: float | None = None
    session_updated: bool = True
    refuses_updates: bool = False
    """Refuses every session.update but the first."""
    refuses_aloud: bool = False
    """Says so when it cannot answer a turn because a response is running."""
    loud_peak: int = 1
    """Of 32768: sound with a lower peak is silence. A browser's microphone has no silence of zeros."""
    noise: bool = False
    """Sends events nobody knows, messages that are no JSON, and errors of no consequence."""
    calls: tuple[str, ...] = ()
    """Functions that it calls before it answers in words, where the client has tools."""
    call_rounds: int = 1
    """How many responses to one turn call them."""
    calls_told: CallsTold = "everywhere"
    """Which of the events about a call come: all, only `response.done`, or only the arguments."""
    audio_ms: int = 400
    """Of audio for each delta of the transcript, where replies are spoken."""


@dataclass
class Utterance:
    """What was said between two commits."""

    item_id: str
    words: list[int]
    at: float


@dataclass
class Record:
    """What one connection heard, and what became of it."""

    utterances: list[Utterance] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    """By response: the ids of the items that it answers."""
    items: dict[str, str] = field(default_factory=dict)
    """By id: the text of items that the client wrote."""
    calls: dict[str, str] = field(default_factory=dict)
    """By id of the call: the response that made it; empty for what the client repeats of another connection."""
    outputs: dict[str, str] = field(default_factory=dict)
    """By id of the call: what the tool returned."""
    spoken_ms: dict[str, int] = field(default_factory=dict)
    """By id of the item: the audio of it that was sent."""
    truncated_ms: dict[str, int] = field(default_factory=dict)
    """By id of the item: what was heard of it, as the client says."""


_numbers = count(1)


class Realtime:
    """The script of a server that behaves."""

    def __init__(self, behaviour: Behaviour | None = None, numbers: Iterator[int] | None = None) -> None:
        """`numbers` are for ids: servers that one client may meet one after the other must not give one twice."""
        self.behaviour = behaviour or Behaviour()
        self._numbers = numbers or _numbers
        self.record = Record()
        self.sound = bytearray()
        """All sound that was heard, every silence as one sample."""
        self._uncommitted = bytearray()
        self._stream_ms = 0.0
        self._start_ms = 0.0
        self._loud_ms = 0.0
        self._quiet_ms = 0.0
        self._item: str | None = None  # of the utterance that is being heard
        self._turn_detection: dict[str, Any] | None = None
        self._unanswered: list[str] = []
        self._active: str | None = None
        self._responding: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._updates = 0
        self._speaks = self._may_call = False
        self._rounds_left = 0
        self.ended = 0
        """Responses of which the usage was reported."""

    async def __call__(self, wire: Wire) -> None:
        self.wire = wire
        try:
            await self._greet()
            while True:
                await self._handle(await wire.next_event())
        except ConnectionClosed:
            pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _greet(self) -> None:
        session: dict[str, Any] = {"modalities": ["text"]} if self.wire.beta else {"type": "realtime"}
        session["id"] = f"sess_{next(self._numbers)}"
        if seconds := self.behaviour.expires_seconds:
            session["expires_at"] = time.time() + seconds
            self._spawn(self._expire(seconds))
        await self.wire.say("session.created", session=session)

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.wire.error("session_expired", "Your session hit the maximum duration of 60 minutes.")
        await self.wire.close(1001, "Your session hit the maximum duration of 60 minutes.")

    async def _handle(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "input_audio_buffer.append":
                await self._append(audio.decode(event["audio"]))
            case "session.update":
                await self._update(event)
            case "input_audio_buffer.commit":
                await self._commit(event)
            case "input_audio_buffer.clear":
                self._uncommitted.clear()
                self._item = None
                await self.wire.say("input_audio_buffer.cleared")
            case "conversation.item.create":
                await self._create_item(event["item"])
            case "conversation.item.truncate":
                await self._truncate(event["item_id"], event["audio_end_ms"])
            case "response.create":
                if self._active:
                    await self._refuse(event, "conversation_already_has_active_response")
                else:
                    await self._respond()
            case "response.cancel":
                if self._active is None or event.get("response_id") not in (None, self._active):
                    await self._refuse(event, "response_cancel_not_active")
                else:
                    await self._cancel("client_cancelled")

    async def _update(self, event: dict[str, Any]) -> None:
        self._updates += 1
        if not self.behaviour.session_updated:
            return
        if self.behaviour.refuses_updates and self._updates > 1:
            await self._refuse(event, "invalid_value", param="session.audio.input.turn_detection")
            return
        session = event["session"]
        inputs = session if self.wire.beta else session["audio"]["input"]
        self._turn_detection = inputs["turn_detection"]
        self._speaks = session.get("output_modalities") == ["audio"]
        self._may_call = bool(session.get("tools"))
        await self.wire.say("session.updated", session=session)

    async def _append(self, pcm: bytes) -> None:
        duration_ms = audio.milliseconds(pcm)
        self._stream_ms += duration_ms
        loud = audio.peak(pcm) >= self.behaviour.loud_peak
        for buffer in (self.sound, self._uncommitted):
            buffer += pcm if loud else b"\0\0"
        if self._turn_detection is None:
            return
        if loud:
            self._loud_ms += duration_ms
            self._quiet_ms = 0.0
            if self._item is None and self._loud_ms >= NOTICE_MS:
                await self._start_speech()
            return
        self._quiet_ms += duration_ms
        if self._item is None:
            if self._quiet_ms >= PREFIX_MS:
                self._loud_ms = 0.0
                self._uncommitted.clear()
        elif self._quiet_ms >= self._turn_detection.get("silence_duration_ms", 500):
            await self._stop_speech()

    async def _start_speech(self) -> None:
        self._item = f"item_u{next(self._numbers)}"
        self._start_ms = max(0.0, self._stream_ms - self._loud_ms - PREFIX_MS)
        place = self._place(self._start_ms)
        fields = {} if place is None else {"audio_start_ms": place}
        await self.wire.say("input_audio_buffer.speech_started", item_id=self._item, **fields)
        if self._active and (self._turn_detection or {}).get("interrupt_response", True):
            await self._cancel("turn_detected")

    async def _stop_speech(self) -> None:
        place = self._place(self._stream_ms)
        fields = {} if place is None else {"audio_end_ms": place}
        await self.wire.say("input_audio_buffer.speech_stopped", item_id=self._item, **fields)
        await self._take_turn()
        if not (self._turn_detection or {}).get("create_response", True):
            return
        if not self._active:
            await self._respond()
        elif self.behaviour.refuses_aloud:
            await self.wire.error("conversation_already_has_active_response", "One is running.")

    def _place(self, place_ms: float) -> float | None:
        match self.behaviour.places:
            case "wall-clock":
                return round(time.time() * 1000)
            case "absent":
                return None
            case "float":
                return place_ms + 0.5
        return round(place_ms)

    async def _commit(self, event: dict[str, Any]) -> None:
        if not self._uncommitted.strip(b"\0"):
            await self._refuse(event, "input_audio_buffer_commit_empty")
            return
        await self._take_turn()

    async def _take_turn(self) -> None:
        item_id = self._item or f"item_u{next(self._numbers)}"
        self._item, self._loud_ms, self._quiet_ms = None, 0.0, 0.0
        utterance = Utterance(item_id, whole_words(bytes(self._uncommitted)), asyncio.get_running_loop().time())
        self._uncommitted.clear()
        self.record.utterances.append(utterance)
        self._ask(item_id)
        say = self.wire.say
        await say("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
        await say("conversation.item.added", previous_item_id=None, item=item)
        await say("conversation.item.done", previous_item_id=None, item=item)
        match self.behaviour.transcripts:
            case "early":
                await self._transcribe(utterance)
            case "with-reply":
                self._spawn(self._transcribe(utterance, self.behaviour.think_seconds))
            case "late":
                self._spawn(self._transcribe(utterance, 3.0))
            case "failed":
                error = {"type": "server_error", "code": None, "message": "Input transcription failed", "param": None}
                name = "conversation.item.input_audio_transcription.failed"
                await say(name, item_id=item_id, content_index=0, error=error)

    async def _transcribe(self, utterance: Utterance, seconds: float = 0.0) -> None:
        if seconds:
            await asyncio.sleep(seconds)
        await self.wire.transcribe(utterance.item_id, " ".join(f"w{number}" for number in utterance.words) or "hm")

    async def _create_item(self, item: dict[str, Any]) -> None:
        item_id = item.get("id") or f"item_c{next(self._numbers)}"
        if item.get("type") == "message":
            self.record.items[item_id] = item["content"][0].get("text", "")
            if item["role"] == "user":
                self._ask(item_id)
        elif item.get("type") == "function_call":
            self.record.calls.setdefault(item["call_id"], "")
        elif item.get("type") == "function_call_output":
            self._take_output(item["call_id"], item["output"])
        await self.wire.say("conversation.item.added", previous_item_id=None, item={**item, "id": item_id})
        await self.wire.say("conversation.item.done", previous_item_id=None, item={**item, "id": item_id})

    def _ask(self, item_id: str) -> None:
        self._unanswered.append(item_id)
        self._rounds_left = self.behaviour.call_rounds

    def _take_output(self, call_id: str, output: str) -> None:
        if call_id not in self.record.calls:
            self.wire.judge.complaints.append(f"an output of {call_id}, which was never called")
        if call_id in self.record.outputs:
            self.wire.judge.complaints.append(f"a second output of {call_id}")
        self.record.outputs[call_id] = output
        self._unanswered.append(call_id)

    async def _truncate(self, item_id: str, heard_ms: int) -> None:
        if heard_ms > self.record.spoken_ms.get(item_id, -1):
            self.wire.judge.complaints.append(f"{heard_ms} ms heard of {item_id}, of which less was spoken")
        if item_id in self.record.truncated_ms:
            self.wire.judge.complaints.append(f"{item_id} is truncated twice")
        self.record.truncated_ms[item_id] = heard_ms
        await self.wire.say("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=heard_ms)

    async def _respond(self) -> None:
        if self.behaviour.replies == "silent":
            return
        self._active = response = f"resp_{next(self._numbers)}"
        self.record.answers[response], self._unanswered = self._unanswered, []
        await self.wire.say("response.created", response={"id": response, "status": "in_progress"})
        self._responding = self._spawn(self._write(response))

    async def _write(self, response: str) -> None:
        b = self.behaviour
        await asyncio.sleep(b.think_seconds)
        if b.noise:
            await self._make_noise()
        match b.replies:
            case "error":
                self._active = None
                self.wire.judge.ended(response)
                await self.wire.error("inference_failed", "The model fell over.", type="server_error")
                return
            case "failed":
                error = {"type": "server_error", "code": "server_error", "message": "The model fell over."}
                await self._end(response, "failed", {"type": "failed", "error": error})
                return
            case "nothing":
                await self._end(response, "completed")
                return
            case "preamble":
                await self._write_item(response, "Let me see.", phase="commentary")
        if b.calls and self._may_call and self._rounds_left:
            self._rounds_left -= 1
            await self._call(response)
            return
        text = "Reply to " + ", ".join(self.record.answers[response]) + "."
        item = await self._write_item(response, text)
        if b.replies == "endless":
            await asyncio.Event().wait()
        await self._end(response, "completed", output=[item])
        if b.replies == "delta-after-done":
            await self._delta(response, item["id"], " PS")

    async def _call(self, response: str) -> None:
        """Call functions, one after the other, and end the response with them."""
        say, told = self.wire.say, self.behaviour.calls_told
        items = []
        for index, name in enumerate(self.behaviour.calls):
            number = next(self._numbers)
            item = {"id": f"item_f{number}", "type": "function_call", "status": "completed", "name": name}
            item |= {"call_id": f"call_{number}", "arguments": "{}"}
            items.append(item)
            self.record.calls[f"call_{number}"] = response
            place = {"response_id": response, "output_index": index}
            if told == "everywhere":
                begun = {**item, "status": "in_progress", "arguments": ""}
                await say("response.output_item.added", **place, item=begun)
                await say("conversation.item.added", previous_item_id=None, item=begun)
            await asyncio.sleep(self.behaviour.delta_seconds)
            if told != "only-in-done":
                call = {name: item[name] for name in ("call_id", "name", "arguments")}
                await say("response.function_call_arguments.done", **place, item_id=item["id"], **call)
            if told == "everywhere":
                await say("conversation.item.done", previous_item_id=None, item=item)
                await say("response.output_item.done", **place, item=item)
        await self._end(response, "completed", output=[] if told == "only-arguments" else items)

    async def _write_item(self, response: str, text: str, phase: str = "final_answer") -> dict[str, Any]:
        say, b = self.wire.say, self.behaviour
        item: dict[str, Any] = {"id": f"item_a{next(self._numbers)}", "type": "message", "role": "assistant"}
        if b.replies == "preamble":
            item["phase"] = phase
        begun = {**item, "status": "in_progress", "content": []}
        await say("response.output_item.added", response_id=response, output_index=0, item=begun)
        await say("conversation.item.added", previous_item_id=None, item=begun)
        part = {"type": "output_audio", "transcript": text} if self._speaks else {"type": "output_text", "text": text}
        done = {**item, "status": "completed", "content": [part]}
        if b.replies != "only-in-done":
            step = max(1, len(text) // b.deltas)
            for at in range(0, len(text), step):
                await self._delta(response, item["id"], text[at : at + step])
                if self._speaks:
                    await self._speak(response, item["id"])
                await asyncio.sleep(b.delta_seconds)
            place = {"response_id": response, "item_id": item["id"], "output_index": 0, "content_index": 0}
            if self._speaks:
                await say("response.output_audio.done", **place)
                await say("response.output_audio_transcript.done", **place, transcript=text)
            else:
                await say("response.output_text.done", **place, text=text)
        await say("conversation.item.done", previous_item_id=None, item=done)
        await say("response.output_item.done", response_id=response, output_index=0, item=done)
        return done

    async def _delta(self, response: str, item_id: str, delta: str) -> None:
        place = {"response_id": response, "item_id": item_id, "output_index": 0, "content_index": 0}
        kind = "output_audio_transcript" if self._speaks else "output_text"
        await self.wire.say(f"response.{kind}.delta", **place, delta=delta)

    async def _speak(self, response: str, item_id: str) -> None:
        place = {"response_id": response, "item_id": item_id, "output_index": 0, "content_index": 0}
        spoken_ms = self.record.spoken_ms
        spoken_ms[item_id] = spoken_ms.get(item_id, 0) + self.behaviour.audio_ms
        pcm = audio.encode(audio.silence(self.behaviour.audio_ms))
        await self.wire.say("response.output_audio.delta", **place, delta=pcm)

    async def _end(
        self, response: str, status: str, details: dict[str, Any] | None = None, output: list[Any] | None = None
    ) -> None:
        self._active = None
        usage = {"total_tokens": 20, "input_tokens": 15, "output_tokens": 5}
        what = {"id": response, "status": status, "status_details": details, "output": output or [], "usage": usage}
        await self.wire.say("response.done", response=what)
        self.ended += 1

    async def _cancel(self, reason: str) -> None:
        response, self._active = self._active, None
        if self._responding:
            self._responding.cancel()
        if response:
            await self._end(response, "cancelled", {"type": "cancelled", "reason": reason})

    async def _refuse(self, event: dict[str, Any], code: str, param: str | None = None) -> None:
        await self.wire.error(code, "No.", event_id=event.get("event_id"), param=param)

    async def _make_noise(self) -> None:
        await self.wire.say("localai.classifier.result", x=1)
        await self.wire.say("rate_limits.updated", rate_limits=[])
        await self.wire.error("invalid_value", "Never mind.")

    def _spawn(self, what: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(what, name="server task")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda task: task.cancelled() or task.exception())  # a client may have left
        return task
