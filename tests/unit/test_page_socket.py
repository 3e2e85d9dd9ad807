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


# Text on its way out.


class Socket:
    """One connected websocket of a page, as engine.io and uvicorn have it."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[list[Any]] = []
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.is_writable = True
        for name, value in {"message_history_length": 1000, "reconnect_timeout": 3.0}.items():  # as after `ui.run`
            monkeypatch.setattr(core.app.config, name, value, raising=False)
        monkeypatch.setitem(sio.manager.rooms, "/", {client.id: {"a sid": SID}})
        monkeypatch.setitem(sio.eio.sockets, SID, self)
        monkeypatch.setitem(page_socket._protocols, SID, self)  # type: ignore[arg-type]

    def send_at_once(self, text: bytes) -> bool:
        if self.is_writable:
            self.sent.append(orjson.loads(text.removeprefix(b"42")))
        return self.is_writable


async def test_text_is_sent_at_once_with_the_number_of_the_outbox_which_can_send_it_again(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket, outbox = Socket(page.client, monkeypatch), page.client.outbox
    outbox.messages.clear()
    before = outbox.next_message_id
    assert page_socket.send(page.client, "voice_text", {"id": 7, "text": "One"})
    assert page_socket.send(page.client, "voice_text", {"id": 7, "text": "two"})
    assert [(name, body["_id"], body["text"]) for name, body in socket.sent] == [
        ("voice_text", before, "One"),
        ("voice_text", before + 1, "two"),
    ]
    assert [number for number, _, _ in outbox.message_history][-2:] == [before, before + 1]
    outbox.try_rewind(before)  # the page came back and had seen neither
    assert [data["text"] for _, _, data in outbox.messages] == ["One", "two"]


async def test_text_waits_for_whatever_is_before_it(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    socket, outbox = Socket(page.client, monkeypatch), page.client.outbox
    outbox.messages.clear()

    def sends() -> bool:
        return page_socket.send(page.client, "voice_text", {"id": 7, "text": "One"})

    outbox.messages.append((page.client.id, "run_javascript", {}))
    assert not sends()
    outbox.messages.clear()
    socket.queue.put_nowait("a packet of engine.io")
    assert not sends()
    socket.queue.get_nowait()
    socket.is_writable = False
    assert not sends()
    socket.is_writable = True
    monkeypatch.setitem(sio.manager.rooms, "/", {page.client.id: {"a sid": SID, "an older one": "dead"}})
    assert not sends()
    monkeypatch.setitem(sio.manager.rooms, "/", {})
    assert not sends() and socket.sent == [] and not outbox.message_history


async def test_messages_that_no_page_asks_for_any_more_are_forgotten(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    Socket(page.client, monkeypatch)
    outbox = page.client.outbox
    outbox.messages.clear()
    outbox.message_history.append((-1, 0.0, (page.client.id, "voice_text", {})))  # of 1970
    for _ in range(page_socket.MESSAGES_BETWEEN):
        assert page_socket.send(page.client, "voice_text", {"id": 7, "text": "One"})
    assert len(outbox.message_history) == page_socket.MESSAGES_BETWEEN
    monkeypatch.setattr(core.app.config, "message_history_length", 0)  # a program may keep none
    outbox.message_history.clear()
    for _ in range(page_socket.MESSAGES_BETWEEN):
        assert page_socket.send(page.client, "voice_text", {"id": 7, "text": "One"})
    assert not outbox.message_history


async def test_what_nicegui_sends_is_written_at_once_but_for_bytes_and_messages_to_others(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: list[str] = []

    async def emit(_: outbox.Outbox, message: outbox.Message) -> None:
        usual.append(message[1])

    monkeypatch.setattr(outbox.Outbox, "_emit", emit)
    tuning.send_directly()
    socket, sender = Socket(page.client, monkeypatch), page.client.outbox
    sender.messages.clear()
    await sender._emit((page.client.id, "update", {7: {"text": "One"}}))
    assert [(name, body["7"]) for name, body in socket.sent] == [("update", {"text": "One"})]
    await sender._emit((page.client.id, "sound", {"pcm": b"12"}))
    await sender._emit(("another page", "run_javascript", {}))
    assert usual == ["sound", "run_javascript"] and len(socket.sent) == 1


def test_nicegui_still_sends_through_socketio() -> None:
    assert "await core.sio.emit(" in inspect.getsource(outbox.Outbox._emit)
