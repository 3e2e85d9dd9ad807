"""The page's websocket without the layers in between: frequent events in, texts and updates of elements out.

Between a websocket frame and an element's listener stand uvicorn's queue, engine.io, socket.io and NiceGUI, and as many
on the way back; each is right for what happens once in a while. What comes fifty times a second from each microphone,
and what goes to a page while nothing else waits, takes this way instead; all else takes the usual one.

uvicorn 0.54, python-engineio 4.15, python-socketio 5.18, NiceGUI 3.18; see tests/unit/test_page_socket.py.
"""

from __future__ import annotations

import time
from typing import Any

import orjson
from nicegui import core, json, storage
from nicegui.client import Client
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from voice_ui import text_frame

NAME = f"{__name__}:PageProtocol"
"""As uvicorn's configuration names the class."""

_EVENT = b'42["event",'
"""How an event of an element begins (nicegui.js, `emit`)."""

_KEY = "voice_ui.page_socket"

MESSAGES_BETWEEN = 50
"""So often the messages that are kept are looked at for those that no page will ask for any more."""

_protocols: dict[str, PageProtocol] = {}  # by engine.io's id of the session


class DirectListener:
    """A listener that wants its arguments at once: no task, no event object, no slot of its parent."""

    def take(self, args: list[Any]) -> None:
        """Take the arguments of one event."""
        raise NotImplementedError


class PageProtocol(WebSocketsSansIOProtocol):
    """One websocket; delivers the events of a `DirectListener` as soon as they are read."""

    eio_sid = ""
    """engine.io's id of the session, once it is known."""

    def handle_connect(self, event: Any) -> None:
        """Leave a trace in the scope, by which `connected` finds this protocol."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope[_KEY] = self  # type: ignore[literal-required]

    def data_received(self, data: bytes) -> None:
        """Deliver events at once, unless something before them still waits."""
        if self.eio_sid and not self.close_sent:
            texts, data = text_frame.read(self.conn, data)
            for text in texts:
                if self.read_paused or text[:11] != _EVENT or not deliver(self.eio_sid, text[2:]):
                    self.handle_text(Frame(Opcode.TEXT, text))
            if not data:
                return
        super().data_received(data)

    def send_at_once(self, text: bytes) -> bool:
        """Send a message; False if it would have to wait."""
        if not self.writable.is_set() or self.disconnected or self.conn.state is not State.OPEN:
            return False
        self.transport.write(text_frame.write(text, masked=False))
        return True

    def shutdown(self) -> None:
        """Close; uvicorn sends a close to a websocket that is closing already, which raises and leaves all others."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the session."""
        _protocols.pop(self.eio_sid, None)
        self.eio_sid = ""
        if hasattr(self, "scope"):
            self.scope.pop(_KEY, None)  # type: ignore[misc]
        super().connection_lost(exc)


def connected(eio_sid: str) -> None:
    """A message of this session has come the usual way: those to come may take the direct one."""
    if eio_sid in _protocols:
        return
    environ = core.sio.environ.get(eio_sid) or {}
    protocol = environ.get("asgi.scope", {}).get(_KEY)
    if protocol is not None and not protocol.disconnected:
        protocol.eio_sid = eio_sid
        _protocols[eio_sid] = protocol


def deliver(eio_sid: str, data: bytes | str) -> bool:
    """Deliver an event of a page, without engine.io's and socket.io's type before it; False if it is none of these."""
    try:
        message = orjson.loads(data)[1]
        client = Client.instances[message["client_id"]]
        element = client.elements[message["id"]]
        listener = element._event_listeners[message["listener_id"]]
        handler = listener.handler
        if not isinstance(handler, DirectListener):
            return False
        args = [orjson.loads(argument) for argument in message["args"]]
    except (LookupError, TypeError, ValueError):
        return False  # nobody's, or malformed: NiceGUI knows what to do
    is_known = core.sio.manager.sid_from_eio_sid(eio_sid, "/") and client.has_socket_connection
    if is_known and not element.is_ignoring_events:
        storage.request_contextvar.set(listener.request)
        try:
            handler.take(args)
        except Exception as error:
            core.app.handle_exception(error)
    return True


def send(client: Client, name: str, data: dict[str, Any]) -> bool:
    """Send a message to a page at once, as its outbox would; False if it has to wait, or is not JSON.

    It waits for messages before it, and overtakes updates of elements. The outbox sends it again if the connection is
    lost before it arrives.
    """
    outbox = client.outbox
    if outbox.messages or core.air is not None:
        return False
    sessions = core.sio.manager.rooms.get("/", {}).get(client.id)
    if not sessions or len(sessions) != 1:
        return False
    eio_sid = next(iter(sessions.values()))
    protocol, socket = _protocols.get(eio_sid), core.sio.eio.sockets.get(eio_sid)
    if protocol is None or socket is None or not socket.queue.empty():
        return False
    number = outbox.next_message_id
    data["_id"] = number
    try:
        message = json.dumps([name, data]).encode()
    except TypeError:  # bytes, which socket.io attaches
        return False
    if not protocol.send_at_once(b"42" + message):
        return False
    outbox.next_message_id = number + 1
    history, now = outbox.message_history, time.time()
    history.append((number, now, (client.id, name, data)))
    if len(history) > core.app.config.message_history_length:
        history.popleft()
    if number % MESSAGES_BETWEEN == 0:
        eio = core.sio.eio
        oldest = now - (eio.ping_interval + eio.ping_timeout + client.page.resolve_reconnect_timeout())
        while history and history[0][1] < oldest:
            history.popleft()
    return True
