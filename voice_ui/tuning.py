"""Every patch of somebody else's package: what it is for, what it saves, and the version it was made for.

The figures are microseconds of processor time per chunk, in benchmarks/README.md. tests/unit/test_tuning.py says when
one is no longer needed, or no longer fits.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any, TypeVar

import orjson
from engineio import async_socket  # type: ignore[import-untyped]
from nicegui import core, outbox, storage
from nicegui.client import Client

T = TypeVar("T")

_EVENT = '2["event",'
"""How an event of an element begins, in a message of engine.io (nicegui.js, `emit`)."""


class DirectListener:
    """A listener that wants its arguments at once: no task, no slot of its parent, no event object."""

    def take(self, args: list[Any]) -> None:
        """Take the arguments of one event."""
        raise NotImplementedError


def apply() -> None:
    """Apply all patches; called once, before the first page is served."""
    deliver_directly()
    wait_without_tasks()


def deliver_directly() -> None:
    """Hand the events of a `DirectListener` over as soon as they are read (python-socketio 5.16, nicegui 3.18).

    Otherwise each is parsed twice, becomes a task, and enters and leaves the slots of its element, fifty times a second
    for each microphone. All other events take their usual way.
    """
    sio = core.sio
    usual = sio._handle_eio_message

    async def handle_message(eio_sid: str, data: Any) -> None:
        if not (isinstance(data, str) and data.startswith(_EVENT) and _deliver(sio, eio_sid, data)):
            await usual(eio_sid, data)

    sio.eio.on("message", handle_message)


def _deliver(sio: Any, eio_sid: str, data: str) -> bool:
    """Deliver an event to its listener; False if that is not a direct one."""
    try:
        message = orjson.loads(data[1:])[1]
        client = Client.instances[message["client_id"]]
        element = client.elements[message["id"]]
        listener = element._event_listeners[message["listener_id"]]
        handler = listener.handler
        if not isinstance(handler, DirectListener):
            return False
        args = [orjson.loads(argument) for argument in message["args"]]
    except (LookupError, TypeError, ValueError):
        return False  # nobody's, or malformed: NiceGUI knows what to do
    is_known = sio.manager.sid_from_eio_sid(eio_sid, "/") and client.has_socket_connection
    if is_known and not element.is_ignoring_events:
        storage.request_contextvar.set(listener.request)
        try:
            handler.take(args)
        except Exception as error:
            core.app.handle_exception(error)
    return True


def wait_without_tasks() -> None:
    """Wait for each message without a task of its own: Python does so from 3.12 on (python-engineio 4.13).

    `asyncio.wait_for` makes a task of what it waits for. engine.io's reader makes one itself as well.
    """
    if sys.version_info < (3, 12):
        for module in (outbox, async_socket):
            setattr(module, "asyncio", _Asyncio())  # noqa: B010 (neither exports it)


class _Asyncio:
    """The module asyncio, for modules that call `wait_for` once per message."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    def ensure_future(awaitable: Awaitable[T]) -> Awaitable[T]:
        """Make no task of the reader's wait, which is awaited in the next line."""
        is_wait = getattr(awaitable, "__name__", "") == "websocket_wait"
        return awaitable if is_wait else asyncio.ensure_future(awaitable)

    @staticmethod
    def wait_for(awaitable: Awaitable[T], timeout: float | None) -> Awaitable[T]:
        """Do as Python 3.12 does."""
        return _within(timeout, awaitable)


async def _within(seconds: float | None, awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaitable
