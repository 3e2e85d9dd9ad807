"""A simulated person: a page that behaves as panel.js and mic.js do when its process dies, and says numbered words."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import ssl
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Origin

from benchmarks.tab import PageTab, Wire
from tests.patience import until
from tests.servers.words import word
from voice_ui import audio

CHUNK_MS = 100
PAUSE_MS = 700.0
"""After a word; the server takes half a second of silence for the end of a turn."""

ANSWER_SECONDS = 20.0
REFUSED_SECONDS = 1.0

GONE = (OSError, WebSocketException, InvalidHandshake, httpx.HTTPError, TimeoutError, EOFError)


PLACE = "/ 0"
"""Of the panel on our page."""


class Person(PageTab):
    """Talks, leaves the microphone now and then, and comes back after every cut."""

    def __init__(self, place: str, code: str, number: int, words: range) -> None:
        super().__init__(place.rstrip("/"), lambda now, texts: None)
        self._code, self._words = code, iter(words)
        self._tab = f"{uuid4()}"
        self._address = {"X-Forwarded-For": f"198.51.100.{number + 1}"}
        self._random = random.Random(number)
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._web = httpx.AsyncClient(verify=False, trust_env=False)
        self._cookies: dict[str, str] = {}
        self._state = "idle"
        self._heard_at = 0.0
        self._kept: dict[str, str] = {}
        self._signed: tuple[str, str] = "", ""
        self._drafts: list[dict[str, Any]] = []
        self._talking = False
        self._says: bytes = b""
        self.said: list[int] = []
        self.reported: list[int] = []
        """Words that no process answered, and of which the page said so."""
        self.lost: list[int] = []
        self.problems: list[str] = []
        self.cuts = 0

    async def live(self, seconds: float) -> None:
        """Talk for so long."""
        end = time.monotonic() + seconds
        await self._enter()
        while time.monotonic() < end:
            try:
                await self._load()
                await self._talk(end)
            except GONE:
                self.cuts += 1
                await self._come_back()
        with suppress(*GONE):
            await self.wire.close()
        await self._web.aclose()

    # What is on the page.

    @property
    def items(self) -> list[dict[str, Any]]:
        """What the page keeps, in order."""
        return sorted(
            map(json.loads, self._kept.values()), key=lambda item: (item.get("turn", 1), item["role"] != "user")
        )

    @property
    def words_kept(self) -> list[int]:
        """The words that were written down, in order."""
        users = [item for item in self.items if item["role"] == "user" and item.get("status") == "completed"]
        return [int(number) for item in users for number in re.findall(r"w(\d+)", " ".join(item["parts"]))]

    def _is_answered(self, number: int) -> bool:
        turns = {
            item.get("turn", 1)
            for item in self.items
            if item["role"] == "user" and re.search(rf"\bw{number}\b", " ".join(item["parts"]))
        }
        return any(
            item["role"] == "assistant" and item.get("status") == "completed" and item.get("turn", 1) in turns
            for item in self.items
        )

    # Being there.

    async def _enter(self) -> None:
        answer = await self._get(f"{self._url}/?code={self._code}")
        assert answer.status_code == 303, answer.text

    async def _get(self, url: str) -> httpx.Response:
        while True:
            with suppress(httpx.HTTPError):
                answer = await self._web.get(url, timeout=20, headers=self._headers)
                self._take_cookies(answer.headers.get_list("set-cookie"))
                if answer.status_code < 500:
                    return answer
            await asyncio.sleep(0.5)

    @property
    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {**self._address, "Cookie": cookies} if cookies else self._address

    def _take_cookies(self, lines: list[str]) -> None:
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
            self._web.cookies.clear()

    async def _load(self) -> None:
        """Load the page, and connect it."""
        self._read_page((await self._get(f"{self._url}/")).text)
        self._synced, self._listening = asyncio.Event(), asyncio.Event()
        self._seq, self._state, self._kept = 0, "idle", {}
        self.problems.clear()
        answer = await self._connect()
        assert answer.startswith("40"), answer

    async def _connect(self) -> str:
        """Connect the page's socket; return what socket.io says to it."""
        query = {
            "client_id": self._client_id, "next_message_id": self._next_message_id, "implicit_handshake": "true",
            "document_id": f"{uuid4()}", "tab_id": self._tab, "old_tab_id": "null", "EIO": 4, "transport": "websocket",
        }  # fmt: skip
        wire = await connect(
            f"{self._url.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?{urlencode(query)}",
            create_connection=Wire, ping_interval=None, origin=Origin(self._url), ssl=self._tls, compression=None,
            additional_headers=self._headers, open_timeout=10, max_size=None,
        )  # fmt: skip
        assert isinstance(wire, Wire) and wire.response
        self._take_cookies(wire.response.headers.get_all("Set-Cookie"))
        self.wire = wire
        async with asyncio.timeout(10):
            await wire.recv()  # engine.io's greeting
            await wire.send("40")
            return str(await wire.recv())

    async def _come_back(self) -> None:
        """Do as nicegui.js and panel.js do: connect again; hand in what is shown if another process answers."""
        state, heard_at, cut_at = self._state, self._heard_at, time.monotonic()
        while True:
            try:
                answer = await self._connect()
                await self.wire.close()
                if answer.startswith("44"):
                    await self._hand_in(state, (cut_at - heard_at) * 1000)
                return
            except GONE:
                await asyncio.sleep(0.5)

    async def _hand_in(self, state: str, heard_ms: float) -> None:
        head, signature = self._signed
        lost_ms = heard_ms if state == "hearing" or any(item["role"] == "user" for item in self._drafts) else 0.0
        body = {
            "tab": self._tab, "place": PLACE, "items": list(self._kept.values()), "head": head, "signature": signature,
            "drafts": [], "lostMs": lost_ms, "talking": self._talking,
        }  # fmt: skip
        headers = {"Origin": self._url, **self._headers}
        answer = await self._web.post(f"{self._url}/_voice_ui/conversation", json=body, headers=headers, timeout=10)
        assert answer.status_code == 204, answer.text

    # Talking.

    async def _talk(self, end: float) -> None:
        reading = asyncio.create_task(self.read_loop())
        speaking = asyncio.create_task(self._speak_loop())
        talking = asyncio.create_task(self._turns(end))
        try:
            await asyncio.wait({reading, speaking, talking}, return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                talking.result()
                return
            raise EOFError
        finally:
            for task in (reading, speaking, talking):
                task.cancel()
            await asyncio.gather(reading, speaking, talking, return_exceptions=True)

    async def _turns(self, end: float) -> None:
        await self._emit("hello", '"\\"fleet\\""')
        await asyncio.wait_for(self._synced.wait(), 20)
        await self._settle_accounts()
        while time.monotonic() < end:
            if not await self._start():
                await asyncio.sleep(REFUSED_SECONDS)
                continue
            for _ in range(self._random.randint(2, 4)):
                await self._say_word()
                await asyncio.sleep(self._random.uniform(0.5, 2.5))
                if time.monotonic() > end:
                    break
            await self._stop()
            await asyncio.sleep(self._random.uniform(0.5, 2.0))

    async def _settle_accounts(self) -> None:
        """Find out what became of the words that were said last, now that the page shows what was kept."""
        await asyncio.sleep(1.0)
        known = {*self.words_kept, *self.reported, *self.lost}
        missing = [number for number in self.said if number not in known]
        (self.reported if "conversation-kept" in self.problems else self.lost).extend(missing)

    async def _start(self) -> bool:
        self._listening.clear()
        self.problems.clear()
        self._talking = True
        await self._post("starting", "null")
        await self._post("started", json.dumps({"rate": audio.SAMPLE_RATE, "device": "fleet"}))
        with suppress(AssertionError):
            await until(lambda: self._listening.is_set() or self.problems, 20)
        if not self._listening.is_set():
            self._talking = False
            await self._post("stopped", '"asked"')
        return self._listening.is_set()

    async def _stop(self) -> None:
        self._talking = False
        await self._post("stopped", '"asked"')
        with suppress(AssertionError):
            await until(lambda: self._state in {"idle", "error"}, 10)

    async def _say_word(self) -> None:
        if (number := next(self._words, None)) is None:
            return  # there are no more different ones; it goes on listening
        self.said.append(number)
        self._says += word(number) + audio.silence(PAUSE_MS)
        with suppress(AssertionError):
            await until(lambda: self._is_answered(number), ANSWER_SECONDS)

    async def _speak_loop(self) -> None:
        silence, due = audio.silence(CHUNK_MS), time.monotonic()
        while True:
            if self._talking and self._listening.is_set():
                chunk, self._says = self._says[: len(silence)] or silence, self._says[len(silence) :]
                self._seq += CHUNK_MS // audio.CHUNK_MS - 1
                await self._post("chunk", f'\\"{base64.b64encode(chunk).decode()}\\"', escaped=True)
            due += CHUNK_MS / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    # What comes.

    async def _take(self, now: float, message: str) -> None:
        await super()._take(now, message)
        if not message.startswith("42"):
            return
        for state in re.findall(r'"data-state":"(\w+)"', message):
            if state in {"idle", "opening", "off", "playing"} and '"data-testid":"status"' not in message:
                continue
            if state == "hearing" and self._state != "hearing":
                self._heard_at = now
            self._state = state
        self.problems += re.findall(r'"data-code":"([\w-]+)"', message)
        name, body = json.loads(message[2:])
        if name == "run_javascript" and '"keep", ' in body["code"]:
            self._keep(body["code"])

    def _keep(self, code: str) -> None:
        arguments, _ = json.JSONDecoder().raw_decode(code[code.index('"keep", ') + len('"keep", ') :])
        changes, head, signature, self._drafts = arguments
        for item_id, text in changes:
            if text is None:
                self._kept.pop(item_id, None)
            else:
                self._kept[item_id] = text
        self._signed = head, signature
