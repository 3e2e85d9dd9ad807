"""The answers that need more than a text: time, date, counting, spelling, repeating. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from voice_ui.offline.replies.story import STORY
from voice_ui.offline.replies.texts import ALARM, CAN_HEAR, FINE, HELLO, HELP, LANGUAGES, NAME, OKAY

COUNTS_TO = 100

SPELLS = 40
"""Letters at most."""

PAUSE = "…"
"""The voice rests here."""


@dataclass(frozen=True)
class Asked:
    """A question, in the form that `words.normalised` gives it."""

    question: str
    earlier: Sequence[str]
    """Our replies so far, the oldest first."""
    now: datetime
    """Local time."""
    hint: str
    """Something to try."""


Answer = Callable[[re.Match[str], Asked], str]

_DAYS = {"day before yesterday": -2, "yesterday": -1, "today": 0, "day after tomorrow": 2, "tomorrow": 1}


def _time(found: re.Match[str], asked: Asked) -> str:
    return f"It is {asked.now:%I:%M %p}.".replace(" 0", " ")


def _date(found: re.Match[str], asked: Asked) -> str:
    word = next((word for word in _DAYS if word in asked.question), "today")
    day = asked.now + timedelta(days=_DAYS[word])
    name = word if " " not in word else f"the {word}"
    return f"{name[:1].upper()}{name[1:]} {'was' if day < asked.now else 'is'} {_day(day)}."


def _day(day: date) -> str:
    return f"{day:%A}, {day:%B} {day.day}, {day.year}"


def _month(found: re.Match[str], asked: Asked) -> str:
    return f"It is {asked.now:%B} {asked.now.year}."


def _year(found: re.Match[str], asked: Asked) -> str:
    return f"It is {asked.now.year}."


def _week(found: re.Match[str], asked: Asked) -> str:
    return f"It is week {asked.now.isocalendar().week} of {asked.now.isocalendar().year}."


def _until(found: re.Match[str], asked: Asked) -> str:
    name, month, day = ("Christmas", 12, 25) if "christmas" in found[0] else ("New Year", 1, 1)
    today = asked.now.date()
    coming = next(day_ for year in (today.year, today.year + 1) if (day_ := date(year, month, day)) >= today)
    left = (coming - today).days
    if found["when"]:
        return f"{name} is on {_day(coming)}."
    return f"{name} is today!" if not left else f"There {'is 1 day' if left == 1 else f'are {left} days'} until {name}."


def _again(found: re.Match[str], asked: Asked) -> str:
    return asked.earlier[-1] if asked.earlier else "I have not said anything yet."


def _slower(found: re.Match[str], asked: Asked) -> str:
    """The last answer in groups of three words."""
    if not asked.earlier:
        return "I have not said anything yet."
    words = asked.earlier[-1].replace(f" {PAUSE} ", " ").split()[:60]
    groups = [" ".join(words[at : at + 3]) for at in range(0, len(words), 3)]
    return f" {PAUSE} ".join(groups)


def _count(found: re.Match[str], asked: Asked) -> str:
    first, last = int(found["first"] or 1), int(found["last"])
    if not 0 <= first <= COUNTS_TO or not 0 <= last <= COUNTS_TO:
        return f"I count to {COUNTS_TO} at most."
    if "down" in asked.question.split() or "backwards" in asked.question:
        first, last = (max(first, last), min(first, last))
    step = 1 if last >= first else -1
    return ", ".join(str(number) for number in range(first, last + step, step)) + "."


def _spell(found: re.Match[str], asked: Asked) -> str:
    word = found["word"]
    if word in {"it", "that", "this", "the last word"}:
        said = asked.earlier[-1].partition(" is spelled ")[0] if asked.earlier else ""
        words = re.findall(r"[^\W\d_]+", said)
        word = words[-1] if words else ""
    letters = [letter for letter in word.upper() if letter.isalnum()]
    if not letters:
        return "Tell me the word, for example: “spell lighthouse”."
    if len(letters) > SPELLS:
        return "That is too long to spell."
    return f"{word[:1].upper()}{word[1:].lower()} is spelled {', '.join(letters)}."


def _says(text: str) -> Answer:
    return lambda found, asked: text.format(hint=asked.hint)


_FEAST = r"(?P<feast>christmas|new year)"
CANCELS = r"\b(cancel|stop|clear|delete|remove|turn off) (\w+ ){0,2}(timers?|reminders?|alarms?)\b"
_WHEN = r"\bwhen is (?P<when>christmas|new year)"

ANSWERS: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (re.compile(pattern), answer)
    for pattern, answer in (
        (r"\b(slower|more slowly|slow down|speak slowly)\b", _slower),
        (r"\brepeat\b|\bsay (that|it|this) again\b|\bwhat did you say\b|^(once more|again|pardon|sorry)$", _again),
        (r"\bspell (out )?(the word )?(?P<word>it|that|this|the last word|[^\W\d_]+)\b", _spell),
        (r"\b(what|one) time\b|\btime (is it|it is)\b|\b(what is|know|have|tell me|say) the time\b|^time$", _time),
        (r"\bhow late is it\b|\bwhat is the hour\b", _time),
        (rf"\bhow (many days|long)\b.*\b(until|till|to|before) {_FEAST}\b|{_WHEN}\b", _until),
        (r"\b(what|which) week\b", _week),
        (r"\b(what|which) year\b", _year),
        (r"\b(what|which) month\b", _month),
        (
            r"\bdate\b.*\btoday\b|\b(the|today's|today is) date\b|^date\b|\b(what|which|one) day\b|\bis the day\b",
            _date,
        ),
        (r"\bwhat (is )?(today|tomorrow)\b|\b(tomorrow|yesterday|today)'s date\b", _date),
        (CANCELS, _says("All timers are canceled.")),
        (r"\b(alarm|wake me)\b", _says(ALARM)),
        (r"\bcount\b.*?\b(?:from (?P<first>\d{1,9}) )?(?:down )?(?:to|until|up to|from) (?P<last>\d{1,9})$", _count),
        (r"\b(long|longer|alone|another) (story|reply|answer|text)\b|\btell me (a|the|your) story\b", _says(STORY)),
        (r"^(a )?(story|long)$", _says(STORY)),
        (r"\bcan you hear me\b", _says(CAN_HEAR)),
        (r"^(\w+ ){0,2}how are you( \w+){0,2}$", _says(FINE)),
        (
            r"\bwhat( is|'s) your name\b|\bare you (an? )?(robot|computer|machine|ai|human|person|chatgpt|alexa)\b",
            _says(NAME),
        ),
        (
            r"\bdo you (speak|understand|know) (german|french|spanish|italian|chinese|[a-z]+ish|[a-z]+ese)\b",
            _says(LANGUAGES),
        ),
        (r"^(okay|ok|all right|yes|yeah|yep|no|nope|stop|never mind|cancel|quiet)$", _says(OKAY)),
        (r"\bhelp\b|\bwhat can (you|i) (do|say|ask)\b|\b(who|what) are you\b|\bhow does this work\b", _says(HELP)),
        (r"^(\w+ ){0,3}(thank you|thanks)( \w+){0,3}$", _says("You are welcome.")),
        (r"^(\w+ ){0,3}(good ?bye|bye|see you|good night)( \w+){0,3}$", _says("Goodbye! Come back any time.")),
        (r"^(\w+ )?(hello|hi|hey|good (morning|afternoon|evening))( \w+){0,3}$", _says(HELLO)),
    )
)
"""In this order; the first that is found counts."""
