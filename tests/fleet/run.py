"""Three replicas behind HAProxy with a Redis; people talk while one after the other is killed and started anew."""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.browser.test_reverse_proxies import running, shown
from tests.fleet.person import Person
from tests.patience import SECOND
from tests.redis_server import RedisServer, redis_server
from tests.running import ROOT, clean_environment, free_port
from tests.servers.realtime import Behaviour, Realtime
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from tests.servers.words import MOST_WORDS
from voice_ui.sharing import certificate

NAMES = ("one", "two", "three")
SEATS = 16
CODE = "FLEETTEST23"

DOLLARS = 16.0
"""For a million tokens of text out; the test server reports five of them for a reply, and fifteen in."""
A_REPLY = (15 * 4.0 + 5 * DOLLARS) / 1_000_000

DOCUMENT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


@dataclass
class Outcome:
    """What a run came to."""

    people: list[Person]
    kills: int = 0
    most_seats: int = 0
    """Taken at once, as the store counts."""
    most_connections: int = 0
    """To the model at once, as the model counts."""
    replies: int = 0
    spent: float = 0.0
    wires: list[Wire] = field(default_factory=list)
    models: list[Realtime] = field(default_factory=list)

    @property
    def said(self) -> int:
        return sum(len(person.said) for person in self.people)

    @property
    def written(self) -> int:
        return sum(len(set(person.words_kept)) for person in self.people)

    @property
    def reported(self) -> int:
        return sum(len(person.reported) for person in self.people)

    @property
    def lost(self) -> int:
        return sum(len(person.lost) for person in self.people)

    def forgotten(self) -> list[str]:
        """Return where the model was not given what a page shows, for each person's last connection."""
        faults = []
        for number, person in enumerate(self.people):
            ours = set(person.said)
            last = None
            for model in self.models:
                heard = {n for utterance in model.record.utterances for n in utterance.words}
                given = {int(n) for text in model.record.items.values() for n in re.findall(r"\bw(\d+)\b", text)}
                if ours & (heard | given):
                    last = given, [n for utterance in model.record.utterances for n in utterance.words]
            if last is None:
                continue
            given, heard_last = last
            missing = [n for n in person.words_kept if n not in given and n not in heard_last]
            if missing:
                faults.append(f"person {number}: the model was not given {missing}")
        return faults

    def __str__(self) -> str:
        cuts = sum(person.cuts for person in self.people)
        return (
            f"{len(self.people)} people, {self.kills} replicas killed, {cuts} pages cut off; "
            f"words said {self.said}, written down {self.written}, reported lost {self.reported}, lost {self.lost}; "
            f"seats at most {self.most_seats} of {SEATS}, connections to the model at most {self.most_connections}; "
            f"{self.replies} replies, ${self.spent:.6f} counted, ${self.replies * A_REPLY:.6f} by the model's count"
        )


