"""A question as the rules of the replies want it: lower case, no punctuation, numbers in digits. Pure."""

from __future__ import annotations

import re

from voice_ui.offline.replies.numbers import in_digits

_CONTRACTIONS = {
    r"\b(what|who|how|where|when|that|it|time)'?s\b(?! (?:name|day)\b)": r"\1 is",
    r"\bi'm\b": "i am",
    r"\byou're\b": "you are",
    r"\bi'd\b": "i would",
    r"\bcan't\b": "cannot",
    r"\bplease\b": "",
}


def normalised(text: str) -> str:
    """Return the words of a question. "What's 123 minus 17?" and "what is 123 minus 17" are the same."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(\d)\.(?!\d)", r"\1 ", text)
    text = re.sub(r"[^\w\s'.-]|\.(?!\d)|(?<!\w)-(?!\d)|(?<=[a-z])-(?=[a-z])|-(?!\w)", " ", text)
    for pattern, plain in _CONTRACTIONS.items():
        text = re.sub(pattern, plain, text)
    text = re.sub(r"(?<=\d)-(?=(?:second|minute|hour)s?\b)", " ", text)
    return in_digits(" ".join(text.split()))
