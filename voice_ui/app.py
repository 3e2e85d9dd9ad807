"""Wiring: settings in, running app out."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from nicegui import app, background_tasks, ui

from voice_ui import audio, models, servers, settings, transport
from voice_ui.errors import Refused, SettingsError
from voice_ui.offline import server as offline_server
from voice_ui.page import Banner, Tab
from voice_ui.protocol import SessionConfig
from voice_ui.session import RealtimeSession
from voice_ui.settings import Settings
from voice_ui.transport import Transport

RECONNECT_SECONDS = 15.0
"""How long a tab may be out of touch before its session is given up; longer means noticing a closed one later."""

FAVICON = Path(__file__).parent / "page" / "favicon.svg"


class VoiceUI:
    """The running app: which server it speaks to, and how many sessions are open."""

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen
        self._endpoint = servers.chosen(chosen)
        self._offline: offline_server.OfflineServer | None = None
        self._open_sessions = 0
        self._resources = AsyncExitStack()

    async def start(self) -> None:
        """Bring up the practice server if it is the one to answer; called once the loop runs."""
        if self._endpoint is None:
            self._offline = await self._resources.enter_async_context(offline_server.serve())
            self._endpoint = servers.offline(self._offline.url, self._settings)

    async def stop(self) -> None:
        """Let go of what `start` brought up."""
        await self._resources.aclose()

    def open_tab(self) -> None:
        """Build the page for one visitor."""
        endpoint = self._endpoint
        assert endpoint is not None, "pages are served after start()"
        session = RealtimeSession(self._connect, _config(self._settings), server_name=endpoint.name)
        Tab(session, Banner(f"{endpoint.name} · {endpoint.model}", servers.notice(self._settings)))
        # What takes half a second to import must not wait for the first word, nor delay the first page.
        background_tasks.create_lazy(self._warm(), name="warm")

    async def _warm(self) -> None:
        await ui.context.client.connected()
        await asyncio.to_thread(audio.Resampler, 48_000)
        if self._offline:
            await self._offline.warm()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Transport]:
        """Connect to the chosen server, if there is a seat left."""
        assert self._endpoint is not None
        if self._open_sessions >= self._settings.max_sessions:
            raise Refused("room-full", seats=str(self._settings.max_sessions))
        self._open_sessions += 1
        try:
            async with transport.connect(self._endpoint) as connection:
                yield connection
        finally:
            self._open_sessions -= 1


def _config(chosen: Settings) -> SessionConfig:
    return SessionConfig(
        instructions=chosen.instructions,
        turn_detection=chosen.turn_detection,
        silence_ms=chosen.silence_ms,
        transcription_model=None if chosen.transcription_model == "none" else chosen.transcription_model,
        language=chosen.language,
        reasoning_effort=chosen.reasoning_effort if models.reasons(chosen.model) else None,
    )


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
    run(chosen)


def run(chosen: Settings) -> None:
    """Serve the page with these settings until interrupted."""
    voice_ui = VoiceUI(chosen)
    app.on_startup(voice_ui.start)
    app.on_shutdown(voice_ui.stop)
    ui.page("/")(voice_ui.open_tab)
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
        raise SettingsError(f"cannot listen on {host} port {port} ({reason}); choose another with --port") from None
