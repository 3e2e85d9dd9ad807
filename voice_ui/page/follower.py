"""Passes a session's events to a panel, one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from voice_ui.session import RealtimeSession, SessionEvent

_log = logging.getLogger("voice_ui.page")


class Follower:
    """Reads a session in a task of its own, until it is stopped."""

    def __init__(self, session: RealtimeSession, handle: Callable[[SessionEvent], object]) -> None:
        self._session = session
        self._handle = handle
        self._task = asyncio.get_running_loop().create_task(self._follow_loop(), name="follow session")

    def stop(self) -> None:
        """Stop reading; the next follower continues from here."""
        self._task.cancel()

    async def _follow_loop(self) -> None:
        async for event in self._session:
            try:
                self._handle(event)
            except Exception:
                # One event that cannot be shown must not stop all later ones.
                _log.exception("the page could not show %s", type(event).__name__)
