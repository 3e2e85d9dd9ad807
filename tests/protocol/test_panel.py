"""A panel's life: what a page begins, keeps, hands over and lets go. The page is real, the browser is played."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from nicegui import Client, core, ui
from nicegui.events import GenericEventArguments
from starlette.requests import Request

from tests.nothing_left import nothing_left, tasks_of_ours
from tests.patience import until
from tests.servers.scripted import Script, ScriptedServer
from tests.servers.wire import Wire
from voice_ui import VoicePanel
from voice_ui.errors import Problem
from voice_ui.page.conversations import Conversations
from voice_ui.page.display import FIRST_PAINT_SECONDS
from voice_ui.protocol import SessionConfig
from voice_ui.session import ProblemRaised


@pytest.fixture(autouse=True)
async def loop() -> AsyncIterator[None]:
    """NiceGUI's own, which `ui.run` would set."""
    before, core.loop = core.loop, asyncio.get_running_loop()
    yield
    core.loop = before


class Page:
    """One page with a panel, as a browser that comes and goes sees it."""

    def __init__(self, server: ScriptedServer, conversations: Conversations, **options: Any) -> None:
        request = Request({"type": "http", "path": "/", "headers": []})
        self.client = Client(ui.page("/", reconnect_timeout=3), request=request)
        self.document = uuid4().hex
        with self.client:
            self.panel = VoicePanel(
                server.endpoint, SessionConfig(), conversations=conversations, **{"keep": True, **options}
            )

    async def connect(self, socket: str = "socket", tab_id: str = "tab") -> None:
        await self.client.handle_handshake(socket, tab_id, None, self.document, None)
        await until(lambda: self.panel.session)

    def disconnect(self, socket: str = "socket") -> None:
        self.client.handle_disconnect(socket)

    def says(self, name: str, *args: Any) -> None:
        """As mic.js does."""
        body = json.loads(json.dumps(args[0] if len(args) == 1 else args))
        for listener in list(self.panel.mic._event_listeners.values()):
            if listener.type == name and listener.handler:
                listener.handler(GenericEventArguments(sender=self.panel.mic, client=self.client, args=body))

    def start(self) -> None:
        self.says("hello", "page")
        self.says("starting", 1, None)
        self.says("started", 2, {"rate": 24_000, "device": "A microphone"})

    async def is_in(self, *states: str) -> None:
        await until(lambda: self.panel.state in states, what=f"{states}, and it is {self.panel.state}")


async def listens(wire: Wire) -> None:
    await wire.configure()
    await wire.until_closed()


@asynccontextmanager
async def served(*scripts: Script) -> AsyncIterator[tuple[ScriptedServer, Conversations]]:
    """Serve, and see at the end that nothing is left."""
    conversations = Conversations(away_seconds=0.05, left_seconds=0.05)
    async with ScriptedServer(*(scripts or (listens, listens, listens))).running() as server:
        yield server, conversations
        await conversations.close_all()
        assert len(conversations) == 0
        await nothing_left(server)


async def test_a_page_that_is_only_fetched_begins_nothing() -> None:
    async with served() as (server, conversations):
        tasks = len(asyncio.all_tasks())
        pages = [Page(server, conversations) for _ in range(20)]
        assert len(conversations) == 0
        assert tasks_of_ours() == []
        for page in pages:
            page.client.delete()
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        kept = [weakref.ref(page.panel) for page in pages]
        del pages, page
        gc.collect()
        assert [ref() for ref in kept if ref()] == []


async def test_a_page_with_a_live_socket_stays_connected_when_an_older_one_dies() -> None:
    async with served() as (server, conversations):
        page, other = Page(server, conversations), Page(server, conversations)
        await page.connect("old")
        page.start()
        await page.is_in("listening")
        await page.connect("new")
        page.disconnect("old")
        await other.connect(tab_id="other")
        other.disconnect()
        await until(lambda: len(conversations) == 1)  # as long as page would have waited
        assert page.panel.session and not page.panel.session.state.at_rest
        assert server.open == 1
        await page.panel.session.close()
        await page.is_in("idle")  # it is still followed
        page.client.delete()
        other.client.delete()


