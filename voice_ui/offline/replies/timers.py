"""Timers and reminders: "set a timer for five minutes", "remind me in ten seconds to call Ann". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_SECONDS = 3600
"""As long as a session may last."""

_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_PART = r"(?:\d+(?:\.\d+)?|an?|half an?) (?:seconds?|minutes?|hours?)(?: and a half)?"
_LENGTH = rf"(?P<length>{_PART}(?: (?:and )?{_PART})*)"
_TIMER = re.compile(
    rf"\b(?:timer|alarm|wake me|ring)\b.*?\b{_LENGTH}|\b{_LENGTH.replace('length', 'before')} (?:timer|alarm)\b"
)
_REMINDER = re.compile(
    rf"\bremind me (?:in {_LENGTH}(?: (?:to|that|about) (?P<what>.+))?"
    rf"|(?:to|that|about) (?P<first>.+) in {_LENGTH.replace('length', 'last')})$"
)


@dataclass(frozen=True)
class Reminder:
    """Something to say later."""

    seconds: float
    confirmation: str
    text: str


def timer(question: str, heard: str = "") -> Reminder | str | None:
    """Return the timer that is asked for, why it cannot be set, or None if none is.

    `question` is `words.normalised`; `heard` is the same as it was said, with capitals.
    """
    if found := _REMINDER.search(question):
        length, what = found["length"] or found["last"], found["what"] or found["first"]
        text = f"Reminder: {_as_said(what, heard)}." if what else "You asked me to remind you now."
    elif found := _TIMER.search(question):
        length = found["length"] or found["before"]
        text = f"Time is up: {_said(_seconds(length))}."
    else:
        return None
    seconds = _seconds(length)
    if not 1 <= seconds <= LONGEST_SECONDS:
        return "I can set a timer for one second to one hour."
    kind = "Timer set for" if text.startswith("Time is up") else "I will remind you in"
    return Reminder(seconds, f"{kind} {_said(seconds)}. Stay connected until then.", text)


def _as_said(what: str, heard: str) -> str:
    """Return words of a question with the capitals they had."""
    at = heard.lower().find(what)
    return heard[at : at + len(what)] if at >= 0 else what


def _seconds(length: str) -> float:
    total = 0.0
    for amount, unit, half in re.findall(r"(\d+(?:\.\d+)?|half an?|an?) (second|minute|hour)s?( and a half)?", length):
        count = 0.5 if amount.startswith("half") else 1.0 if amount in {"a", "an"} else float(amount)
        total += (count + (0.5 if half else 0)) * _SECONDS[unit]
    return min(total, LONGEST_SECONDS + 1.0)


def _said(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    parts = [(hours, "hour"), (rest // 60, "minute"), (rest % 60, "second")]
    words = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " and ".join(words)
