"""Every change to the behaviour of NiceGUI, uvicorn, logging and Python's garbage collector, each with its reason.

Without them the program works, but is slower, noisier, or easier to misuse. tests/unit/test_tuning.py fails when
one of them is no longer needed, or no longer fits.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import dropwhile
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import nicegui.nicegui
from engineio import async_socket
from engineio.exceptions import SocketIsClosedError
from engineio.payload import Payload
from nicegui import app, core, helpers, outbox
from nicegui.props import Props
from nicegui.server import Server
from socketio import async_manager
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet
from starlette.types import ASGIApp

from voice_ui import page_socket

T = TypeVar("T")

HOME = Path(__file__).parent

SOCKET_LIBRARIES = {"engineio", "socketio"}


# NiceGUI 3.18 and uvicorn 0.54.


def use_sansio_websockets() -> None:
    """Let uvicorn use its newer websocket implementation where NiceGUI asks for wsproto, in our version of it.

    It takes a sixth less time for each chunk (benchmarks/README.md). `ui.run` fixes `ws="wsproto"`, and raises
    TypeError if another is given.
    """
    from uvicorn.config import WS_PROTOCOLS

    WS_PROTOCOLS["wsproto"] = page_socket.NAME


def exit_cleanly_on_sigterm() -> None:
    """Exit with code 0 after an orderly stop: uvicorn stops at the first signal, then raises it again."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


STOP_SECONDS = 5.0
"""An orderly stop takes up to 3 s. A second Ctrl-C in this time would make uvicorn leave sessions and tasks as they
are, and print their tracebacks."""


def drain_on_sigterm(drain: Callable[[], Awaitable[None]]) -> None:
    """Let `drain` run before uvicorn stops at SIGTERM; a second signal, or Ctrl-C, stops it at once, in good order.

    Called while uvicorn runs: it has set its own handlers by then, and takes them back at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    server, loop = Server.instance, asyncio.get_running_loop()
    running: list[asyncio.Future[None]] = []

    def begin() -> None:
        running.append(asyncio.ensure_future(drain()))
        running[0].add_done_callback(lambda _: server.handle_exit(signal.SIGTERM, None))

    def handle(number: int, frame: FrameType | None) -> None:
        if running:
            server.handle_exit(number, frame)
        else:
            loop.call_soon_threadsafe(begin)

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not interrupted or time.monotonic() - interrupted[0] > STOP_SECONDS:
            interrupted.append(time.monotonic())
            server.handle_exit(number, frame)

    interrupted: list[float] = []
    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, interrupt)


EVENT_SIGNATURE = inspect.signature(lambda event: None)
"""For `__signature__` of a frequent event's handler. NiceGUI inspects the handler at every event, which takes 25 µs of
the 210 for a chunk (60 tabs), unless the handler carries its signature."""


# The sockets of NiceGUI 3.18, python-socketio 5.18 and python-engineio 4.15.

PACKETS_PER_POLL = 500
"""Messages of one polling request. engine.io takes 16: at 300 ms round trip, a microphone's 50 a second do not fit."""

ID_CHARACTERS = 64
"""Of the ids a page gives itself and its tab; NiceGUI's are 36 long."""

TAB_SECONDS = 3600.0
"""How long NiceGUI remembers a tab that left; nothing is kept there, but each takes a kilobyte."""


def bound_sockets() -> None:
    """Bound what a visitor can make the page's socket keep, and let it work where only polling does."""
    # engineio 4.15: the payload of a poll is a million bytes at the most anyway.
    Payload.max_decode_packets = PACKETS_PER_POLL
    # python-socketio 5.18 keeps attachments of an event until all have come; no page of ours sends any.
    core.sio.packet_class = TextPacket
    # nicegui 3.18 keeps whatever a page says its tab is called.
    handshake = _with_short_ids(nicegui.nicegui._on_handshake)
    nicegui.nicegui._on_handshake = handshake
    core.sio.handlers["/"]["handshake"] = handshake
    app.storage.max_tab_storage_age = TAB_SECONDS


