"""Wiring: settings in, running app out."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import app, background_tasks, ui
from nicegui.server import Server

from voice_ui import audio, log, models, ports, preflight, replicas, servers, settings, transport, tuning, window
from voice_ui.errors import Problem, Refused, SettingsError
from voice_ui.offline import server as offline_server
from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.defaults import default_brain
from voice_ui.offline.ollama import LocalModels
from voice_ui.offline.parts import DetectorUnavailable, RecognizerUnavailable
from voice_ui.page import messages
from voice_ui.page.conversations import Conversations
from voice_ui.page.drain import Drain
from voice_ui.page.handover import Handovers
from voice_ui.page.offer import Offer
from voice_ui.page.page import Page
from voice_ui.page.usage_words import sums_in_words
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import OWNER, Account, Accounts, Ledger, Limits, LocalAccounts, RealtimeSession, Seats
from voice_ui.settings import Proxies, Settings
from voice_ui.sharing.capacity import Capacity, handles, most_for
from voice_ui.sharing.guard import BODY_BYTES, VISITOR, Guard, Visitor
from voice_ui.sharing.http_protocol import bounded
from voice_ui.sharing.secret import own_secret
from voice_ui.snapshot import Seal
from voice_ui.tools import AnyTool, ChosenTools
from voice_ui.transport import Dialer, Transport

if TYPE_CHECKING:  # what only --share needs must not delay the first page
    from voice_ui.page.visitors import Visitors
    from voice_ui.sharing.share import Share

RECONNECT_SECONDS = 30.0
"""How long a page may be disconnected before it is deleted; a longer time means noticing closed tabs later."""

_log = logging.getLogger("voice_ui.app")

FAVICON = Path(__file__).parent / "page" / "favicon.svg"


class VoiceUI:
    """The running app: which server answers, and every conversation with it."""

    def __init__(self, chosen: Settings) -> None:
        """Raises SettingsError, with a line for each mistake."""
        source = "--tools" if chosen.sources.get("VOICE_UI_TOOLS") == settings.COMMAND_LINE else "VOICE_UI_TOOLS"
        self._tools = ChosenTools(chosen.tools, chosen.mcp, file_source=source)
        self._replica = replicas.Replica(chosen.redis_url, chosen.max_sessions) if chosen.redis_url else None
        self._limits = limits_of(chosen)
        self._accounts = self._replica.accounts if self._replica else _accounts(chosen, self._limits)
        self._conversations = Conversations()
        self._share: Share | None = None
        self._visitors: Visitors | None = None
        if chosen.share:
            from voice_ui.page.visitors import Visitors
            from voice_ui.sharing.share import Share

            self._share, self._visitors = Share(chosen), Visitors(self._conversations, self._accounts)
        # The network has a door of its own, unless a proxy comes to us.
        is_local = settings.is_this_machine(chosen.host) or chosen.behind_proxy
        self._host = chosen.host if is_local else "127.0.0.1"
        self._settings = chosen = replace(chosen, port=_free_port(self._host, chosen, self._share))
        self._dialer = Dialer(chosen.transport)
        proxies = self._share.proxies if self._share else Proxies()
        self.capacity = Capacity(most_for(handles()), is_shared=proxies.trusts)
        self._seats = self._replica.seats if self._replica else Seats(chosen.max_sessions)
        self._drain = Drain(self._conversations, self._seats, chosen.drain_seconds)
        self._handovers = Handovers()
        self._practice: offline_server.PracticeServer | None = None
        self._local_models: LocalModels | None = None
        self._collector = tuning.Collector(is_quiet=lambda: self._seats.taken == 0)
        self._started = asyncio.Event()
        self._resources = AsyncExitStack()

    def run(self) -> None:
        """Serve the page until interrupted."""
        chosen = self._settings
        app.on_startup(self.start)
        app.on_shutdown(self.stop)
        ui.page("/")(self.open_page)
        guard = partial(
            Guard,
            frame_ancestors=chosen.frame_ancestors or "",
            is_ready=self.is_ready,
            is_ending=self.is_ending,
        )
        if self._share:
            guard = partial(guard, names=self._share.names, room=self._share.room, proxies=self._share.proxies)
        tuning.put_in_front(guard)
        tuning.bound_sockets()
        tuning.deliver_directly()
        tuning.send_directly()
        tuning.wait_without_tasks()
        tuning.inspect_methods_once()
        tuning.spare_props_their_events()
        if chosen.native:
            app.native.on("closed", app.shutdown)  # whatever the window is still busy with
            app.native.start_args.update(window.start_args(f"http://{self._host}:{chosen.port}"))
        tuning.use_sansio_websockets()
        tuning.exit_cleanly_on_sigterm()
        try:
            ui.run(
                host=self._host,
                port=chosen.port,
                title="Voice UI",
                favicon=FAVICON,
                dark=None,
                language="en-US",
                binding_refresh_interval=None,  # nothing is polled here
                reconnect_timeout=RECONNECT_SECONDS,
                reload=False,
                show=chosen.open_browser,
                native=chosen.native,
                window_size=window.SIZE if chosen.native else None,
                tailwind=False,
                timeout_graceful_shutdown=1,
                ws_per_message_deflate=False,  # sound hardly gets smaller, and everything is small
                proxy_headers=False,  # the guard looks at them
                log_config=None,  # all of the log goes through ours, which trusts no words from outside
                http=bounded(self.capacity),
                ws_max_size=BODY_BYTES,  # of one message; socket.io takes less
                workers=1,  # whatever WEB_CONCURRENCY says: a conversation lives in one process
            )
        except KeyboardInterrupt:
            pass

    async def start(self) -> None:
        """Start the practice server if it is the one to answer; called once the event loop runs."""
        endpoint = servers.chosen(self._settings)
        if endpoint is None:
            chat = ChatEndpoint.of(self._settings)
            serving = offline_server.serve(brain=default_brain(chat))
            self._practice = await self._resources.enter_async_context(serving)
            if chat is None:
                self._local_models = LocalModels(self._practice.parts, self._settings.ollama_host)
            answers = f"the chat model at {chat.place} answers" if chat else "practice mode"
            _log.info("%s; the server listens at %s", answers, self._practice.url)
        else:
            _log.info("using %s with %s; key: %s", endpoint.name, endpoint.model, servers.key_in_short(self._settings))
        # In the background: a server that is downloaded first must not delay the page.
        background_tasks.create(self._start_tools(), name="start tools")
        self._collector.freeze()
        self._handovers.seal = Seal(await self._join() if self._replica else self._own_secret)
        self._started.set()
        tuning.drain_on_sigterm(self._drain.run)
        if self._share:
            await self._open_door(self._share)
        if endpoint and (problem := await self._check(endpoint.model)):
            _log.warning("%s: %s %s", problem.code, messages.cause(problem), messages.fix(problem))

    async def _start_tools(self) -> None:
        for line in await self._tools.start():
            sys.stderr.write(f"voice-ui: {line}\n")

    async def _open_door(self, share: Share) -> None:
        """Listen on the network, and print how to join; visitors are served by the same server."""
        server = Server.instance
        make: Callable[..., asyncio.Protocol] = server.config.http_protocol_class
        state = server.lifespan.state
        protocol = partial(make, config=server.config, server_state=server.server_state, app_state=state)
        if door := share.door(protocol, self.capacity, is_closing=lambda: server.should_exit):
            await self._resources.enter_async_context(door)
        sys.stdout.write(share.in_words(sys.stdout.encoding or "ascii"))
        sys.stdout.flush()

    @property
    def _own_secret(self) -> bytes:
        return self._settings.secret.reveal().encode() if self._settings.secret else own_secret()

    async def _join(self) -> bytes:
        """Join the other replicas; return the secret of all."""
        assert self._replica is not None
        room, visitors = (self._share.room, self._visitors) if self._share else (None, None)
        secret = await self._replica.start(room, visitors.send_away if visitors else lambda: None)
        self._resources.push_async_callback(self._replica.close)
        return self._own_secret if self._settings.secret else secret

    def is_ready(self) -> bool:
        """Whether new visitors can be served."""
        return self._started.is_set() and not self.is_ending()

    def is_ending(self) -> bool:
        """Whether nobody new is served, because the program ends as soon as the running replies are written."""
        return self._drain.is_on or Server.instance.should_exit

    async def stop(self) -> None:
        """Close every session properly, and release what `start` opened."""
        await self._conversations.close_all()
        await self._accounts.close()
        await self._tools.close()
        await self._resources.aclose()

    async def open_page(self) -> None:
        """Build the page for one browser tab."""
        await self._started.wait()  # NiceGUI serves pages while `start` still runs
        client = ui.context.client
        visitor: Visitor = client.request.scope[VISITOR]
        if self._visitors and not visitor.is_owner:
            self._visitors.enter(client, visitor.id)
        endpoint = self._endpoint(self._settings.model)
        choice = models.supported(date.today()) if endpoint.is_openai else []
        if choice and endpoint.model not in choice:
            choice.append(endpoint.model)
        Page(
            Offer(
                notice=self._notice,
                model=endpoint.model,
                models=choice,
                config=servers.config_of(self._settings),
                endpoint=self._endpoint,
                check=self._check,
                limits=self._limits,
                open_session=partial(self._open_session, visitor=visitor),
                conversations=self._conversations,
                handovers=self._handovers,
                local_models=self._local_models,
                may_choose_local=visitor.is_owner,
                controls=self._show_share if visitor.is_owner else lambda: None,
                sums=self._sums if visitor.is_owner else lambda: "",
                address="" if visitor.is_owner else visitor.address,
            )
        )
        # What takes half a second to import must not wait for the first word, nor delay the first page.
        client.on_connect(self._warm)
        client.on_delete(self._collector.page_closed)

    def _sums(self) -> str:
        return sums_in_words(self._accounts.spent(OWNER), self._limits)

    def _show_share(self) -> None:
        if self._share and self._visitors:
            from voice_ui.page.share_panel import ShareControl

            ShareControl(self._share, self._visitors, self._limits)

    def _endpoint(self, model: str) -> Endpoint:
        if self._practice:
            has_chat = bool(self._local_models and self._local_models.chosen)
            return servers.offline(self._practice.url, self._settings, has_chat=has_chat)
        endpoint = servers.chosen(self._settings, model)
        assert endpoint is not None, "pages are served after start()"
        return endpoint

    def _notice(self) -> str:
        if self._local_models and (model := self._local_models.chosen):
            return servers.chat_notice(model, self._local_models.endpoint.url)
        return servers.notice(self._settings)

    def _tools_for(self, visitor: Visitor) -> Callable[[], Sequence[AnyTool]]:
        allowed = visitor.is_owner or self._settings.tools_for_visitors
        return lambda: self._tools.all if allowed else ()

    def _open_session(self, endpoint: Endpoint, config: SessionConfig, visitor: Visitor) -> RealtimeSession:
        return RealtimeSession(
            endpoint,
            config,
            limits=self._limits,
            account=Account(self._accounts, OWNER if visitor.is_owner else visitor.id),
            seats=self._seats,
            connect=self._connect,
            tools=self._tools_for(visitor),
        )

    async def _check(self, model: str) -> Problem | None:
        endpoint = self._endpoint(model)
        if self._practice:
            return await self._check_practice(self._practice, endpoint)
        return self._look(endpoint) or await preflight.ask(endpoint, today=date.today())

    async def _check_practice(self, practice: offline_server.PracticeServer, endpoint: Endpoint) -> Problem | None:
        try:
            await practice.parts.detector_loaded()
        except DetectorUnavailable as error:
            return Problem("speech-undetected", f"{error}", endpoint.facts)
        return None

    def _look(self, endpoint: Endpoint) -> Problem | None:
        return preflight.look(endpoint, today=date.today(), key_source=servers.key_source(self._settings))

    async def _warm(self) -> None:
        await asyncio.to_thread(audio.Resampler, 48_000)
        if self._practice:
            with suppress(RecognizerUnavailable):  # reported when somebody speaks
                await self._practice.warm()

    @asynccontextmanager
    async def _connect(self, endpoint: Endpoint) -> AsyncIterator[Transport]:
        """Connect, unless it is known beforehand that the server will refuse."""
        problem = self._look(endpoint)
        if problem and problem.code != "model-retiring":
            raise Refused(problem.code, **problem.facts)
        try:
            async with self._dialer.connect(endpoint) as connection:
                yield connection
        except Refused as error:
            if error.problem.code == "key-refused" and not endpoint.headers:
                raise Refused("no-key", error.problem.detail, **error.problem.facts) from error
            raise


def main(argv: Sequence[str] | None = None) -> None:
    """Run until interrupted; exit code 2 and a line for each wrong setting."""
    log.show_what_can_be_shown()
    try:
        chosen = settings.load(argv)
        settings.check_serving(chosen)
        if chosen.native:
            window.check()
        transport.check(chosen.transport)
        replicas.check(chosen.redis_url)
        voice_ui = VoiceUI(chosen)
    except SettingsError as error:
        sys.stderr.writelines(f"voice-ui: {line}\n" for line in str(error).splitlines())
        sys.exit(2)
    log.write()
    tuning.quiet_libraries()
    voice_ui.run()


def limits_of(chosen: Settings) -> Limits:
    """Return the owner's limits."""
    return Limits(
        chosen.max_minutes,
        chosen.idle_minutes,
        chosen.max_cost,
        chosen.max_cost_per_visitor,
        chosen.max_cost_per_day,
        chosen.max_cost_total,
    )


def _accounts(chosen: Settings, limits: Limits) -> Accounts:
    """Return what counts the costs; sums that are limited survive a restart. Raises SettingsError."""
    if not limits.has_sums:
        return LocalAccounts()
    import platformdirs

    path = platformdirs.user_state_path("voice-ui", appauthor=False) / "spent.sqlite"
    try:
        return LocalAccounts(Ledger(path))
    except (OSError, ValueError, sqlite3.Error) as error:
        name = "VOICE_UI_MAX_COST_PER_DAY" if chosen.max_cost_per_day else "VOICE_UI_MAX_COST_TOTAL"
        words = f"{name} needs the sums in {path}, which cannot be used ({error}); allowed: a file that can be written"
        raise SettingsError(f"{words}, or none, to begin anew") from None


def _free_port(host: str, chosen: Settings, share: Share | None) -> int:
    """Return the port to listen on; raises SettingsError if there is none."""
    addresses = [host, *(share.addresses if share else ())]
    port = ports.free(addresses, chosen.port, fixed="VOICE_UI_PORT" in chosen.sources)
    if port != chosen.port:
        sys.stdout.write(f"Port {chosen.port} is taken{ports.held_by(chosen.port)}; using port {port} instead.\n")
    if share:
        share.port = port
    return port
