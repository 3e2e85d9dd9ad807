"""One response, from `response.created` to `response.done`: written, or spoken slightly ahead of real time.

A task runs it. However it ends (whole, cancelled, failed), every item that was begun is ended, too, and the response is
done exactly once.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any, cast

from voice_ui import audio
from voice_ui.images import Image
from voice_ui.offline import usage
from voice_ui.offline.items import Entry, Items, new_id
from voice_ui.offline.parts import Invocation, Later, NothingLater, Parts, Piece, ReplyCutOff, ReplyFailed, ReplyRequest
from voice_ui.offline.voice.sentences import spread
from voice_ui.protocol import Part, WireItem, server
from voice_ui.protocol.reading import Event

AHEAD_MS = 2000
"""How far audio is sent ahead of playback, so that a client that interrupts has something to truncate."""

CHUNK_MS = 200
"""Audio in one delta."""

log = logging.getLogger(__name__)


class Reply:
    """A response; `over` once it is done."""

    def __init__(
        self,
        settings: dict[str, Any],
        items: Items,
        parts: Parts,
        post: Callable[[Event], None],
        conversation_id: str,
    ) -> None:
        """`settings` are those of a session, with what was asked for this reply in their place."""
        self.id = new_id("resp")
        self.over = False
        self.read_before: set[str] = set()
        """Ids of the items that the previous reply read: they count as cached."""
        self.on_later: Callable[[Later | NothingLater], None] = lambda later: None
        """Called with messages to say later."""
        self._settings, self._items, self._parts, self._post = settings, items, parts, post
        self._spoken = parts.voice is not None and settings["output_modalities"] == ["audio"]
        most = settings["max_output_tokens"]
        self._max_tokens = most if isinstance(most, int) else None
        output = settings["audio"]["output"]
        self._shown = {
            "conversation_id": conversation_id,
            "output_modalities": ["audio"] if self._spoken else ["text"],
            "max_output_tokens": most,
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "metadata": settings.get("metadata"),
        }
        self._context = list(items)
        self._output: list[Entry] = []
        self._open: Entry | None = None
        self._audio_ms = 0.0
        self._post(server.ResponseCreated(self.id, self._shown))

    async def run(self, text: str | None = None) -> None:
        """Answer the last user message, as soon as its words are known; or say `text`."""
        try:
            async with aclosing(self._pieces(text)) as pieces:
                await self._say(pieces)
        except ReplyFailed as failure:
            self.end("failed", error=failure)
        except ReplyCutOff:
            self.end("incomplete", "max_output_tokens")
        except Exception:
            log.exception("a reply failed")
            self.end("failed", error=ReplyFailed("server_error", "The practice server could not answer."))
        else:
            self.end("completed")

    def end(self, status: str, reason: str | None = None, error: ReplyFailed | None = None) -> None:
        """End the response; nothing if it is over."""
        if self.over:
            return
        self.over = True
        self._end_item("completed" if status == "completed" else "incomplete")
        code, type, message = (error.code, "server_error", error.message) if error else (None, None, "")
        read = usage.of_items(self._context)
        cached = usage.of_items(entry for entry in self._context if entry.id in self.read_before)
        written = sum(usage.of_text(entry.item.text + entry.item.arguments) for entry in self._output)
        spent = usage.of_response(self._settings["instructions"], read, cached, written, self._audio_ms)
        output = tuple(entry.item for entry in self._output)
        self._post(server.ResponseDone(self.id, status, reason, code, type, message, spent, output, self._shown))

    async def _pieces(self, text: str | None) -> AsyncGenerator[Piece, None]:
        question = next((entry for entry in reversed(self._context) if entry.item.role == "user"), None)
        if text is None and question:
            if question.waiting:
                await question.waiting.wait()
            if question.failure:
                text = f"I can hear that you speak, but not what you say: {question.failure}."
        if text is not None:
            for word in re.findall(r"\S+\s*", text):
                yield word
            return
        pieces = self._parts.brain.reply(self._request())
        try:
            async for piece in pieces:
                yield piece
        finally:
            if hasattr(pieces, "aclose"):
                await pieces.aclose()

    def _request(self) -> ReplyRequest:
        transcription = self._settings["audio"]["input"]["transcription"] or {}
        return ReplyRequest(
            items=tuple(entry.item for entry in self._context),
            now=datetime.now().astimezone(),
            instructions=self._settings["instructions"],
            tools=tuple(self._settings["tools"]),
            tool_choice=self._settings["tool_choice"],
            language=transcription.get("language"),
            images=_shown_last(self._context),
            spoken=self._spoken,
            max_output_tokens=self._max_tokens,
        )

    async def _say(self, pieces: AsyncIterator[Piece]) -> None:
        """Send the message, if any, and then the tool calls."""
        calls: list[Invocation] = []
        cut_off: ReplyCutOff | None = None

        async def text() -> AsyncIterator[str]:
            nonlocal cut_off
            try:
                async for piece in pieces:
                    if isinstance(piece, Invocation):
                        calls.append(piece)
                    elif isinstance(piece, Later | NothingLater):
                        self.on_later(piece)
                    elif piece:
                        yield piece
            except ReplyCutOff as error:  # the voice still has to say what it holds of the last sentence
                cut_off = error

        if self._spoken and self._parts.voice:
            sentences = self._parts.voice.speak(text(), speed=self._settings["audio"]["output"]["speed"])
            async with aclosing(cast("Any", sentences)):
                await self._speak(sentences)
        else:
            async for piece in text():
                self._add_text(piece)
                await asyncio.sleep(self._parts.brain.delta_seconds)
        if cut_off:
            raise cut_off
        self._end_item("completed")
        for call in calls:
            self._call(call)

    async def _speak(self, sentences: AsyncIterator[tuple[str, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        started: float | None = None
        size = CHUNK_MS * audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000
        async for text, pcm in sentences:
            started = loop.time() if started is None else started
            chunks = [pcm[at : at + size] for at in range(0, len(pcm), size)]
            for chunk, words in zip(chunks, spread(text, len(chunks)), strict=True) if chunks else [(b"", text)]:
                if words:
                    self._add_text(words)
                if chunk:
                    entry = self._opened()
                    delta = audio.encode(chunk)
                    self._post(server.AudioDelta(self.id, entry.id, 0, delta, len(self._output) - 1))
                    self._audio_ms += audio.milliseconds(chunk)
                    entry.audio_ms += audio.milliseconds(chunk)
                    entry.marks.append((entry.audio_ms, len(entry.item.text)))
                await asyncio.sleep(max(0.0, (self._audio_ms - AHEAD_MS) / 1000 - (loop.time() - started)))

    def _add_text(self, delta: str) -> None:
        entry = self._opened()
        text = entry.item.text + delta
        if self._max_tokens is not None and usage.of_text(text) > self._max_tokens:
            raise ReplyCutOff
        entry.item = replace(entry.item, content=(self._part(text),))
        kind = server.OutputAudioTranscriptDelta if self._spoken else server.OutputTextDelta
        self._post(kind(self.id, entry.id, 0, delta, len(self._output) - 1))

    def _opened(self) -> Entry:
        """Return the message that is being written, after its first events."""
        if self._open is None:
            item = WireItem(new_id("item"), role="assistant", status="in_progress")
            self._open = entry = Entry(item)
            self._begin_item(entry)
            self._post(server.ContentPartAdded(self.id, entry.id, self._part(""), 0, len(self._output) - 1))
            entry.item = replace(item, content=(self._part(""),))
        return self._open

    def _begin_item(self, entry: Entry) -> None:
        self._items.add(entry)
        self._output.append(entry)
        self._post(server.OutputItemAdded(self.id, entry.item, len(self._output) - 1))
        self._post(server.ItemAdded(entry.item, self._items.before(entry)))

    def _end_item(self, status: str) -> None:
        entry, self._open = self._open, None
        if entry is None:
            return
        text, index = entry.item.text, len(self._output) - 1
        if self._spoken:
            self._post(server.AudioDone(self.id, entry.id, 0, index))
            self._post(server.OutputAudioTranscriptDone(self.id, entry.id, 0, text, index))
        else:
            self._post(server.OutputTextDone(self.id, entry.id, 0, text, index))
        self._post(server.ContentPartDone(self.id, entry.id, self._part(text), 0, index))
        self._close_item(entry, status)

    def _close_item(self, entry: Entry, status: str) -> None:
        entry.item = replace(entry.item, status=status)
        before = self._items.before(entry) if self._items.get(entry.id) else None
        self._post(server.ItemDone(entry.item, before))
        self._post(server.OutputItemDone(self.id, entry.item, len(self._output) - 1))

    def _call(self, call: Invocation) -> None:
        call_id = new_id("call")
        item = WireItem(new_id("item"), "function_call", status="in_progress", call_id=call_id, name=call.name)
        entry = Entry(item)
        self._begin_item(entry)
        index = len(self._output) - 1
        self._post(server.FunctionCallArgumentsDelta(self.id, item.id, call_id, call.arguments, index))
        self._post(server.FunctionCallArgumentsDone(self.id, item.id, call_id, call.name, call.arguments, index))
        entry.item = replace(item, arguments=call.arguments)
        self._close_item(entry, "completed")

    def _part(self, text: str) -> Part:
        return Part("output_audio", transcript=text) if self._spoken else Part("output_text", text)


def _shown_last(context: list[Entry]) -> tuple[Image, ...]:
    """Return the images after the last reply."""
    newest = takewhile(lambda entry: entry.item.role != "assistant", reversed(context))
    return tuple(entry.image for entry in newest if entry.image)[::-1]