def put_in_front(guard: Callable[[ASGIApp], ASGIApp]) -> None:
    """Let every request pass `guard` first.

    nicegui 3.18 adds middleware of its own in `ui.run`, which would otherwise be in front of it, and reads headers that
    anybody can send.
    """
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: guard(build())  # type: ignore[method-assign]


class TextPacket(Packet):  # type: ignore[misc]
    """A packet of socket.io that has no attachments when it comes from a page, and is not searched for any here."""

    uses_binary_events = False

    def __init__(self, packet_type: int = EVENT, data: Any = None, *args: Any, **options: Any) -> None:
        # NOTE: speaker.py alone sends bytes, as the last argument of its event.
        is_audio = packet_type == EVENT and isinstance(data, list) and bool(data) and isinstance(data[-1], bytes)
        super().__init__(BINARY_EVENT if is_audio else packet_type, data, *args, **options)

    def decode(self, encoded_packet: str) -> int:
        """Read a packet; raises ValueError for one with attachments."""
        attachments = super().decode(encoded_packet)
        if attachments or self.packet_type in {BINARY_EVENT, BINARY_ACK}:
            raise ValueError("attachments are not accepted")
        return 0


Handshake = Callable[[str, dict[str, Any]], Awaitable[bool]]


def _with_short_ids(handshake: Handshake) -> Handshake:
    async def bounded(sid: str, data: dict[str, Any]) -> bool:
        ids = [data.get(name) for name in ("client_id", "tab_id", "document_id")]
        if not all(isinstance(given, str) and 0 < len(given) <= ID_CHARACTERS for given in ids):
            return False
        old = data.get("old_tab_id")
        if old is not None and (not isinstance(old, str) or len(old) > ID_CHARACTERS):
            return False
        return await handshake(sid, data)

    return bounded


def deliver_directly() -> None:
    """Hand the events of a `DirectListener` over as soon as they are read; all others take their usual way.

    Otherwise each is parsed twice, becomes a task, and enters and leaves the slots of its element, fifty times a second
    for each microphone: a third of what a chunk costs (benchmarks/README.md). The first one of a session, and all that
    come by polling, still pass engine.io.
    """
    sio = core.sio
    usual = sio._handle_eio_message

    async def handle_message(eio_sid: str, data: Any) -> None:
        page_socket.connected(eio_sid)
        is_event = isinstance(data, str) and data.startswith('2["event",')
        if not (is_event and page_socket.deliver(eio_sid, data[1:])):
            await usual(eio_sid, data)

    sio.eio.on("message", handle_message)


def send_directly() -> None:
    """Write what NiceGUI's outbox sends straight to the page's websocket, unless something before it still waits.

    Through socket.io, engine.io and uvicorn, the five messages of a turn took 13 % of its processor time, profiled.
    """
    usual = outbox.Outbox._emit

    async def emit(self: outbox.Outbox, message: outbox.Message) -> None:
        target, name, data = message
        client = self.client
        if client is None or target != client.id or not page_socket.send(client, name, data):
            await usual(self, message)

    outbox.Outbox._emit = emit  # type: ignore[method-assign]


def inspect_methods_once() -> None:
    """Find out once whether a method expects arguments.

    For each element, NiceGUI inspects the signatures of the same three methods again: four tenths of the time that
    making it takes, profiled.
    """
    usual = helpers.expects_arguments
    known: dict[Any, bool] = {}

    def expects_arguments(func: Callable[..., Any]) -> bool:
        method = getattr(func, "__func__", None)
        if method is None:
            return usual(func)
        if method not in known:
            known[method] = usual(func)
        return known[method]

    helpers.expects_arguments = expects_arguments


def wait_without_tasks() -> None:
    """Let NiceGUI, engine.io and socket.io make no tasks for each message.

    `asyncio.wait_for` makes one of what it waits for (Python 3.12 does not), engine.io's reader another, and socket.io
    one for each recipient: one for each socket of a page, so mostly one.
    """
    async_manager.asyncio = _Asyncio()
    if sys.version_info < (3, 12):
        for module in (outbox, async_socket):
            setattr(module, "asyncio", _Asyncio())  # noqa: B010 (neither exports it)


