"""A scripted server that calls tools, and what a client sends back."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.wire import Wire


def function_call(name: str, arguments: Any = None, *, call_id: str = "call_1", item: str = "item_f") -> dict[str, Any]:
    """Return the item of a call."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {
        "id": item,
        "type": "function_call",
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "arguments": text,
    }


async def begin_calls(wire: Wire, *items: dict[str, Any], response: str = "resp_f") -> None:
    """Begin a response that calls something."""
    await wire.say("response.created", response={"id": response, "status": "in_progress"})
    for index, item in enumerate(items):
        begun = {**item, "status": "in_progress", "arguments": ""}
        await wire.say("response.output_item.added", response_id=response, output_index=index, item=begun)
        await wire.say("conversation.item.added", previous_item_id=None, item=begun)
        if item["type"] == "function_call":
            await wire.say(
                "response.function_call_arguments.done",
                response_id=response,
                item_id=item["id"],
                output_index=index,
                call_id=item["call_id"],
                name=item["name"],
                arguments=item["arguments"],
            )
        await wire.say("conversation.item.done", previous_item_id=None, item=item)
        await wire.say("response.output_item.done", response_id=response, output_index=index, item=item)


async def call(wire: Wire, *items: dict[str, Any], response: str = "resp_f") -> None:
    """Call tools with one response."""
    await begin_calls(wire, *items, response=response)
    await wire.end_reply(response, output=list(items))


async def outputs(wire: Wire, count: int = 1) -> list[str]:
    """Wait for the outputs of this many calls, and the wish for a reply; return the outputs."""
    before = len(outputs_of(wire))
    await until_asked(wire)
    found = outputs_of(wire)[before:]
    assert len(found) == count, found
    return found


async def until_asked(wire: Wire) -> None:
    """Wait for the next wish for a reply, for as long as it takes."""
    while (await wire.next_event())["type"] != "response.create":
        pass


def outputs_of(wire: Wire) -> list[str]:
    """Return all outputs that were received."""
    items = [event["item"] for event in wire.of_type("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


def calls_of(wire: Wire) -> list[tuple[str, str]]:
    """Return id and output of all calls that were received, None while there is none."""
    items = [event["item"] for event in wire.of_type("conversation.item.create")]
    known = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
    return [(item["call_id"], known.get(item["call_id"])) for item in items if item["type"] == "function_call"]
