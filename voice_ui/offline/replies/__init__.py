"""What the practice server answers: a handful of things it can do itself, else what it heard. Pure.

It is honest about what it is: not a language model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from voice_ui.offline.replies.arithmetic import solve
from voice_ui.offline.replies.numbers import in_digits
from voice_ui.offline.replies.story import STORY

HINT = "Try “what time is it”, “what is seven plus five” or “help”."

NOTHING_HEARD = (
    "I heard a voice, but no words I know. I am the practice server, not a language model: I understand short, clear "
    f"English only, best from close to the microphone. {HINT}"
)

HELP = """\
I am the practice server that comes with Voice UI, not a language model. Everything happens on this machine.

I can tell you the time and the date, do sums such as “twelve times seven”, count to ten, repeat my last answer, \
and tell a long story, so that you see a reply being written. Anything else I only read back to you.

To talk to a real model, put your OPENAI_API_KEY into .env.local and start me again."""

LONGEST_QUESTION = 500
"""Characters; what is longer is no question that could be answered here, and not worth searching."""

LONGEST_READ_BACK = 600

COUNTS_TO = 100

Answered = Callable[[re.Match[str], Sequence[str], datetime], str]
"""Makes an answer of what was found in a question, our earlier replies and the local time."""

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


def reply(heard: str, *, earlier: Sequence[str] = (), now: datetime) -> str:
    """Return the answer to what was said or typed, after these `earlier` replies of ours, at the local time `now`."""
    heard = " ".join(heard.split())
    if len(heard) > LONGEST_QUESTION:
        return _read_back(heard)
    question = in_digits(" ".join(re.sub(r"[^\w\s']", " ", heard.lower().replace("’", "'")).split()))
    if not question:
        return NOTHING_HEARD
    if answer := solve(heard):
        return answer
    for pattern, answered in _ANSWERS:
        if found := pattern.search(question):
            return answered(found, earlier, now)
    return _read_back(heard)


def pieces(text: str) -> list[str]:
    """Return a reply in the deltas it is streamed in, about a word each; joined they are the reply."""
    return re.findall(r"\s*\S{1,24}|\s+", text)


def _read_back(heard: str) -> str:
    shown = heard if len(heard) <= LONGEST_READ_BACK else f"{heard[:LONGEST_READ_BACK]}…"
    return f"I heard: “{shown}”. I am the practice server, not a language model, so that is all I can say to it. {HINT}"


def _time(found: re.Match[str], earlier: Sequence[str], now: datetime) -> str:
    return f"It is {now:%I:%M %p}.".replace(" 0", " ")


def _date(found: re.Match[str], earlier: Sequence[str], now: datetime) -> str:
    word = next((word for word in _DAYS if word in found.string.split()), "today")
    day = now + timedelta(days=_DAYS[word])
    return f"{word.capitalize()} {'was' if day < now else 'is'} {day:%A}, {day.day} {day:%B} {day.year}."


def _again(found: re.Match[str], earlier: Sequence[str], now: datetime) -> str:
    return earlier[-1] if earlier else "I have not said anything yet."


def _count(found: re.Match[str], earlier: Sequence[str], now: datetime) -> str:
    last = int(found["last"])
    if not 1 <= last <= COUNTS_TO:
        return f"I count from 1 to {COUNTS_TO} at most."
    numbers = [str(number) for number in range(1, last + 1)]
    return ", ".join(reversed(numbers) if "down" in found.string.split() else numbers) + "."


def _hello(found: re.Match[str], earlier: Sequence[str], now: datetime) -> str:
    return f"Hello! I am the practice server: I hear you, but I am not a language model. {HINT}"


def _says(text: str) -> Answered:
    return lambda found, earlier, now: text


_ANSWERS: tuple[tuple[re.Pattern[str], Answered], ...] = tuple(
    (re.compile(pattern), answered)
    for pattern, answered in (
        (r"\brepeat\b|\bsay (that|it|this) again\b|\bwhat did you say\b|^(once more|again|pardon)$", _again),
        (
            r"\b(what|one) time\b|\btime (is it|it is)\b|\b(what is|what's|know|have|tell me|say) the time\b|^time$",
            _time,
        ),
        (r"\bdate\b.*\btoday\b|\b(the|today's) date\b|^date\b|\b(what|which|one) day\b|\bis the day\b", _date),
        (r"\bwhat (is )?(today|tomorrow)\b|\bwhat year\b", _date),
        (r"\bcount\b.*\b(?P<last>\d{1,9})$", _count),
        (r"\b(long|alone|another) (story|reply|answer|text)\b|\btell me (a|the) story\b|^(story|long)$", _says(STORY)),
        (r"\bhelp\b|\bwhat can (you|i) (do|say|ask)\b|\b(who|what) are you\b|\bhow does this work\b", _says(HELP)),
        (r"^(\w+ ){0,3}(thank you|thanks)( \w+){0,3}$", _says("You are welcome.")),
        (r"^(\w+ ){0,3}(good ?bye|bye|see you|good night)( \w+){0,3}$", _says("Goodbye! Come back any time.")),
        (r"^(\w+ )?(hello|hi|hey|good (morning|afternoon|evening))( \w+){0,3}$", _hello),
    )
)
