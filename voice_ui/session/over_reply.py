"""What follows from speech over a reply: the reply is cut short or goes on; what was said is answered or forgotten."""

from __future__ import annotations

import logging

from voice_ui.protocol import ServerEvent, server
from voice_ui.session.barge_in import BargeIn, Verdict
from voice_ui.session.context import Context
from voice_ui.session.dialogue import Dialogue
from voice_ui.session.events import BargeInPending
from voice_ui.session.link import Link
from voice_ui.session.playback import Playback
from voice_ui.session.timer import Timer
from voice_ui.session.truncation import Truncation

TRANSCRIPT_SECONDS = 3.0
"""From the end of an utterance, or of listening, to its transcript; without one, it counts as words."""

_log = logging.getLogger("voice_ui.session")


class OverReply:
    """Speech over the replies of one press of Start."""

    def __init__(
        self,
        context: Context,
        barge_in: BargeIn,
        dialogue: Dialogue,
        playback: Playback,
        truncation: Truncation,
    ) -> None:
        self._context, self._barge_in, self._dialogue = context, barge_in, dialogue
        self._playback, self._truncation = playback, truncation
        self._patience = Timer()
        self._is_pending = False

    def begin(self, event: server.SpeechStarted, link: Link) -> None:
        """The server hears speech."""
        if link.turns.by_hand:
            return
        if link.config.interrupts_at_once:
            self._truncation.silence(by_speech=True)
            return
        if not self._barge_in.items:
            if not (link.exchange.is_replying or self._playback.is_playing):
                return
            link.exchange.spoken_over = []
        self._barge_in.begin(event.item_id, link.config)
        self._show(not self._barge_in.waits_for_end)

    def end_listening(self) -> None:
        """The microphone is closed: what is not decided soon never will be."""
        if self._barge_in.items:
            self._patience.set(TRANSCRIPT_SECONDS, self._wait_no_longer)

    def listen(self, duration_ms: float, peak: int) -> None:
        """Take in how loud a chunk of the microphone is."""
        self._barge_in.listen(duration_ms, peak)
        if self._barge_in.items:
            self.judge(None)
            if self._barge_in.is_quiet:
                self._show(False)

    def judge(self, event: ServerEvent | None) -> None:
        """Decide what can be decided, after this event; None: time has passed, or something was played."""
        if (link := self._context.link) is None or not self._barge_in.items:
            return
        if isinstance(event, server.SpeechStopped | server.Committed):
            self._barge_in.rename(event)
            self._patience.set(TRANSCRIPT_SECONDS, self._wait_no_longer)
        verdicts = self._barge_in.judge(event, is_replying=link.exchange.is_replying or self._playback.is_playing)
        for item_id, verdict in verdicts.items():
            if verdict is Verdict.NOTHING:
                link.exchange.ignore(item_id)
                self._barge_in.forget(item_id)
                self._dialogue.forget(everything=not self._barge_in.items)
        if Verdict.WORDS in verdicts.values():
            _log.info("a reply is cut short by speech")
            self._truncation.silence(by_speech=True)
            link.exchange.cut_short()
            self.release()
        elif verdicts and not self._barge_in.items:
            self._close()

    def release(self) -> None:
        """What was said is part of the conversation, whatever becomes of the reply."""
        if self._barge_in.items and (link := self._context.link):
            self._barge_in.close()
            self._close()
            self._context.reports.say(*self._dialogue.release(link))

    def lose(self) -> None:
        """The connection is lost: what was not decided will be said again."""
        self._barge_in.ignored.clear()  # the next one may count from the beginning
        if self._barge_in.items:
            self._barge_in.close()
            self._close()
            self._dialogue.forget(everything=True)

    def _close(self) -> None:
        self._patience.stop()
        if self._context.link:
            self._context.link.exchange.spoken_over = None
        self._show(False)

    def _wait_no_longer(self) -> None:
        self._barge_in.wait_no_longer()
        self.judge(None)

    def _show(self, pending: bool) -> None:
        if pending != self._is_pending:
            self._is_pending = pending
            self._context.reports.say(BargeInPending(pending))
