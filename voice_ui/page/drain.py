"""The end of the program in good order: running replies finish, and every page is told to reconnect."""

from __future__ import annotations

import asyncio
import logging

from voice_ui.page.conversations import Conversations, LiveConversation
from voice_ui.session import Phase, Seats

LOOK_SECONDS = 0.1
"""How often conversations are looked at for a quiet moment."""

DELIVERY_SECONDS = 0.5
"""For the last words to reach the pages, and for these to leave."""

BUSY = {Phase.HEARING, Phase.THINKING, Phase.ANSWERING}
"""Somebody speaks, or a reply is under way: closing the microphone now would cut it short."""

_log = logging.getLogger("voice_ui.page")


class Drain:
    """Ends conversations as soon as nothing in them is under way."""

    def __init__(self, conversations: Conversations, seats: Seats, seconds: float) -> None:
        """`seconds` is the longest it may take."""
        self._conversations, self._seats, self._seconds = conversations, seats, seconds
        self.is_on = False
        """Whether the program is about to end."""
        self._sent_away: set[LiveConversation] = set()

    async def run(self) -> None:
        """Return when every conversation is at rest, or the time is over."""
        self.is_on = True
        self._seats.closed_for = "program-restarting"
        _log.info("draining: %d conversations", len(self._conversations))
        try:
            async with asyncio.timeout(self._seconds):
                await self._finish()
        except TimeoutError:
            _log.warning("draining took longer than %g s: what still runs is ended", self._seconds)
        await asyncio.sleep(DELIVERY_SECONDS)

    async def _finish(self) -> None:
        while True:
            if not self._are_running():
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _are_running(self) -> bool:
        """Bring each conversation nearer to its end; return whether one still runs."""
        talking = False
        for conversation in self._conversations:
            if conversation.is_talking:
                talking = True
                if conversation.session.state.phase not in BUSY:
                    conversation.session.stop_for("program-restarting")
            elif conversation.holder and conversation not in self._sent_away:
                self._sent_away.add(conversation)
                conversation.holder.reconnect()
        return talking
