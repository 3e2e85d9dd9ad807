"""The words that a growing recording is certain to contain, so that they can be shown while it grows. Pure.

Each run of the model sees more of the recording than the one before, and may rewrite the last words. What two runs in
a row agree on is passed on, once, and never taken back.
"""

from __future__ import annotations

import re

_EDGE = re.compile(r"^\W+|\W+$")


class Agreement:
    """Turns the transcripts of a growing recording into text to append."""

    def __init__(self) -> None:
        self.text = ""
        """All that was passed on."""
        self._words: list[str] = []

    def process(self, transcript: str) -> str:
        """Take in the newest transcript, and return what to append to `text`."""
        before, self._words = self._words, transcript.split()
        agreed = 0
        for old, new in zip(before, self._words, strict=False):
            if _plain(old) != _plain(new):
                break
            agreed += 1
        return self._append(self._words[:agreed])

    def finish(self, transcript: str) -> str:
        """Take in the last transcript, and return what to append: nothing where it differs from what was passed on."""
        if not transcript.startswith(self.text):
            return ""
        rest, self.text = transcript[len(self.text) :], transcript
        return rest

    def _append(self, words: list[str]) -> str:
        passed_on = len(self.text.split())
        if len(words) <= passed_on:
            return ""
        # The comma or full stop after the last word is a guess as long as no word follows it.
        words = [*words[:-1], re.sub(r"\W+$", "", words[-1]) or words[-1]]
        known = " ".join(words)
        if known.startswith(self.text):
            addition = known[len(self.text) :]
        else:
            addition = " " + " ".join(words[passed_on:])
        self.text += addition
        return addition


def _plain(word: str) -> str:
    return _EDGE.sub("", word).lower()
