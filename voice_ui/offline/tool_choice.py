"""Which tools the practice server calls, and how it words what they return. Pure; no language model.

What was said is matched against the name, the description and the parameters of each tool of the session.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from voice_ui.offline.parts import Invocation, ReplyRequest
from voice_ui.offline.replies.words import in_digits
from voice_ui.offline.tool_arguments import fill, missing
from voice_ui.offline.tool_words import meaning, name_words, properties_of, said, subject, words
from voice_ui.protocol import WireItem

MOST_CALLS = 4
"""In one reply."""

LONGEST_QUESTION = 500
"""Characters; what is longer is not worth searching."""

LONGEST_RESULT = 600
"""Characters of a result that are repeated."""

_NAME_WORD, _OTHER_WORD, _ENOUGH = 3, 1, 3
"""What a word counts that the question shares with a name, or with a description; and what makes a match."""


@dataclass(frozen=True)
class Choice:
    """What is to be done instead of a canned reply."""

    calls: tuple[Invocation, ...] = ()
    text: str = ""


def choose(request: ReplyRequest) -> Choice | None:
    """Return calls, a question for what is missing, or words for what was returned; None if no tool is meant."""
    if outputs := _outputs(request.items):
        return Choice(text=" ".join(_worded(call, output) for call, output in outputs))
    functions = [tool for tool in request.tools if tool.get("type") == "function" and isinstance(tool.get("name"), str)]
    if not functions or request.tool_choice == "none" or len(request.heard) > LONGEST_QUESTION:
        return None
    forced = request.tool_choice if isinstance(request.tool_choice, dict) else {}
    functions = [tool for tool in functions if tool["name"] == forced.get("name")] or functions
    is_forced = bool(forced) or request.tool_choice == "required"
    heard = _digits(request.heard)
    return _answer_to_question(functions, request) or _choice(functions, request, heard, is_forced=is_forced)


def _choice(tools: list[dict[str, Any]], request: ReplyRequest, heard: str, *, is_forced: bool) -> Choice | None:
    calls: list[Invocation] = []
    for clause in _clauses(tools, heard, request.now.date()):
        tool = best(tools, clause, request.now.date(), is_forced=is_forced)
        if tool is None:
            continue
        arguments = fill(tool, clause, request.now.date())
        if lacking := missing(tool, arguments):
            return Choice(text=question(tool, lacking[0]))
        calls.append(Invocation(tool["name"], json.dumps(arguments, ensure_ascii=False)))
    calls = list(dict.fromkeys(calls))[:MOST_CALLS]
    return Choice(tuple(calls)) if calls else None


def best(tools: list[dict[str, Any]], heard: str, today: date, *, is_forced: bool = False) -> dict[str, Any] | None:
    """Return the tool that is meant; None if there is none, or if it cannot be told which of two."""
    asked = meaning(words(heard))
    scores = [_score(tool, asked) for tool in tools]
    highest = max(scores, default=0)
    if highest < _ENOUGH and not is_forced:
        return None
    nearest = [tool for tool, score in zip(tools, scores, strict=True) if score == highest]
    if len(nearest) > 1:  # the one for which more was said
        fits = [_fit(tool, heard, today) for tool in nearest]
        nearest = [tool for tool, fit in zip(nearest, fits, strict=True) if fit == max(fits)]
    return nearest[0] if len(nearest) == 1 or is_forced else None


def _fit(tool: dict[str, Any], heard: str, today: date) -> int:
    arguments = fill(tool, heard, today)
    return len(arguments) - 10 * len(missing(tool, arguments))


def question(tool: dict[str, Any], parameter: str) -> str:
    """Return how a missing argument is asked for."""
    return f"For “{subject(tool['name'])}” I need one more thing: which {said(parameter)}?"


def _answer_to_question(tools: list[dict[str, Any]], request: ReplyRequest) -> Choice | None:
    """If our last reply asked for an argument, what was said now is that, and the rest was said before."""
    if not request.earlier:
        return None
    users = [item.text for item in request.items if item.role == "user"]
    for tool in tools:
        for name in properties_of(tool):
            if request.earlier[-1].strip() == question(tool, name) and len(users) > 1:
                whole = f"{users[-2].rstrip(' .?!')} {said(name)} {users[-1]}"
                return _choice([tool], request, _digits(whole), is_forced=True)
    return None


def _score(tool: dict[str, Any], asked: set[str]) -> int:
    name = meaning(name_words(tool["name"]))
    description = meaning(words(str(tool.get("description", ""))))
    parameters = meaning(words(" ".join(said(name) for name in properties_of(tool))))
    others = (description | parameters) - name
    return _NAME_WORD * len(asked & name) + _OTHER_WORD * len(asked & others)


def _clauses(tools: list[dict[str, Any]], heard: str, today: date) -> list[str]:
    """Return the parts of a question of which each means a tool by itself, else the whole of it."""
    parts = [part for part in re.split(r"[.?!;]+\s|,?\s+(?:and|then|and then)\s+", heard) if part.strip()]
    if len(parts) > 1 and all(best(tools, part, today) for part in parts):
        return parts
    return [heard]


def _digits(heard: str) -> str:
    """Return the text with numbers in digits, and the case of all other words as it was."""
    lower = in_digits(heard.lower())
    known = {word.lower(): word for word in re.findall(r"[^\W\d_]+", heard)}
    return re.sub(r"[^\W\d_]+", lambda word: known.get(word[0], word[0]), lower)


def _outputs(items: tuple[WireItem, ...]) -> list[tuple[str, str]]:
    """Return name and output of the calls that came back after the last thing that was said."""
    names = {item.call_id: item.name for item in items if item.type == "function_call"}
    found: list[tuple[str, str]] = []
    for item in reversed(items):
        if item.type == "function_call_output":
            found.insert(0, (names.get(item.call_id, ""), item.output))
        elif item.type != "function_call":
            break
    return found


def _worded(name: str, output: str) -> str:
    """Return what a tool returned, as a sentence."""
    about = subject(name).capitalize() if name else "The tool"
    text = output.strip()
    if text.startswith("Error:"):
        return f"{about}: that did not work. {text.removeprefix('Error:').strip()}"
    for sign, word in (("Refused:", "not approved"), ("Cancelled:", "cancelled")):
        if text.startswith(sign):
            return f"{about}: {word}."
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    worded = _in_words(value)
    if len(worded) > LONGEST_RESULT:
        worded = f"{worded[:LONGEST_RESULT]}…"
    return f"{about}: {worded}" if worded.endswith((".", "!", "?", "…")) else f"{about}: {worded}."


def _in_words(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{said(str(key))} {_in_words(each)}" for key, each in value.items()) or "nothing"
        case list():
            return ", ".join(_in_words(each) for each in value) or "nothing"
        case bool():
            return "yes" if value else "no"
        case None:
            return "nothing"
    return str(value)