async def test_a_page_that_is_loaded_again_has_its_conversation_before_the_old_socket_is_noticed_dead() -> None:
    async with served() as (server, conversations):
        before, after = Page(server, conversations), Page(server, conversations)
        await before.connect()
        before.start()
        await before.is_in("listening")
        session = before.panel.session
        await after.connect()
        assert after.panel.session is session
        assert after.panel.state == "listening"
        assert before.panel.session is None
        assert server.open == len(conversations) == 1
        before.disconnect()
        before.client.delete()
        assert len(conversations) == 1
        after.client.delete()


@pytest.mark.parametrize("tab_id", ["", "tab"])
async def test_no_session_escapes_the_list_whatever_the_tabs_call_themselves(tab_id: str) -> None:
    async with served() as (server, conversations):
        pages = [Page(server, conversations), Page(server, conversations)]
        for page in pages:
            await page.connect(tab_id=tab_id)
            page.start()
            await page.is_in("listening")
        assert server.open == len(conversations) == (1 if tab_id else 2)
        for page in pages:
            page.disconnect()
            page.client.delete()
        await until(lambda: len(conversations) == 0)
        await nothing_left(server)


async def test_a_displaced_page_that_is_still_there_begins_a_conversation_of_its_own() -> None:
    async with served() as (server, conversations):
        first, second = Page(server, conversations), Page(server, conversations)
        await first.connect()
        await second.connect()
        assert first.panel.session is None
        first.start()
        await until(lambda: first.panel.session)
        await first.is_in("listening")
        for page in (first, second):
            page.client.delete()


async def test_a_panel_that_is_deleted_ends_its_conversation_at_once() -> None:
    async with served() as (server, conversations):
        page = Page(server, conversations)
        await page.connect()
        page.start()
        await page.is_in("listening")
        page.panel.delete()
        await until(lambda: len(conversations) == 0)
        await nothing_left(server)
        page.client.delete()


async def test_an_error_while_an_error_is_shown_does_not_end_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served() as (server, conversations):
        page = Page(server, conversations)
        await page.connect()
        assert page.panel.session

        def out_of_handles(*_: object) -> None:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(page.panel.view.error, "show", out_of_handles)
        page.panel.session._reports.say(ProblemRaised(Problem("program-error")))
        page.start()
        await page.is_in("listening")
        page.client.delete()


async def test_what_is_said_before_the_conversation_is_found_is_not_lost() -> None:
    async with served() as (server, conversations):
        page = Page(server, conversations)
        page.start()
        assert page.panel.state == "opening" or page.panel.state == "idle"
        await page.connect()
        await page.is_in("listening")
        page.client.delete()


async def test_handlers_are_called_sync_and_async_several_and_within_the_page() -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="seven plus five", end_ms=0)
        await wire.reply("It ", "is ", "12.", item="a1")
        await wire.until_closed()

    told: list[Any] = []

    async def later(event: Any) -> None:
        await asyncio.sleep(0)
        told.append(("async", event.text))

    async with ScriptedServer(answers).running() as server:
        conversations = Conversations()
        page = Page(server, conversations)
        label, note = (None, None)
        with page.client:
            label, note = ui.label(), ui.label()
        panel = page.panel
        chained: Callable[..., Any] = panel.on_delta(lambda event: told.append(("delta", event.text))).on_reply(later)
        assert chained is panel
        panel.on_reply(lambda event: told.append(("reply", event.text, event.status)))
        panel.on_reply(lambda: ui.label("in the page"))
        panel.on_transcript(lambda event: told.append(("heard", event.text, event.final)))
        panel.bind_text_to(label).bind_state_to(note, forward=lambda state: f"state: {state}")
        await page.connect()
        page.start()
        await until(lambda: ("async", "It is 12.") in told)
        assert ("heard", "seven plus five", True) in told
        assert "".join(text for kind, text, *_ in told if kind == "delta") == "It is 12."
        assert ("reply", "It is 12.", "completed") in told
        assert label.text == panel.text == "It is 12."
        assert panel.heard == "seven plus five"
        await until(lambda: note.text == "state: listening")
        assert any(getattr(element, "text", "") == "in the page" for element in page.client.elements.values())
        page.client.delete()
        await conversations.close_all()
        await nothing_left(server)


