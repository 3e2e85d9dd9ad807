"""What a chat model is given: a conversation of the realtime protocol in the words of OpenAI's chat API. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from voice_ui.offline.parts import ReplyRequest
from voice_ui.protocol import WireItem

ALOUD = "Your reply is read aloud: answer in plain sentences, without lists, tables, markup or emoji."

UNSEEN = "(The user showed an image. You cannot see it: say so.)"
"""Chat models are given text only: most of those that run on such a machine take nothing else."""

Message = dict[str, Any]


def body(request: ReplyRequest, model: str) -> dict[str, Any]:
    """Return the JSON of a request to /chat/completions."""
    sent: dict[str, Any] = {"model": model, "stream": True, "messages": [*_system(request), *messages(request.items)]}
    if request.max_output_tokens is not None:
        sent["max_tokens"] = request.max_output_tokens
    if request.tools:
        sent["tools"] = [_tool(tool) for tool in request.tools]
        sent["tool_choice"] = _choice(request.tool_choice)
    return sent


def shorter(request: ReplyRequest) -> ReplyRequest | None:
    """Return the request without the older half of the conversation; None if only the question is left."""
    kept = request.items[(len(request.items) + 1) // 2 :]
    while kept and kept[0].type == "function_call_output":  # the call it belongs to is gone
        kept = kept[1:]
    return replace(request, items=kept) if kept else None


def messages(items: Iterable[WireItem]) -> list[Message]:
    """Return the messages of a conversation. Several calls of tools in a row are one message of the assistant's."""
    found: list[Message] = []
    for item in items:
        match item.type:
            case "message" if item.text.strip() or _shows(item):
                text = f"{item.text}\n\n{UNSEEN}".strip() if _shows(item) else item.text
                found.append({"role": item.role or "user", "content": text})
            case "function_call":
                call = {"name": item.name, "arguments": item.arguments or "{}"}
                calling = found[-1] if found and found[-1]["role"] == "assistant" else None
                if calling is None:
                    calling = {"role": "assistant", "content": ""}
                    found.append(calling)
                calling.setdefault("tool_calls", []).append({"id": item.call_id, "type": "function", "function": call})
            case "function_call_output":
                found.append({"role": "tool", "tool_call_id": item.call_id, "content": item.output})
    return found


def _shows(item: WireItem) -> bool:
    return any(part.type == "input_image" for part in item.content)


def _system(request: ReplyRequest) -> list[Message]:
    lines = [request.instructions]
    if request.spoken:
        lines.append(ALOUD)
    if request.language:
        lines.append(f"The user speaks the language with the ISO 639-1 code {request.language}; answer in it.")
    text = "\n\n".join(line for line in lines if line.strip())
    return [{"role": "system", "content": text}] if text else []


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a function as the chat API wants it: the realtime protocol has its fields one level higher."""
    function = {name: tool[name] for name in ("name", "description", "parameters") if name in tool}
    return {"type": "function", "function": function}


def _choice(choice: str | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": choice.get("name", "")}}
