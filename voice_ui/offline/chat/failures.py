"""What an error of a chat server means. Pure: status and body in, the code and the words of a failed reply out.

The codes are in `errors.CODES`, and the page's words for them in `page/messages.py`.
"""

from __future__ import annotations

import json
import re

from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.parts import ReplyFailed

UNREACHABLE = "chat_unreachable"
NO_MODEL = "chat_model_missing"
KEY_REFUSED = "chat_key_refused"
OUT_OF_MEMORY = "chat_out_of_memory"
BUSY = "chat_busy"
FAILED = "chat_failed"
REFUSED = "chat_refused"
TOO_LONG = "context_length_exceeded"
"""The conversation is longer than the model's context; the name is OpenAI's."""
TIMEOUT = "chat_timeout"
MALFORMED = "chat_malformed"

_MEMORY = re.compile(r"(?i)out of memory|\boom\b|more system memory|insufficient memory|cannot allocate|bad_alloc")
_CONTEXT = re.compile(r"(?i)context[ _](size|length|window)|maximum context|too many tokens|prompt is too long")
_MODEL = re.compile(r"(?i)\bmodel\b")
_LOADING = re.compile(r"(?i)loading model|model is loading")


def of_status(status: int, body: str, endpoint: ChatEndpoint, model: str) -> ReplyFailed:
    """Return what an answer with an error status means."""
    said = _said(body)
    words = f"{endpoint.place} answered {status}" + (f": {said}" if said else "")
    if status in (401, 403):
        return ReplyFailed(KEY_REFUSED, words)
    if status == 404 and (_MODEL.search(said) or not said):
        return ReplyFailed(NO_MODEL, f"{words} (the model asked for is {model})" if model else words)
    if status == 404:
        return ReplyFailed(MALFORMED, words)
    if _MEMORY.search(said):
        return ReplyFailed(OUT_OF_MEMORY, words)
    if status in (429, 503) or _LOADING.search(said):
        return ReplyFailed(BUSY, words)
    if _CONTEXT.search(said) or _CONTEXT.search(body[:2000]):
        return ReplyFailed(TOO_LONG, words)
    return ReplyFailed(FAILED if status >= 500 else REFUSED, words)


def of_words(said: str, endpoint: ChatEndpoint) -> ReplyFailed:
    """Return what an error in the middle of an answer means."""
    return ReplyFailed(OUT_OF_MEMORY if _MEMORY.search(said) else FAILED, f"{endpoint.place}: {said}")


def _said(body: str) -> str:
    """Return the server's own words in a body: OpenAI's, Ollama's and FastAPI's forms, or plain text."""
    try:
        found = json.loads(body)
    except ValueError:
        found = "" if "<" in body else body
    while isinstance(found, dict):
        found = next((found[name] for name in ("error", "message", "detail") if found.get(name)), "")
    return re.sub(r"\s+", " ", found if isinstance(found, str) else json.dumps(found)).strip()[:200]
