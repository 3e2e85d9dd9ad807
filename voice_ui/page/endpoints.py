"""A panel's defaults: the server in the settings, otherwise the practice server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import cache

from nicegui import app, background_tasks

from voice_ui import servers, settings
from voice_ui.offline import server as offline_server
from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.defaults import default_brain
from voice_ui.offline.recognizer import RecognizerUnavailable
from voice_ui.page.conversations import Conversations
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.settings import Settings

_resources = AsyncExitStack()  # of the practice server
_lock = asyncio.Lock()
_practice: list[Endpoint] = []  # one at most


@cache
def _settings() -> Settings:
    return settings.load([])


def from_settings() -> Endpoint | None:
    """Return the server in the settings, None for the practice server; raises SettingsError if a setting is wrong."""
    return servers.chosen(_settings())


def config_from_settings() -> SessionConfig:
    """Return the session config in the settings; raises SettingsError if a setting is invalid."""
    return servers.config_of(_settings())


async def practice() -> Endpoint:
    """Return the practice server of this program, started on first use."""
    async with _lock:
        if not _practice:
            brain = default_brain(ChatEndpoint.of(_settings()))
            server = await _resources.enter_async_context(offline_server.serve(brain=brain))
            app.on_shutdown(_resources.aclose)
            background_tasks.create(_warm(server), name="warm the practice server")
            _practice.append(servers.offline(server.url, _settings()))
        return _practice[0]


async def _warm(server: offline_server.PracticeServer) -> None:
    with suppress(RecognizerUnavailable):  # reported when somebody speaks
        await server.warm()


@cache
def default_conversations() -> Conversations:
    """Return the default list of conversations; they are closed when the program ends."""
    conversations = Conversations()
    app.on_shutdown(conversations.close_all)
    return conversations
