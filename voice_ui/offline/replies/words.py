"""A question in the words that the rules of the replies look for: lower case, no punctuation, digits. Pure."""

from __future__ import annotations

import re

_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = {"thousand": 1_000, "million": 1_000_000}
_WORTH = {
    "zero": 0,
    **{word: number for number, word in enumerate(_ONES + _TEENS, 1)},
    **{word: number * 10 for number, word in enumerate(_TENS, 2)},
}

_ONE = f"(?:{'|'.join(_ONES)})"
_BELOW_100 = f"(?:(?:{'|'.join(_TENS)})(?:[ -]{_ONE})?|{'|'.join(_TEENS)}|{_ONE})"
_BELOW_1000 = f"(?:(?:{_BELOW_100}|a) hundred(?: (?:and )?{_BELOW_100})?|{_BELOW_100})"
_SCALED = f"(?:{_BELOW_1000}|a) (?:{'|'.join(_SCALES)})"
_WHOLE = f"(?:{_SCALED}(?: {_SCALED})?(?: (?:and )?{_BELOW_1000})?|{_BELOW_1000}|zero)"
_NUMBER = re.compile(rf"\b(?P<whole>{_WHOLE})(?P<decimals> point(?: (?:zero|{_ONE}))+)?\b")

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


def in_digits(text: str) -> str:
    """Return lower-case text in which every number that was spelled out is in digits."""
    return _NUMBER.sub(_digits, text)


def _digits(number: re.Match[str]) -> str:
    decimals = (number["decimals"] or "").split()[1:]
    point = "." if decimals else ""
    return f"{_worth(number['whole'])}{point}{''.join(str(_WORTH[word]) for word in decimals)}"


def _worth(words: str) -> int:
    total = part = 0
    for word in re.split(r"[ -]", words):
        if word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
        else:
            part += _WORTH.get(word, 0)  # nothing for "a" and "and"
    return total + part
