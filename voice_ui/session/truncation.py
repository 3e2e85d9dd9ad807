"""Silences spoken replies; the server and the conversation learn how much of them was heard."""

from __future__ import annotations

from collections.abc import Callable

from voice_ui.session.context import Context
from voice_ui.session.events import PlaybackCut
from voice_ui.session.playback import Playback
from voice_ui.session.timer import Timer

PLAYED_SECONDS = 1.0
"""Time for the browser to report how much of an interrupted reply was played."""


class Truncation:
    """Cuts short what is played."""

    def __init__(self, context: Context, playback: Playback, on_change: Callable[[], object]) -> None:
        """`on_change` is called when nothing more of a reply is to be expected."""
        self._context, self._playback, self._on_change = context, playback, on_change
        self._timer = Timer()

    def silence(self, *, by_speech: bool = False) -> None:
        """Have nothing more played of what was received; the reply counts as heard as far as it came."""
        if self._playback.is_playing:
            self._playback.silence()
            self._say_cut(by_speech=by_speech)

    def _say_cut(self, *, by_speech: bool) -> None:
        self._context.reports.say(PlaybackCut(by_speech))
        self._timer.set(PLAYED_SECONDS, self.truncate)

    def silence_left_over(self) -> None:
        """A reply begins: what is left of one that a lost connection had begun is not to be heard before it."""
        if left_over := self._playback.take_left_over():
            self._playback.silence(left_over)
            self._say_cut(by_speech=False)

    def drop(self) -> None:
        """Count as cut short what was received and not passed on."""
        if self._playback.is_playing:
            was_cutting = self._playback.is_cutting
            self._playback.silence()
            if not was_cutting:
                self.truncate()

    def truncate(self, item_id: str = "") -> None:
        """It is known what was heard, or will not be known; `item_id` as in `Playback.cut`."""
        for cut in self._playback.cut(item_id):
            if link := self._context.link:
                link.truncate(cut.item_id, cut.heard_ms)
            self._context.reports.say(*self._context.conversation.cut_short(cut.item_id, cut.heard_characters))
        if not self._playback.is_cutting:
            self._timer.stop()
        self._on_change()

    def stop(self) -> None:
        """Wait for nothing."""
        self._timer.stop()
