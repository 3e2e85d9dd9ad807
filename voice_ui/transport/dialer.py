"""Which way a connection is made: as it was chosen, and where WebRTC does not come about by websocket, saying so."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec

from voice_ui.errors import ConnectionFailed, Problem, SettingsError
from voice_ui.servers import Endpoint
from voice_ui.transport import websocket
from voice_ui.transport.interface import Transport

FALLS_BACK = {"webrtc-no-route", "webrtc-unsupported"}
"""What speaks against a call, and not against the server."""

REMEMBERED_SECONDS = 300.0
"""For so long a call that did not come about is not tried again: somebody waits for each try."""

_log = logging.getLogger("voice_ui.transport")


def check(transport: str) -> None:
    """Raise SettingsError if what was chosen is not installed."""
    if transport == "webrtc" and not find_spec("aiortc"):
        raise SettingsError(
            'VOICE_UI_TRANSPORT=webrtc needs packages: pip install -e ".[webrtc]"; or set it to websocket'
        )


class Dialer:
    """Makes connections for all sessions of a program."""

    def __init__(self, transport: str) -> None:
        """`transport` is `websocket` or `webrtc`."""
        self._transport = transport
        self._failed: tuple[float, Problem] | None = None  # when a call last came to nothing, and why

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint) -> AsyncIterator[Transport]:
        """Connect to `endpoint` and close at the end; raises Refused or ConnectionFailed."""
        async with AsyncExitStack() as stack:
            if self._transport == "websocket":
                yield await stack.enter_async_context(websocket.connect(endpoint))
                return
            from voice_ui.transport import webrtc  # late: nothing of it is needed where it was not chosen

            problem = self._recent_failure()
            if problem is None:
                try:
                    call = await stack.enter_async_context(webrtc.connect(endpoint))
                except ConnectionFailed as error:
                    problem = error.problem
                    if problem.code not in FALLS_BACK:
                        raise
                    _log.warning("%s: %s", problem.code, problem.detail)
                else:
                    yield call
                    return
            transport = await stack.enter_async_context(websocket.connect(endpoint))
            if problem is not self._recent_failure():  # where nothing gets through, it is not the call's fault
                self._failed = time.monotonic(), problem
            transport.problem = problem
            yield transport

    def _recent_failure(self) -> Problem | None:
        if self._failed and time.monotonic() - self._failed[0] < REMEMBERED_SECONDS:
            return self._failed[1]
        return None
