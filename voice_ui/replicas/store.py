"""The connection to Redis or Valkey, and the beat at which this replica says that it is alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voice_ui.errors import Refused, SettingsError

if TYPE_CHECKING:
    from redis.asyncio import Redis

BEAT_SECONDS = 1.0
"""How often leases are renewed and what others changed is read; a room that was closed is closed everywhere by then."""

TIMEOUT_SECONDS = 2.0
"""For one answer. Whoever presses Start waits no longer."""

PREFIX = "voice-ui:"

_log = logging.getLogger("voice_ui.replicas")


def check(url: str | None) -> None:
    """Raise SettingsError if the package for it is not installed."""
    if url and not find_spec("redis"):
        raise SettingsError('VOICE_UI_REDIS_URL needs a package: pip install -e ".[redis]"')


class Store:
    """One connection pool. `redis` raises what the package raises; `ask` translates it."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # late: most programs run alone
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        parts = urlsplit(url)
        self.address = f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
        """Without a password, for a message."""
        self.redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # once: the connection may have been closed while it was idle
        )
        self._each_beat: list[Callable[[], Awaitable[object]]] = []
        self._beating: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_away = False

    def each_beat(self, call: Callable[[], Awaitable[object]]) -> None:
        """Have something brought up to date every `BEAT_SECONDS`."""
        self._each_beat.append(call)

    async def start(self) -> None:
        """Do all of it once, and from then on in the background."""
        await self._beat()
        self._beating = asyncio.get_running_loop().create_task(self._beat_loop(), name="beat")

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        if self._beating:
            self._beating.cancel()
            await asyncio.gather(self._beating, *self._tasks, return_exceptions=True)
        await self.redis.aclose()

    async def ask(self, question: Awaitable[Any]) -> Any:
        """Await an answer; raises Refused (`store-away`) if there is none."""
        from redis.exceptions import RedisError

        task = asyncio.current_task()
        cancels = task.cancelling() if task else 0
        try:
            answer = await question
        except (RedisError, OSError, TimeoutError) as error:
            raise Refused("store-away", f"{type(error).__name__}: {error}", store=self.address) from error
        finally:
            if task and task.cancelling() > cancels:  # the package took it for a lost connection
                raise asyncio.CancelledError
        self._show_away(False)
        return answer

    def in_background(self, work: Awaitable[object]) -> None:
        """Do something that nobody waits for; where it fails, the next beat or a lease makes it good."""

        async def quietly() -> None:
            try:
                await self.ask(work)
            except Refused:
                self._show_away(True)

        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(quietly(), name="store")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beat_loop(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self._beat()

    async def _beat(self) -> None:
        for call in self._each_beat:
            try:
                await self.ask(call())
            except Refused:
                self._show_away(True)
                return
            except Exception:
                _log.exception("a beat failed")

    def _show_away(self, is_away: bool) -> None:
        if is_away != self._is_away:
            self._is_away = is_away
            words = "cannot be reached: nobody can start" if is_away else "is back"
            _log.warning("the store at %s %s", self.address, words)
