"""Sums, spoken or typed: "what is seven plus five", "12 * 7?". Pure.

The recogniser writes "for" where "four" was said: where a number belongs, such a word is taken for it.
"""

from __future__ import annotations

import re
from fractions import Fraction

from voice_ui.offline.replies.words import in_digits

MOST_DIGITS = 12
MOST_TOKENS = 40
"""A sum is for a person to look at, not to keep the server busy."""

TOO_LONG = "That is too long a sum for me."

_SIGNS = {
    "+": r"\+|\bplus\b|\bpulse\b",
    "-": r"[-−–]|\bminus\b|\btake away\b|\bless\b",
    "*": r"[*×·]|\btimes?\b|\bmultiplied by\b|(?<=\d)x(?=\d)|(?<=\d )x(?= \d)",
    "/": r"[/÷:]|\bdivided by\b|\bover\b",
}
_SPOKEN = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}

_MISHEARD = {
    "2": "to|too",
    "3": "free|tree",
    "4": "for|fore|far",
    "6": "sick|sicks",
    "8": "a day|ate|a",
    "9": "mine",
}
"""What PocketSphinx wrote for numbers that four of flite's voices had said, beside what sounds alike."""

_FILLER = re.compile(r"\b(?:and|the|uh) (?=[-+*/] )|(?<=[-+*/] )(?:and|the|uh) ")
"""What a recogniser makes of the breath between a number and an operator."""

_N = r"-?\d+(?:\.\d+)?"
_FRAMES = (
    (rf"\badd ({_N}) (?:and|to|with) ({_N})", r"\1 + \2"),
    (rf"\bsubtract ({_N}) from ({_N})", r"\2 - \1"),
    (rf"\bmultiply ({_N}) (?:and|by|with) ({_N})", r"\1 * \2"),
    (rf"\bdivide ({_N}) by ({_N})", r"\1 / \2"),
    (rf"\bsum of ({_N}) and ({_N})", r"\1 + \2"),
    (rf"\bdifference (?:of|between) ({_N}) and ({_N})", r"\1 - \2"),
    (rf"\bproduct of ({_N}) and ({_N})", r"\1 * \2"),
    (rf"\bhalf of ({_N})", r"\1 / 2"),
)

_PERCENT = re.compile(rf"({_N}) ?(?:%|per ?cent) of ({_N})$")
_ROOT = re.compile(r"\bsquare root of (\d+(?:\.\d+)?)$")

_SUM = r"(?P<sum>(?:- )?\d+(?:\.\d+)?(?: [-+*/] (?:- )?\d+(?:\.\d+)?)+)"
_ASKED = re.compile(
    rf"(?:^|\b(?:is|are|what's|whats|much|the|calculate|compute|solve) ){_SUM}(?: please| equals?| is)*$"
)
_SPELLED_OUT = re.compile(rf"\d (?:plus|minus|times|multiplied by|divided by|[+*×÷]) ?{_N}")


def solve(text: str) -> str | None:
    """Return the sum in a question and what it makes, as a sentence; None if there is no sum in it."""
    plain = in_digits(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.lower()))
    plain = " ".join(re.sub(r"[?!=,;\"“”]|\.(?!\d)", " ", plain).split())
    if found := _ROOT.search(plain):
        return _root(found[1])
    if found := _PERCENT.search(plain):
        return _share(found[1], found[2])
    asked = _ASKED.search(_written(plain)) or (_SPELLED_OUT.search(plain) and re.search(_SUM, _written(plain)))
    return _sentence(re.findall(r"[\d.]+|[-+*/]", asked["sum"])) if asked else None


def _root(number: str) -> str:
    if len(number) > MOST_DIGITS:
        return TOO_LONG
    root = Fraction(round(float(number) ** 0.5, 3)).limit_denominator(1000)
    about = "" if root**2 == Fraction(number) else "about "
    return f"The square root of {_shown(Fraction(number))} is {about}{_shown(root)}."


def _share(percent: str, whole: str) -> str:
    if len(percent) > MOST_DIGITS or len(whole) > MOST_DIGITS:
        return TOO_LONG
    value = Fraction(percent) * Fraction(whole) / 100
    about = "" if 1000 % value.denominator == 0 else "about "
    return f"{_shown(Fraction(percent))} percent of {_shown(Fraction(whole))} is {about}{_shown(value)}."


def _written(plain: str) -> str:
    """Return text with a sign for each operator, and spaces around it."""
    for frame, sum_ in _FRAMES:
        plain = re.sub(frame, sum_, plain)
    for sign, said in _SIGNS.items():
        plain = re.sub(said, f" {sign} ", plain)
    plain = _FILLER.sub("", " ".join(plain.split()))
    for number, misheard in _MISHEARD.items():
        plain = re.sub(
            rf"(?<=[-+*/] )(?:{misheard})(?=$| [-+*/])|(?:^|(?<=is ))(?:{misheard})(?= [-+*/])", number, plain
        )
    return plain


def _sentence(tokens: list[str]) -> str:
    if len(tokens) > MOST_TOKENS or any(len(token) > MOST_DIGITS for token in tokens):
        return TOO_LONG
    try:
        value = _value(tokens)
    except ZeroDivisionError:
        return "Nothing can be divided by zero."
    said = " ".join(_SPOKEN.get(token) or _shown(Fraction(token)) for token in tokens)
    about = "" if 1000 % value.denominator == 0 else "about "
    return f"{said[0].upper()}{said[1:]} is {about}{_shown(value)}."


def _shown(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,.3f}".rstrip("0")


def _value(tokens: list[str]) -> Fraction:
    """Return what a sum makes, products first."""
    rest = iter(tokens)

    def factor() -> Fraction:
        token = next(rest)
        return -factor() if token == "-" else Fraction(token)

    terms = [factor()]
    for sign in rest:
        match sign:
            case "+":
                terms.append(factor())
            case "-":
                terms.append(-factor())
            case "*":
                terms[-1] *= factor()
            case _:
                terms[-1] /= factor()
    return sum(terms, Fraction(0))