class Fleet:
    """The replicas, and what is around them."""

    def __init__(self, folder: Path, redis: RedisServer, model: ScriptedServer) -> None:
        self._folder, self.redis, self._model = folder, redis, model
        self._ports = {name: free_port() for name in NAMES}
        self._port = free_port()
        self.place = f"https://127.0.0.1:{self._port}/"
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    def haproxy(self) -> list[str]:
        """Return the command for HAProxy, with the configuration of the documentation."""
        certificate.own(self._folder, ["localhost", "127.0.0.1"])
        found = re.search(r"^```haproxy-replicas\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
        assert found
        text = shown("haproxy").partition("\nbackend voice")[0] + "\n" + found[1]
        text = text.replace("bind :443", f"bind 127.0.0.1:{self._port}")
        text = text.replace("certificate.pem", f"{self._folder}/certificate.pem")
        for documented, name in zip((8081, 8082, 8083), NAMES, strict=True):
            text = text.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{self._ports[name]}")
        (self._folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        return ["haproxy", "-db", "-f", str(self._folder / "haproxy.cfg")]

    async def start(self, name: str) -> None:
        """Start a replica, and wait until it is ready."""
        log = (self._folder / f"{name}.log").open("ab")
        self._processes[name] = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "main.py"), "--no-open", "--share", "--behind-proxy", "127.0.0.1",
            cwd=self._folder, stdout=log, stderr=log,
            env=clean_environment(
                VOICE_UI_PORT=str(self._ports[name]), VOICE_UI_REDIS_URL=self.redis.url, VOICE_UI_ACCESS_CODE=CODE,
                VOICE_UI_MAX_SESSIONS=str(SEATS), VOICE_UI_TRANSCRIPTION_MODEL="none",
                VOICE_UI_PRICES="gpt-realtime-2.1=text 4/0.40/16 audio 32/0.40/64",
                VOICE_UI_MAX_COST_TOTAL="1000", OPENAI_BASE_URL=self._model.url.partition("/realtime")[0],
                XDG_STATE_HOME=str(self._folder / name),
            ),
        )  # fmt: skip
        log.close()
        async with asyncio.timeout(30 * SECOND):
            while not await self._is_ready(name):
                assert self._processes[name].returncode is None, (self._folder / f"{name}.log").read_text()
                await asyncio.sleep(0.1)

    async def _is_ready(self, name: str) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._ports[name])
        except OSError:
            return False
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with suppress(OSError):
            answer = await reader.read()
            writer.close()
            return b" 200 " in answer[:20]
        return False

    async def kill(self, name: str) -> None:
        """Kill -9."""
        self._processes[name].kill()
        await self._processes[name].wait()

    async def stop(self) -> None:
        """End all replicas in good order."""
        for process in self._processes.values():
            if process.returncode is None:
                process.terminate()
        for process in self._processes.values():
            try:
                async with asyncio.timeout(30):
                    await process.wait()
            except TimeoutError:
                process.kill()


@asynccontextmanager
async def fleet(folder: Path, model: ScriptedServer) -> AsyncIterator[Fleet]:
    """Run three replicas behind HAProxy."""
    async with redis_server() as redis:
        found = Fleet(folder, redis, model)
        try:
            await asyncio.gather(*(found.start(name) for name in NAMES))
            async with running(found.haproxy(), found._port):
                yield found
        finally:
            await found.stop()


async def run(
    folder: Path,
    *,
    people: int,
    seconds: float,
    every: float,
    also: Callable[[str, asyncio.Event], Awaitable[None]] | None = None,
) -> Outcome:
    """Let people talk for so long, and kill a replica every so many seconds.

    `also` is called with the address of the page, and runs beside them until the event is set.
    """
    numbers = count(1)
    outcome = Outcome([])

    async def script(wire: Wire) -> None:
        model = Realtime(Behaviour(think_seconds=0.2), numbers)
        outcome.models.append(model)
        await model(wire)

    async with ScriptedServer(script).running(strict=False) as model, fleet(folder, model) as found:
        each = min(MOST_WORDS // max(1, people), 400)
        outcome.people = [Person(found.place, CODE, n, range(n * each, (n + 1) * each)) for n in range(people)]
        over = asyncio.Event()
        watching = asyncio.create_task(_watch(found, model, outcome))
        beside = asyncio.create_task(also(found.place, over)) if also else None
        living = [asyncio.create_task(person.live(seconds)) for person in outcome.people]
        began = time.monotonic()
        for name in (NAMES[n % 3] for n in count()):
            if time.monotonic() - began + every > seconds - 8:  # the last cut is followed by a few words
                break
            await asyncio.sleep(every * random.uniform(0.9, 1.1))
            await found.kill(name)
            outcome.kills += 1
            await found.start(name)
        await asyncio.gather(*living)
        over.set()
        if beside:
            await beside
        await asyncio.sleep(2)
        watching.cancel()
        outcome.wires = model.wires
        outcome.replies = sum(one.ended for one in outcome.models)
        outcome.spent = await _spent(found.redis)
    return outcome


async def _watch(found: Fleet, model: ScriptedServer, outcome: Outcome) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(found.redis.url) as redis:
        while True:
            now, _ = await redis.time()
            taken = await redis.zcount("voice-ui:seats", now * 1000, "+inf")
            outcome.most_seats = max(outcome.most_seats, taken)
            outcome.most_connections = max(outcome.most_connections, model.open)
            await asyncio.sleep(0.05)


async def _spent(server: RedisServer) -> float:
    from redis.asyncio import Redis

    async with Redis.from_url(server.url) as redis:
        return int(await redis.get("voice-ui:spent") or 0) / 1_000_000_000
