"""SIGTERM: the running reply is written to its end, nobody begins anew, and every page is told to reconnect."""

from __future__ import annotations

import asyncio
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import open_talk
from tests.browser.test_life import base_url, talks_for_ever
from tests.patience import SECOND, until
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program

REPLY = [f"word{number} " for number in range(60)]


async def talks_for_three_seconds(wire: Wire) -> None:
    await wire.configure()
    reading = asyncio.create_task(wire.until_closed())
    await wire.heard_speech(item="u1", transcript="tell me a story", end_ms=0)
    await wire.say("response.created", response={"id": "r1"})
    for delta in REPLY:
        await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta=delta)
        await asyncio.sleep(0.05)
    await wire.end_reply("r1")
    await reading


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def test_a_reply_under_way_at_sigterm_is_whole_on_the_page(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with ScriptedServer(talks_for_three_seconds).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            other = await open_talk(browser, app.url)
            talk = await open_talk(browser, app.url)
            sockets: list[str] = []
            other.page.on("websocket", lambda socket: sockets.append(socket.url))
            await talk.start()
            await expect(talk.response).to_contain_text("word5 ")
            assert await asyncio.to_thread(status, f"{app.url}/readyz") == 200
            app.process.send_signal(signal.SIGTERM)
            await until(lambda: sockets, what="the page that is at rest was told to reconnect")
            assert app.process.returncode is None
            assert await asyncio.to_thread(status, f"{app.url}/readyz") == 503
            assert await asyncio.to_thread(status, f"{app.url}/healthz") == 200
            assert await asyncio.to_thread(status, app.url) == 503
            await until(lambda: app.process.returncode is not None, 15, what="the program ends")
            assert app.process.returncode == 0
            await expect(talk.response).to_have_text("".join(REPLY).strip())
            await talk.shows_error("program-restarting")
            assert server.wires[0].websocket.close_code == 1000, "the model's server was told goodbye"


async def test_nobody_begins_anew_while_the_program_drains(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with ScriptedServer(talks_for_ever).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk, other = await open_talk(browser, app.url), await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("word5 ")
            # It stays connected, as one that is slow to leave.
            await other.page.evaluate("window.socket.io.engine.close = () => {}")
            app.process.send_signal(signal.SIGTERM)
            await until(lambda: "draining" in app.log)
            await other.start()
            await other.shows_error("program-restarting")
            start = time.monotonic()
            app.process.send_signal(signal.SIGTERM)
            await until(lambda: app.process.returncode is not None, 10)
            assert time.monotonic() - start < 3 * SECOND, "a second signal ends it at once"
            assert app.process.returncode == 0


async def test_a_reply_without_an_end_is_ended_when_the_time_is_over(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with ScriptedServer(talks_for_ever).running() as server:
        environ = {"OPENAI_BASE_URL": base_url(server), "VOICE_UI_DRAIN_SECONDS": "2"}
        async with program(folder=tmp_path, **environ) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("word5 ")
            start = time.monotonic()
            app.process.send_signal(signal.SIGTERM)
            await until(lambda: app.process.returncode is not None, 10)
            assert 2 < time.monotonic() - start < 6 * SECOND
            await until(lambda: server.open == 0)
