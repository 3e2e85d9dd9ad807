"""What a chat model sends: server-sent events with pieces of text and of calls. Pure: lines in, pieces out.

(https://platform.openai.com/docs/api-reference/chat-streaming)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from voice_ui.offline.parts import Invocation

THOUGHTS, THOUGHTS_END = "<think>", "</think>"
"""Reasoning models write between these what is not part of the reply; llama.cpp and others pass it on as text."""


class MalformedChunk(Exception):
    """What came is no answer in the format of the chat API."""


class ServerSaid(Exception):
    """The server reported an error in the middle of its answer, where it can no longer send a status."""


@dataclass
class _Call:
    name: str = ""
    arguments: str = ""


class ChatStream:
    """Follows one answer. `over` once the server has said that it is whole."""

    def __init__(self) -> None:
        self.over = False
        self.was_cut_off = False
        """It ended at the largest number of tokens."""
        self._calls: dict[int, _Call] = {}
        self._held = ""
        self._thinking = False
        self._starting = False

    def process(self, line: str) -> str:
        """Take in a line, and return the text in it; raises MalformedChunk, ServerSaid."""
        name, _, value = line.partition(":")
        if name == "error":  # vLLM and older llama.cpp: no event, but a line of its own
            raise ServerSaid(_message(_parsed(value)))
        if name != "data":
            return ""
        value = value.strip()
        if value == "[DONE]":
            self.over = True
            return ""
        return self._take(_parsed(value), "delta")

    def whole(self, body: str) -> str:
        """Take in an answer that is not streamed, and return its text; raises MalformedChunk, ServerSaid."""
        text = self._take(_parsed(body), "message")
        if not self.over:
            raise MalformedChunk("no choices")
        return text + self.finish()

    def finish(self) -> str:
        """Return the text that was held back."""
        held, self._held = self._held, ""
        return "" if self._thinking else held

    @property
    def calls(self) -> list[Invocation]:
        """The calls of tools, once the answer is over."""
        return [Invocation(call.name, call.arguments or "{}") for _, call in sorted(self._calls.items()) if call.name]

    def _take(self, event: dict[str, Any], part: str) -> str:
        if event.get("error"):
            raise ServerSaid(_message(event))
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            raise MalformedChunk("a choice that is no object")
        if choice.get("finish_reason"):
            self.over = True
            self.was_cut_off = choice["finish_reason"] == "length"
        said = choice.get(part)
        if not isinstance(said, dict):
            return ""
        for position, call in enumerate(said.get("tool_calls") or ()):
            self._add_call(position, call)
        content = said.get("content")
        return self._without_thoughts(content) if isinstance(content, str) else ""

    def _add_call(self, position: int, wire: Any) -> None:
        function = wire.get("function") if isinstance(wire, dict) else None
        if not isinstance(function, dict):
            raise MalformedChunk("a call without a function")
        index = wire.get("index")
        call = self._calls.setdefault(index if isinstance(index, int) else position, _Call())
        call.name += function.get("name") or ""
        arguments = function.get("arguments") or ""
        call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _without_thoughts(self, text: str) -> str:
        """Return the text outside of thoughts; what may be the beginning of a mark is held back."""
        text, self._held = self._held + text, ""
        shown = ""
        while text:
            mark = THOUGHTS_END if self._thinking else THOUGHTS
            before, found, after = text.partition(mark)
            if not found:
                kept = _beginning_of(mark, text)
                before, self._held = text[: len(text) - kept], text[len(text) - kept :]
            if not self._thinking:
                before = before.lstrip() if self._starting else before
                self._starting = self._starting and not before
                shown += before
            if found:
                self._thinking = not self._thinking
                self._starting = not self._thinking  # the empty lines after a thought are part of it
            text = after
        return shown


def _beginning_of(mark: str, text: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of `mark`."""
    return next((length for length in range(len(mark) - 1, 0, -1) if text.endswith(mark[:length])), 0)


def _parsed(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        raise MalformedChunk(f"not JSON: {_short(text)}") from None
    if not isinstance(event, dict):
        raise MalformedChunk(f"not an object: {_short(text)}")
    return event


def _message(event: dict[str, Any]) -> str:
    error = event.get("error", event)
    said = error.get("message", error) if isinstance(error, dict) else error
    return _short(said if isinstance(said, str) else json.dumps(said))


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:200]
