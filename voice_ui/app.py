"""Wiring: settings in, running app out."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from weakref import WeakSet

from nicegui import app, ui

from voice_ui import audio, models, preflight, servers, settings, transport
from voice_ui.errors import Problem, Refused, SettingsError
from voice_ui.offline import server as offline_server
from voice_ui.offline.recognizer import RecognizerUnavailable
from voice_ui.page import Offer, Parking, Tab
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import Limits, Target
from voice_ui.settings import Settings
from voice_ui.transport import Transport

RECONNECT_SECONDS = 30.0
"""How long a tab may be out of touch before its session is given up; longer means noticing a closed one later."""

_log = logging.getLogger("voice_ui.app")

FAVICON = Path(__file__).parent / "page" / "favicon.svg"


class VoiceUI:
    """The running app: which server it speaks to, and how many sessions are open."""

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen
        self._offline: offline_server.OfflineServer | None = None
        self._tabs: WeakSet[Tab] = WeakSet()
        self._parking: Parking[Tab] = Parking()
        self._open_sessions = 0
        self._started = asyncio.Event()
        self._resources = AsyncExitStack()

    async def start(self) -> None:
        """Bring up the practice server if it is the one to answer; called once the loop runs."""
        endpoint = servers.chosen(self._settings)
        if endpoint is None:
            self._offline = await self._resources.enter_async_context(offline_server.serve())
            _log.info("the offline practice server answers at %s", self._offline.url)
        else:
            _log.info("%s is to answer, with %s; key: %s", endpoint.name, endpoint.model, self._key_in_short)
        self._started.set()
        if endpoint and (problem := await self._check(endpoint.model)):
            _log.warning("%s: %s %s", problem.code, problem.cause, problem.fix)

    async def stop(self) -> None:
        """Close every session properly, and let go of what `start` brought up."""
        await asyncio.gather(*(tab.close() for tab in self._tabs))
        await self._resources.aclose()

    async def open_tab(self) -> None:
        """Build the page for one visitor."""
        await self._started.wait()  # NiceGUI serves pages while `start` still runs
        endpoint = self._endpoint_for(self._settings.model)
        choice = models.living(date.today()) if endpoint.is_openai else []
        if choice and endpoint.model not in choice:
            choice.append(endpoint.model)
        tab = Tab(
            Offer(
                server=endpoint.name,
                notice=servers.notice(self._settings),
                model=endpoint.model,
                models=choice,
                config=self._config,
                target=self._target,
                check=self._check,
                limits=Limits(self._settings.max_minutes, self._settings.idle_minutes, self._settings.max_cost),
            ),
            self._parking,
        )
        self._tabs.add(tab)
        # What takes half a second to import must not wait for the first word, nor delay the first page.
        ui.context.client.on_connect(self._warm)

    def _endpoint_for(self, model: str) -> Endpoint:
        if self._offline:
            return servers.offline(self._offline.url, self._settings)
        endpoint = servers.chosen(self._settings, model)
        assert endpoint is not None, "pages are served after start()"
        return endpoint

    @property
    def _config(self) -> SessionConfig:
        chosen = self._settings
        return SessionConfig(
            instructions=chosen.instructions,
            turn_detection=chosen.turn_detection,
            silence_ms=chosen.silence_ms,
            transcription_model=None if chosen.transcription_model == "none" else chosen.transcription_model,
            language=chosen.language,
            reasoning_effort=None if chosen.reasoning_effort == "none" else chosen.reasoning_effort,
        )

    def _target(self, model: str, config: SessionConfig) -> Target:
        endpoint = self._endpoint_for(model)
        if not models.known(endpoint.model).reasoning:
            config = replace(config, reasoning_effort=None)
        prices = models.known(model).prices if endpoint.is_openai else None
        return Target(lambda: self._connect(endpoint), config, endpoint.name, endpoint.model, endpoint.dialect, prices)

    async def _check(self, model: str) -> Problem | None:
        endpoint = self._endpoint_for(model)
        if self._offline:
            return None
        return self._look(endpoint) or await preflight.ask(endpoint, today=date.today())

    def _look(self, endpoint: Endpoint) -> Problem | None:
        return preflight.look(endpoint, today=date.today(), key_source=self._key_source)

    @property
    def _key_source(self) -> str:
        """Where the key came from."""
        name = "AZURE_OPENAI_API_KEY" if self._settings.azure_openai_endpoint else "OPENAI_API_KEY"
        return f"{name} (from {self._settings.sources[name]})" if name in self._settings.sources else "none"

    @property
    def _key_in_short(self) -> str:
        """For the server's own log: the key's source and its last four characters."""
        key = self._settings.azure_openai_api_key or self._settings.openai_api_key
        return f"{self._key_source} {key!r}" if key else "none"

    async def _warm(self) -> None:
        await asyncio.to_thread(audio.Resampler, 48_000)
        if self._offline:
            with suppress(RecognizerUnavailable):  # who speaks is told
                await self._offline.warm()

    @asynccontextmanager
    async def _connect(self, endpoint: Endpoint) -> AsyncIterator[Transport]:
        """Connect if there is a seat left, and nothing that speaks against it for certain."""
        problem = self._look(endpoint)
        if problem and problem.code != "model-retiring":
            raise Refused(problem.code, **problem.facts)
        if self._open_sessions >= self._settings.max_sessions:
            raise Refused("room-full", seats=str(self._settings.max_sessions))
        self._open_sessions += 1
        try:
            async with transport.connect(endpoint) as connection:
                yield connection
        except Refused as error:
            if error.problem.code == "key-refused" and not endpoint.headers:
                raise Refused("no-key", error.problem.detail, **error.problem.facts) from error
            raise
        finally:
            self._open_sessions -= 1


def main(argv: Sequence[str] | None = None) -> None:
    """Run until interrupted; exit code 2 and one line for a wrong setting."""
    try:
        chosen = settings.load(argv)
        _check_port(chosen.host, chosen.port)
    except SettingsError as error:
        sys.stderr.write(f"voice-ui: {error}\n")
        sys.exit(2)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_of_interest)
    run(chosen)


def _is_of_interest(record: logging.LogRecord) -> bool:
    """False for what starlette makes of a visitor who leaves while a file is on its way."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and str(error) == "No response returned.")


def run(chosen: Settings) -> None:
    """Serve the page with these settings until interrupted."""
    voice_ui = VoiceUI(chosen)
    app.on_startup(voice_ui.start)
    app.on_shutdown(voice_ui.stop)
    ui.page("/")(voice_ui.open_tab)
    # uvicorn stops in order at the first signal, and then raises it again: after an orderly stop all is well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        ui.run(
            host=chosen.host,
            port=chosen.port,
            title="Voice UI",
            favicon=FAVICON,
            dark=None,
            language="en-US",
            binding_refresh_interval=None,  # nothing is polled here
            reconnect_timeout=RECONNECT_SECONDS,
            reload=False,
            show=chosen.open_browser,
            tailwind=False,
            timeout_graceful_shutdown=1,
        )
    except KeyboardInterrupt:
        pass


def _check_port(host: str, port: int) -> None:
    """Raise SettingsError if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            if sys.platform != "win32":  # there it would let two servers share the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = error.strerror or str(error)
        other = "--port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "--host"
        raise SettingsError(f"cannot listen on {host} port {port} ({reason}); choose another with {other}") from None
