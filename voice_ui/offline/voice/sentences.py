"""A reply in sentences while it is being written, and what of a sentence is read aloud. Pure."""

from __future__ import annotations

import re

LONGEST = 200
"""Characters after which a sentence is cut at the next comma or space: its audio must not take long to make."""

_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*\s+|\n+")
_CLAUSE = re.compile(r"[,;:–—]\s+")

_NOT_AN_END = re.compile(
    r"(?:^|[\s(\"“])(?:[A-Z]|(?i:mr|mrs|ms|dr|prof|st|vs|no|fig|approx|e\.g|i\.e|etc|jr|sr))\.\s+$|^\s*\d+\.\s+$"
)
"""A title, an initial, or the number of an item in a list."""

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"https?://(?:www\.)?([^\s/)]+)\S*")
_FENCE = re.compile(r"```[^`]*(?:```|$)")
_MARKUP = re.compile(r"(?m)^\s*(?:#{1,6}|[-*+>]|[|])\s+|\*+|`+|~~|(?<!\w)_+|_+(?!\w)")


class Sentences:
    """Cuts text that arrives in pieces; the sentences joined are the pieces joined."""

    def __init__(self) -> None:
        self._text = ""

    def process(self, piece: str) -> list[str]:
        """Take in the next piece, and return the sentences that are whole now."""
        self._text += piece
        found = []
        while cut := self._cut():
            found.append(self._text[:cut])
            self._text = self._text[cut:]
        return found

    def finish(self) -> list[str]:
        """Return what is left."""
        text, self._text = self._text, ""
        return [text] if text else []

    def _cut(self) -> int:
        """Return where the first sentence ends, 0 if it is not whole yet."""
        for end in _END.finditer(self._text):
            if end.end() > LONGEST:
                break
            if self._text[: end.end()].strip() and not _NOT_AN_END.search(self._text[: end.end()]):
                return end.end()
        if len(self._text) <= LONGEST:
            return 0
        clauses = [clause.end() for clause in _CLAUSE.finditer(self._text, LONGEST // 4, LONGEST)]
        space = self._text.rfind(" ", LONGEST // 4, LONGEST) + 1
        return clauses[-1] if clauses else space or LONGEST


def spread(text: str, count: int) -> list[str]:
    """Return `text` in `count` pieces that begin with whole words; joined they are the text."""
    words = re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", text) or [text]
    pieces = [""] * count
    for index, word in enumerate(words):
        pieces[index * count // len(words)] += word
    return pieces


def spoken(sentence: str) -> str:
    """Return the words to read aloud: no markup, no code, of a link its text; "" if there is nothing to say."""
    text = _FENCE.sub(" ", sentence)
    text = _ADDRESS.sub(r"\1", _LINK.sub(r"\1", text))
    text = " ".join(_MARKUP.sub(" ", text).split())
    text = re.sub(r"\s+([.,!?;:])", r"\1", text)
    return text if re.search(r"[^\W_]", text) else ""