class _Asyncio:
    """The module asyncio, for modules that would make a task of what can be awaited at once."""

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

    @staticmethod
    def create_task(coroutine: Awaitable[T]) -> Awaitable[T]:
        """Make no task of a message to a recipient; `wait` follows."""
        return coroutine

    @staticmethod
    async def wait(coroutines: list[Awaitable[Any]]) -> None:
        """Await each; a recipient that has gone does not keep the others from theirs."""
        for coroutine in coroutines:
            with suppress(SocketIsClosedError):
                await coroutine


async def _within(seconds: float | None, awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaitable


def spare_props_their_events() -> None:
    """Let a changed property update its element, and no more.

    NiceGUI makes an event object for each change of each property and looks for those who might want it; a turn changes
    fifty, for a quarter of its processor time.
    """
    usual = Props._handle_change

    def handle_change(props: Props[Any]) -> None:
        if len(props._change_handlers) == 1 and not props._observer_refs and props._parent_ref is None:
            props.last_modified = time.time()
            props._update()
        else:
            usual(props)

    Props._handle_change = handle_change  # type: ignore[method-assign, assignment]


# Logging of uvicorn 0.54, python-engineio 4.15 and Starlette 1.0.


def quiet_libraries() -> None:
    """Keep what is of no interest out of the log."""
    for name in ("httpx", "aioice", "aiortc"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(drop_left_visitor)
    for name in ("uvicorn.error", "engineio.server", "asyncio"):
        logging.getLogger(name).addFilter(shorten_malformed)
    logging.getLogger("engineio.server").handlers.clear()  # its own handler would write everything a second time


def drop_left_visitor(record: logging.LogRecord) -> bool:
    """Drop the error that is made of a request that ends early.

    Starlette makes one of a visitor who leaves while a file is on its way, uvicorn of a page that polls while we end.
    """
    error = record.exc_info[1] if record.exc_info else None
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, asyncio.CancelledError):
        return False
    return not (isinstance(error, RuntimeError) and str(error) == "No response returned.")


def shorten_malformed(record: logging.LogRecord) -> bool:
    """Replace the traceback for a malformed socket message with one line: anybody can send one."""
    error = record.exc_info[1] if record.exc_info else None
    if error and _was_raised_reading(error):
        record.msg, record.args = "a page sent a malformed message (%s)", (type(error).__name__,)
        record.exc_info = record.exc_text = None
    return True


def _was_raised_reading(error: BaseException) -> bool:
    """Whether the socket's library, or NiceGUI behind it, failed before any code of ours ran."""
    places = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    behind = list(dropwhile(lambda place: not SOCKET_LIBRARIES.intersection(place.parts), places))
    return bool(behind) and not any(place.is_relative_to(HOME) and place != Path(__file__) for place in behind)


# Python's garbage collector (3.11 to 3.14).

THRESHOLDS = (5_000, 2, 1_000)
"""Collections of the youngest objects are short and frequent, full ones rare: at sixty pages one takes 0.2 s."""

PAGES = 50
"""This many closed pages may wait for a collection; each is 4,000 objects in cycles, half a megabyte."""

SWEEP_SECONDS = 5.0
"""From a page's end to the collection; others may be closed in the same moment."""


class Collector:
    """Runs full collections while nobody is talking, because everybody waits for them (benchmarks/README.md)."""

    def __init__(self, is_quiet: Callable[[], bool], *, after: float = SWEEP_SECONDS) -> None:
        self._is_quiet, self._after = is_quiet, after
        self._pages = 0
        self._waiting = False

    def freeze(self) -> None:
        """Exempt everything that exists by now from collection: it stays for the life of the program.

        A pass before it would find two thousand objects of importing, and take a tenth of the time to the first page.
        """
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        gc.enable()  # see __main__.py

    def page_closed(self) -> None:
        """Collect soon if nobody talks then, or once enough pages were closed."""
        self._pages += 1
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_later(self._after, self._sweep)

    def _sweep(self) -> None:
        self._waiting = False
        if self._is_quiet() or self._pages >= PAGES:
            self._pages = 0
            gc.collect()
