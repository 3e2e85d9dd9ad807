"""Transcribes the utterances of one session and reports the words to the client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from voice_ui.offline import usage
from voice_ui.offline.items import Entry, Items
from voice_ui.offline.parts import RecognizerUnavailable, SpeechRecognizer, SpeechUtterance
from voice_ui.protocol import server
from voice_ui.protocol.reading import Event

MAX_UTTERANCES = 16
"""How many utterances of one client may wait for the recogniser."""

FINISH_SECONDS = 30.0
"""The longest wait for words after the end of an utterance, those of others included."""

log = logging.getLogger(__name__)


class Hearing:
    """The utterances of one session."""

    def __init__(self, recognizer: SpeechRecognizer, items: Items, post: Callable[[Event], None]) -> None:
        self.transcription: dict[str, Any] | None = None
        """How the client wants transcripts; None for none."""
        self._recognizer, self._items, self._post = recognizer, items, post
        self._partial: set[str] = set()  # ids of the items of which words were sent before they were whole
        self._finishing: dict[asyncio.Task[None], SpeechUtterance] = {}

    def listen(self, item_id: str) -> SpeechUtterance:
        """Begin the utterance of an item."""
        return self._recognizer.listen(lambda words: self._hear_part(item_id, words))

    def finish(self, entry: Entry, utterance: SpeechUtterance, transcription: dict[str, Any] | None) -> None:
        """Transcribe an item; `transcription` is as above."""
        entry.waiting = asyncio.Event()
        if len(self._finishing) >= MAX_UTTERANCES:
            utterance.cancel()
            self._give_up(entry, "too many utterances wait to be recognised", transcription)
            return
        task = asyncio.create_task(self._finish(entry, utterance, transcription), name="offline: recognise")
        self._finishing[task] = utterance
        task.add_done_callback(lambda done: self._finishing.pop(done, None))

    async def aclose(self) -> None:
        """Drop pending transcriptions."""
        finishing = dict(self._finishing)
        for task, utterance in finishing.items():
            utterance.cancel()
            task.cancel()
        await asyncio.gather(*finishing, return_exceptions=True)

    def _hear_part(self, item_id: str, words: str) -> None:
        """Some words of an utterance are known while it is still being spoken."""
        if words and self.transcription is not None:
            self._partial.add(item_id)
            self._post(server.TranscriptionDelta(item_id, words))

    async def _finish(self, entry: Entry, utterance: SpeechUtterance, transcription: dict[str, Any] | None) -> None:
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                transcript = await utterance.finish()
        except RecognizerUnavailable as error:
            self._give_up(entry, f"{error}", transcription)
        except TimeoutError:
            utterance.cancel()
            self._give_up(entry, "the speech recogniser took too long", transcription)
        except Exception:
            log.exception("the speech recogniser failed")
            self._give_up(entry, "the speech recogniser failed", transcription)
        else:
            entry.set_transcript(transcript)
            if transcription is not None and self._items.get(entry.id) is entry:
                if transcript and entry.id not in self._partial:
                    self._post(server.TranscriptionDelta(entry.id, transcript))
                spent = usage.of_transcription(transcription.get("model"), entry.audio_ms, transcript)
                self._post(server.TranscriptionCompleted(entry.id, transcript, spent))
            self._known(entry)

    def _give_up(self, entry: Entry, reason: str, transcription: dict[str, Any] | None) -> None:
        entry.failure = reason
        if transcription is not None and self._items.get(entry.id) is entry:
            self._post(server.TranscriptionFailed(entry.id, None, reason))
        self._known(entry)

    def _known(self, entry: Entry) -> None:
        self._partial.discard(entry.id)
        if entry.waiting:
            entry.waiting.set()