async def test_the_first_words_of_a_reply_are_painted_before_the_page_gets_what_they_bring_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.say("response.created", response={"id": "r"})
        await wire.say("response.output_item.added", response_id="r", item={"id": "a", "type": "message"})
        await wire.say("response.output_text.delta", response_id="r", item_id="a", delta="Good day.")
        await wire.until_closed()

    async with served(script) as (server, conversations):
        page = Page(server, conversations)
        await page.connect()
        outbox, loop, sent = page.client.outbox, asyncio.get_running_loop(), list[tuple[str, float]]()
        monkeypatch.setattr(outbox, "enqueue_message", lambda name, *_: sent.append((name, loop.time())))
        monkeypatch.setattr(outbox, "enqueue_update", lambda element: sent.append(("update", loop.time())))
        page.start()
        await page.is_in("answering")
        names = [name for name, _ in sent]
        first, then = names.index("voice_text"), len(names) - 1 - names[::-1].index("update")
        assert "update" not in [name for name, at in sent[first:] if at < sent[first][1] + FIRST_PAINT_SECONDS * 0.9]
        assert sent[then][1] >= sent[first][1] + FIRST_PAINT_SECONDS * 0.9, "the state follows"


async def test_two_panels_that_are_kept_find_each_its_own_conversation_again() -> None:
    async with served() as (server, conversations):
        pages = []
        for _ in range(2):
            page = Page(server, conversations)
            with page.client:
                second = VoicePanel(server.endpoint, SessionConfig(), conversations=conversations, keep=True)
            await page.connect()
            await until(lambda second=second: second.session)
            pages.append((page, second))
            assert page.panel.session is not second.session
            assert len(conversations) == 2
        (_, other), (last, other_again) = pages
        assert other.session is None and other_again.session
        # One that comes later takes no other's place.
        kept = other_again.session
        last.panel.delete()
        with last.client:
            third = VoicePanel(server.endpoint, SessionConfig(), conversations=conversations, keep=True)
        await until(lambda: third.session)
        assert other_again.session is kept is not third.session
        for page, _ in pages:
            page.client.delete()


async def test_a_message_that_comes_again_is_said_once_and_one_that_is_refused_goes_back() -> None:
    async with served() as (server, conversations):
        page = Page(server, conversations)
        await page.connect()
        composer, settled = page.panel.view.composer, []
        composer.run_method = lambda name, *args: settled.append((name, *args))  # type: ignore[method-assign, assignment]
        message = {"id": "1", "text": "Hello", "image": None}
        composer._handle_message(message)
        composer._handle_message(message)
        assert page.panel.session
        assert [item.text for item in page.panel.session.conversation.items] == ["Hello"]
        assert settled == [("settle", "1", True)] * 2
        for odd in ({"text": "Hello", "image": None}, {"id": "x" * 41, "text": "", "image": None}, {"id": 1}, None):
            composer._handle_message(odd)
        account = page.panel.session.budget.account
        account.accounts.stop(account.visitor)
        composer._handle_message({**message, "id": "2"})
        assert settled[2:] == [("settle", "2", False)]
        assert len(page.panel.session.conversation.items) == 1
        page.client.delete()


async def test_a_panel_that_is_deleted_leaves_nothing_on_its_page() -> None:
    async with served() as (server, conversations):
        page = Page(server, conversations)
        await page.connect()
        client = page.client
        handlers = [client.connect_handlers, client.disconnect_handlers, client.delete_handlers]
        before = [len(one) for one in handlers]
        with client:
            more = [VoicePanel(server.endpoint, SessionConfig(), conversations=conversations) for _ in range(5)]
        for panel in more:
            await until(lambda panel=panel: panel.session)
        kept = [weakref.ref(panel) for panel in more]
        for panel in more:
            panel.delete()
        await until(lambda: [len(one) for one in handlers] == before)
        await until(lambda: len(conversations) == 1)
        del more, panel
        gc.collect()
        assert [ref() for ref in kept if ref()] == []
        page.client.delete()
