"""What the practice server answers: a handful of things it can do itself, else what it heard. Pure.

It is honest about what it is: not a language model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from voice_ui.offline.replies.answers import ANSWERS, CANCELS, Asked
from voice_ui.offline.replies.arithmetic import solve
from voice_ui.offline.replies.texts import HINTS, NOTHING_HEARD, READ_BACK
from voice_ui.offline.replies.timers import Reminder, timer as _timer
from voice_ui.offline.replies.units import convert
from voice_ui.offline.replies.words import normalised

LONGEST_QUESTION = 500
"""Characters; what is longer is no question that could be answered here, and not worth searching."""

LONGEST_READ_BACK = 600


def reply(heard: str, *, earlier: Sequence[str] = (), now: datetime) -> str:
    """Return the answer to what was said or typed, after these `earlier` replies of ours, at the local time `now`."""
    heard = " ".join(heard.split())
    asked = Asked(normalised(heard[: LONGEST_QUESTION + 1]), earlier, now, HINTS[len(earlier) % len(HINTS)])
    if len(heard) > LONGEST_QUESTION:
        return _read_back(heard, asked)
    if not re.search(r"\w", asked.question):
        return NOTHING_HEARD.format(hint=asked.hint)
    if answer := _timer_answer(asked.question) or convert(asked.question) or solve(heard):
        return answer
    for pattern, answered in ANSWERS:
        if found := pattern.search(asked.question):
            return answered(found, asked)
    return _read_back(heard, asked)


def timer(heard: str) -> Reminder | None:
    """Return the timer that is asked for; None if none is, or none that can be set, which `reply` explains."""
    found = _timer(normalised(heard), heard) if len(heard) <= LONGEST_QUESTION else None
    return found if isinstance(found, Reminder) else None


def cancels_timers(heard: str) -> bool:
    """Whether timers that run are not wanted any more."""
    return len(heard) <= LONGEST_QUESTION and re.search(CANCELS, normalised(heard)) is not None


def pieces(text: str) -> list[str]:
    """Return a reply in the deltas it is streamed in, about a word each; joined they are the reply."""
    return re.findall(r"\s*\S{1,24}|\s+", text)


def _timer_answer(question: str) -> str | None:
    found = _timer(question)
    return found if isinstance(found, str) else found.confirmation if found else None


def _read_back(heard: str, asked: Asked) -> str:
    shown = heard if len(heard) <= LONGEST_READ_BACK else f"{heard[:LONGEST_READ_BACK]}…"
    shown = f"“{shown}”" if shown.endswith((".", "?", "!", "…")) else f"“{shown}”."
    return READ_BACK[len(asked.earlier) % len(READ_BACK)].format(heard=shown, hint=asked.hint)
