"""Runs one tool call with a time limit, and turns its result into text for the model. A tool's exceptions stay here."""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from threading import Thread
from typing import Any

from voice_ui.protocol import well_formed
from voice_ui.redaction import redact
from voice_ui.tools import Tool, ToolContext, ToolFailed

LONGEST_RESULT = 20_000
"""Characters, about 5,000 tokens of the 32,768 that gpt-realtime holds (protocol facts, section 3)."""

LONGEST_MESSAGE = 500
"""Characters of the message of an exception."""

GRACE_SECONDS = 1.0
"""For a function that is interrupted, to clean up."""

MOST_THREADS = 64
"""Maximum number of threads running tools, including abandoned ones."""

NOTHING_RETURNED = "Done."

_log = logging.getLogger("voice_ui.session")

_threads = 0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call."""

    status: str
    """done or failed"""
    result: str
    """For the model."""


async def run(tool: Tool, arguments: dict[str, Any], context: ToolContext) -> Outcome:
    """Run a tool: on the event loop where it is async, else in a thread. Cancelling this cancels it."""
    if not tool.is_async and _threads >= MOST_THREADS:
        return failed(f"{tool.name} cannot run: too many calls have not come to an end")
    work = asyncio.create_task(_work(tool, arguments, context), name=f"realtime tool {tool.name}")
    try:
        done, _ = await asyncio.wait({work}, timeout=tool.timeout)
    except asyncio.CancelledError:
        await _abandon(work, context)
        raise
    if done:
        return work.result()
    await _abandon(work, context)
    return failed(f"{tool.name} did not finish within {tool.timeout:g} seconds")


def failed(words: str) -> Outcome:
    """Return the outcome of a call that went wrong."""
    return Outcome("failed", f"Error: {words}.")


async def _abandon(work: asyncio.Task[Outcome], context: ToolContext) -> None:
    context.is_cancelled = True
    work.cancel()
    await asyncio.wait({work}, timeout=GRACE_SECONDS)


async def _work(tool: Tool, arguments: dict[str, Any], context: ToolContext) -> Outcome:
    try:
        if tool.is_async:
            return Outcome("done", text_of(await tool.call(arguments, context)))
        value = await _in_thread(tool.name, lambda: _written(tool.call(arguments, context)))
        return Outcome("done", text_of(await value) if inspect.isawaitable(value) else value)
    except asyncio.CancelledError:
        if context.is_cancelled:
            raise
        return failed(f"{tool.name} was cancelled")
    except ToolFailed as error:
        return failed(_one_line(error).rstrip(".") or f"{tool.name} failed")
    except NotText as error:
        return failed(f"{tool.name} returned a value of type {error}, which cannot be written as JSON")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, and the panic of an extension: they cost this call only
        _log.warning("tool %s failed: %s", tool.name, _place(error))  # without its message: it may hold arguments
        said = _one_line(error)
        return failed(f"{tool.name} failed with {type(error).__name__}" + (f": {said.rstrip('.')}" if said else ""))


class NotText(Exception):
    """A value cannot be written as JSON; the message is its type."""


def text_of(value: Any) -> str:
    """Return what a tool returned as text; raises NotText. Long text is cut, with a note to the model."""
    if value is None or value == "":
        return NOTHING_RETURNED
    if isinstance(value, str):
        text = value
    else:
        from pydantic_core import to_json

        try:
            text = to_json(value, inf_nan_mode="null").decode()
        except Exception as error:
            raise NotText(type(value).__name__) from error
    text = well_formed(text)
    if len(text) > LONGEST_RESULT:
        text = f"{text[:LONGEST_RESULT]}\n[Cut here: {LONGEST_RESULT:,} of {len(text):,} characters.]"
    return text


def _written(value: Any) -> Any:
    """Write a value down in the thread that made it; it may be large.

    A function that is decorated may hide that it is async.
    """
    return value if inspect.isawaitable(value) else text_of(value)


async def _in_thread(name: str, function: Callable[[], Any]) -> Any:
    """Call a function in a thread of its own: one that never returns blocks no other, nor the end of the program."""
    global _threads
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = copy_context()

    def finish(value: Any, error: BaseException | None) -> None:
        global _threads
        _threads -= 1
        if not future.done():
            future.set_result((value, error))

    def work() -> None:
        value: Any = None
        raised: BaseException | None = None
        try:
            value = context.run(function)
        except (Exception, asyncio.CancelledError) as error:
            raised = error
        except BaseException as error:  # such as SystemExit, which would end the program
            raised = RuntimeError(type(error).__name__)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(finish, value, raised)

    _threads += 1
    Thread(target=work, name=f"tool {name}", daemon=True).start()
    value, error = await future
    if error is not None:
        raise error
    return value


def _one_line(error: BaseException) -> str:
    return " ".join(redact(well_formed(str(error))).split())[:LONGEST_MESSAGE]


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__
