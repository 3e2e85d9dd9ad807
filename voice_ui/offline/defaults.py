"""The default parts of a practice server. Libraries are loaded on first use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.configuration import TurnDetection
from voice_ui.offline.parts import (
    Brain,
    Detector,
    DetectorUnavailable,
    Later,
    NothingLater,
    Parts,
    Piece,
    ReplyRequest,
    SpeechRecognizer,
    Voice,
)
from voice_ui.offline.vad import VoiceActivity


class CannedReplies:
    """The built-in replies of `replies`; no model."""

    delta_seconds = 0.03  # a pace that can be read along

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Yield tool calls if the question calls for one, otherwise the reply, about a word at a time."""
        from voice_ui.offline import looking, replies
        from voice_ui.offline.tool_choice import choose

        after: list[Piece] = []
        if choice := choose(request):
            text, after = choice.text, [*choice.calls]
        elif request.images:
            text = await asyncio.to_thread(looking.described, request.images)
        else:
            text = replies.reply(request.heard, earlier=request.earlier, now=request.now)
            if timer := replies.timer(request.heard):
                after = [Later(timer.seconds, timer.text)]
            elif replies.cancels_timers(request.heard):
                after = [NothingLater()]
        for piece in [*replies.pieces(text), *after]:
            yield piece

    async def close(self) -> None:
        """Nothing to close."""


def silero(detection: TurnDetection) -> Detector:
    """Return a new voice detector; raises DetectorUnavailable."""
    try:
        return VoiceActivity(
            threshold=detection.threshold,
            prefix_padding_ms=detection.prefix_padding_ms,
            silence_duration_ms=detection.silence_duration_ms,
        )
    except ImportError as error:  # of a package that has no wheel for Macs with Intel processors
        raise DetectorUnavailable(f"the voice detector cannot be loaded: {error}") from error


def default_recognizer() -> SpeechRecognizer:
    """Return the recogniser this machine has."""
    from voice_ui.offline.recognizer import Recognizer

    return Recognizer()


def default_brain(chat: ChatEndpoint | None = None) -> Brain:
    """Return the chat model if one is configured, otherwise the built-in replies."""
    if chat is None:
        return CannedReplies()
    from voice_ui.offline.chat import ChatModel

    return ChatModel(chat)


def default_voice() -> Voice | None:
    """Return the voice this machine has; None for written replies only."""
    from voice_ui.offline import voice

    return voice.Hibari() if voice.is_installed() else None


def parts(recognizer: SpeechRecognizer | None = None, brain: Brain | None = None, voice: Voice | None = None) -> Parts:
    """Return the given parts, with defaults for those that are None."""
    return Parts(recognizer or default_recognizer(), brain or default_brain(), voice or default_voice(), silero)
