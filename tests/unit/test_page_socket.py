"""The microphone's events without a detour, and waits without tasks: what they do, and when they are not needed."""

from __future__ import annotations

import asyncio
import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from engineio import async_server, async_socket
from engineio.exceptions import SocketIsClosedError
from nicegui import Client, core, outbox, ui
from nicegui.nicegui import sio
from socketio import async_manager

from voice_ui import page_socket, tuning

SID = "an engine.io session"


class Listener(page_socket.DirectListener):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.taken: list[list[Any]] = []

    def take(self, args: list[Any]) -> None:
        """Take the arguments of one event."""
        self.taken.append(args)
        if args == ["mistake"]:
            raise ValueError


class Page:
    """A page with one element that has a direct listener and a usual one."""

    def __init__(self) -> None:
        self.listener = Listener()
        self.usual: list[Any] = []
        self.client = Client(ui.page("/"))
        with self.client:
            self.element = ui.element()
        self.element.on("chunk", self.listener)  # type: ignore[arg-type]
        self.element.on("click", lambda event: self.usual.append(event.args))

    def message(self, type: str, *args: Any, **more: Any) -> str:
        """Return what engine.io hands over for an event of the element, as nicegui.js sends it, without its types."""
        listener_id = next(id for id, each in self.element._event_listeners.items() if each.type == type)
        encoded = [orjson.dumps(arg).decode() for arg in args]
        event = {"id": self.element.id, "client_id": self.client.id, "listener_id": listener_id, "args": encoded}
        return orjson.dumps(["event", event | more]).decode()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Return a page whose socket is connected."""
    page = Page()
    monkeypatch.setattr(Client, "has_socket_connection", property(lambda _: True))
    monkeypatch.setattr(sio.manager, "sid_from_eio_sid", lambda sid, _: SID if sid == SID else None)
    yield page
    page.client.delete()


async def test_a_direct_listener_gets_its_arguments_at_once(page: Page) -> None:
    assert page_socket.deliver(SID, page.message("chunk", 7, "QUJD"))
    assert page.listener.taken == [[7, "QUJD"]]


async def test_every_other_event_takes_its_usual_way(page: Page) -> None:
    assert not page_socket.deliver(SID, page.message("click", {"x": 1}))
    for odd in ('["event",', '["event",{}]', '["event",7]', page.message("chunk", client_id="nobody's")):
        assert not page_socket.deliver(SID, odd)
    assert not page.listener.taken and not page.usual


async def test_who_is_not_connected_delivers_nothing(page: Page) -> None:
    assert page_socket.deliver("somebody else", page.message("chunk", 7, "QUJD"))
    assert not page.listener.taken


async def test_a_mistake_of_a_listener_is_reported_and_ends_nothing(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Exception] = []
    monkeypatch.setattr(core.app, "handle_exception", reported.append)
    assert page_socket.deliver(SID, page.message("chunk", "mistake"))
    assert [type(error) for error in reported] == [ValueError]


async def test_messages_are_asked_about_before_socketio_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    usual: list[str] = []

    async def handle(eio_sid: str, data: str) -> None:
        usual.append(data)

    monkeypatch.setattr(sio, "_handle_eio_message", handle)
    monkeypatch.setitem(sio.eio.handlers, "message", sio.eio.handlers["message"])
    tuning.deliver_directly()
    await sio.eio._trigger_event("message", SID, '2["event",{}]', run_async=False)
    assert usual == ['2["event",{}]']


async def test_a_wait_makes_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (outbox, async_socket, async_manager):
        monkeypatch.setattr(module, "asyncio", asyncio)
    tuning.wait_without_tasks()
    before = asyncio.all_tasks()

    async def websocket_wait() -> int:
        assert asyncio.all_tasks() == before
        return 1

    waiting = async_socket.asyncio.ensure_future(websocket_wait())
    assert await async_socket.asyncio.wait_for(waiting, timeout=5) == 1
    with pytest.raises(TimeoutError):
        await async_socket.asyncio.wait_for(asyncio.Event().wait(), 0.01)


async def test_a_message_is_queued_for_all_without_tasks_even_if_one_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (outbox, async_socket, async_manager):
        monkeypatch.setattr(module, "asyncio", asyncio)
    tuning.wait_without_tasks()
    before, queued = asyncio.all_tasks(), []

    async def send(recipient: str) -> None:
        assert asyncio.all_tasks() == before
        if recipient == "gone":
            raise SocketIsClosedError
        queued.append(recipient)

    manager = async_manager.asyncio
    await manager.wait([manager.create_task(send(recipient)) for recipient in ("one", "gone", "two")])
    assert queued == ["one", "two"]


# When they are no longer needed, or no longer fit.


def test_python_3_11_is_still_supported() -> None:
    """From Python 3.12 on, `asyncio.wait_for` makes no task: `wait_without_tasks` needs only half."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"


def test_engineio_still_makes_a_task_for_each_wait() -> None:
    assert "asyncio.ensure_future(websocket_wait())" in inspect.getsource(async_socket.AsyncSocket._websocket_handler)


def test_socketio_still_makes_a_task_for_each_recipient() -> None:
    source = inspect.getsource(async_manager.AsyncManager.emit)
    assert source.count("asyncio.create_task(") == 2 and source.count("await asyncio.wait(tasks)") == 1


def test_socketio_still_makes_a_task_for_each_event_and_nicegui_still_enters_slots() -> None:
    assert "start_background_task" in inspect.getsource(type(sio)._handle_event)
    assert "with self:" in inspect.getsource(Client.handle_event)
    assert "self.handlers[event](*args)" in inspect.getsource(async_server.AsyncServer._trigger_event)
