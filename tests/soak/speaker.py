"""The page's loudspeaker: plays what it is given at the pace of time, and reports how much of it was played."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Literal

from voice_ui import audio
from voice_ui.session import RealtimeSession

REPORT_SECONDS = 0.1

Manner = Literal["plays", "suspended", "deaf"]
"""`suspended`: the browser plays nothing; `deaf`: it never answers that it has stopped."""


class LoudSpeaker:
    """Plays the items of a reply one after the other; see `voice_ui.page.spoken_replies` for the real one."""

    def __init__(self, manner: Manner, dice: random.Random) -> None:
        self.played_ms: dict[str, float] = {}
        """By item: everything that was ever played of it."""
        self.heard_of: set[str] = set()
        """Items of which audio has come."""
        self.cut: set[str] = set()
        """Those of which no more may come: they were to be stopped."""
        self._manner, self._dice = manner, dice
        self._queue: deque[list[float | str]] = deque()  # items, with the milliseconds that are left of each

    async def play(self, session: RealtimeSession) -> None:
        """Play until cancelled."""
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            left_ms = 0.0 if self._manner == "suspended" else REPORT_SECONDS * 1000
            while self._queue and left_ms > 0:
                item_id, waiting_ms = str(self._queue[0][0]), float(self._queue[0][1])
                step_ms = min(left_ms, waiting_ms)
                left_ms -= step_ms
                self._queue[0][1] = waiting_ms - step_ms
                self.played_ms[item_id] += step_ms
                if waiting_ms <= step_ms:
                    self._queue.popleft()
                session.take_played(item_id, self.played_ms[item_id])

    def take(self, item_id: str, pcm: bytes) -> None:
        """Play this after what came before."""
        self.heard_of.add(item_id)
        self.played_ms.setdefault(item_id, 0.0)
        if not self._queue or self._queue[-1][0] != item_id:
            self._queue.append([item_id, 0.0])
        self._queue[-1][1] = float(self._queue[-1][1]) + audio.milliseconds(pcm)

    def stop(self, session: RealtimeSession) -> None:
        """Stop at once, and report it a little later."""
        self.cut |= self.heard_of
        item_id = str(self._queue[0][0]) if self._queue else ""
        self._queue.clear()
        if self._manner != "deaf":
            played_ms = self.played_ms.get(item_id, 0.0)
            report = lambda: session.take_played(item_id, played_ms, stopped=True)  # noqa: E731
            asyncio.get_running_loop().call_later(self._dice.choice((0.0, 0.05, 0.3)), report)

    def leave(self, session: RealtimeSession) -> None:
        """The page is loaded anew: nobody plays what came before."""
        self._queue.clear()
        session.take_played("", 0, stopped=True)
