"""Each change to the behaviour of a library still has its reason, and does what it is for."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import weakref
from collections.abc import Iterator

import engineio
import pytest
import uvicorn
from nicegui import events, helpers, ui_run
from nicegui.element import Element
from nicegui.observables import ObservableDict
from starlette.middleware import base
from uvicorn.config import WS_PROTOCOLS
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.protocol import State
from websockets.server import ServerProtocol

from tests.patience import until
from voice_ui import tuning
from voice_ui.mic.mic import _Listener
from voice_ui.page_socket import PageProtocol
from voice_ui.tuning import PAGES, Collector


class Page:
    def __init__(self) -> None:
        self.itself = self


class Watcher:
    def changed(self) -> None:
        pass


@pytest.fixture(autouse=True)
def only_when_asked() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def test_a_closed_page_goes_when_nobody_talks() -> None:
    collector = Collector(lambda: True, after=0)
    page = weakref.ref(Page())
    collector.page_closed()
    assert page() is not None
    await until(lambda: page() is None)


async def test_while_somebody_talks_it_waits_for_the_others() -> None:
    asked: list[int] = []
    collector = Collector(lambda: bool(asked.append(1)), after=0)
    page = weakref.ref(Page())
    collector.page_closed()
    await until(lambda: len(asked) == 1)
    assert page() is not None
    for _ in range(PAGES - 1):
        collector.page_closed()
    await until(lambda: page() is None)
    assert len(asked) == 2


# Each of these fails when the change is no longer needed: then take it out of tuning.py.


def test_nicegui_still_leaves_no_choice_of_the_websocket_implementation() -> None:
    assert "ws='wsproto'" in inspect.getsource(ui_run)
    assert {"wsproto", "websockets-sansio"} <= WS_PROTOCOLS.keys()


def test_a_websocket_that_is_closing_already_does_not_end_the_orderly_stop_of_all_others() -> None:
    class Closing(PageProtocol):
        """A connection whose close frame the peer has just sent."""

        handshake_complete, close_sent, close_timer = True, False, None

        def __init__(self) -> None:
            self.transport = self
            self.conn, self.queue = ServerProtocol(state=State.CLOSING), asyncio.Queue[object]()
            self.is_closed = False

        def stop_keepalive(self) -> None: ...

        def close(self) -> None:
            self.is_closed = True

    with pytest.raises(InvalidState):  # else it is no longer needed
        WebSocketsSansIOProtocol.shutdown(Closing())
    connection = Closing()
    connection.shutdown()
    assert connection.is_closed


def test_uvicorn_still_raises_the_signal_again_after_an_orderly_stop() -> None:
    assert "raise_signal" in inspect.getsource(uvicorn.Server.capture_signals)


def test_nicegui_still_inspects_the_handler_at_every_event() -> None:
    assert "expect_args" not in inspect.getsource(Element._handle_event)
    assert "expects_arguments(handler)" in inspect.getsource(events.handle_event)
    assert inspect.signature(_Listener) is not None
    assert inspect.signature(_Listener(print)) is tuning.EVENT_SIGNATURE


def test_nicegui_still_inspects_the_same_method_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    inspected: list[object] = []
    monkeypatch.setattr(helpers, "expects_arguments", inspected.append)
    watchers = [Watcher(), Watcher()]
    for watcher in watchers:
        ObservableDict({}, on_change=watcher.changed)
    assert inspected == [watcher.changed for watcher in watchers]
    tuning.inspect_methods_once()
    for watcher in watchers:
        ObservableDict({}, on_change=watcher.changed)
    assert len(inspected) == 3


def test_engineio_still_has_a_handler_of_its_own() -> None:
    logger = logging.getLogger("engineio.server")
    before, logger.handlers = logger.handlers, []
    level, logger.level = logger.level, logging.NOTSET
    try:
        engineio.AsyncServer(async_mode="asgi", logger=False)
        assert logger.handlers
    finally:
        logger.handlers, logger.level = before, level


def test_starlette_still_complains_of_a_visitor_who_leaves() -> None:
    assert "No response returned." in inspect.getsource(base)


def test_a_request_that_our_own_end_cuts_off_is_no_error() -> None:
    def record(error: BaseException) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "x", (), (type(error), error, None))

    ended = asyncio.CancelledError("Task cancelled, timeout graceful shutdown exceeded")
    assert not tuning.drop_left_visitor(record(ended))
    assert not tuning.drop_left_visitor(record(BaseExceptionGroup("one", [ended])))
    assert tuning.drop_left_visitor(record(ValueError("ours")))
