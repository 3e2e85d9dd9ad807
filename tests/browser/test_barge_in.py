"""Speech over a reply, on the page: the reply dims, and is bright again or cut short."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.running import program
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from voice_ui import audio

PENDING = re.compile(r"\bvp-pending\b")


async def test_a_reply_dims_while_it_is_open_whether_speech_cuts_it_short(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    seen = asyncio.Queue[str]()

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story.")
        await wire.begin_reply("Once upon a time", response="r1", item="a1")
        for item, transcript in (("u2", ""), ("u3", "Stop, please.")):
            await seen.get()
            await wire.say("input_audio_buffer.speech_started", item_id=item, audio_start_ms=0)
            await seen.get()
            await wire.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
            await wire.transcribe(item, transcript)
        await wire.hear("response.cancel")
        await wire.end_reply("r1", "cancelled", "client_cancelled")
        await wire.hear("response.create")
        await wire.reply("As you wish.", response="r2", item="a2")
        await wire.until_closed()

    async def goes_through(talk: Talk) -> None:
        await expect(talk.response).to_contain_text("Once upon a time")
        await expect(talk.response).not_to_have_class(PENDING)
        seen.put_nowait("the reply")
        await expect(talk.response).to_have_class(PENDING)
        seen.put_nowait("it is dimmed")

    async with ScriptedServer(script).running() as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        async with program(folder=tmp_path, OPENAI_BASE_URL=url) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await goes_through(talk)
            await goes_through(talk)
            await expect(talk.response).to_have_text("As you wish.")
            await expect(talk.heard).to_have_text("Stop, please.")
            await expect(talk.history).to_contain_text("cut short")
            await talk.is_in("listening")
        assert server.failures == []


async def test_a_reply_aloud_goes_on_after_a_cough_although_the_microphone_was_muted_meanwhile(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    muted = asyncio.Event()

    async def script(wire: Wire) -> None:
        place = {"response_id": "r1", "item_id": "a1", "output_index": 0, "content_index": 0}
        await wire.configure()
        await wire.heard_speech("u1", "Tell me a story.")
        await wire.say("response.created", response={"id": "r1", "status": "in_progress"})
        await wire.say("response.output_audio_transcript.delta", **place, delta="Once upon a time")
        for _ in range(5):
            await wire.say("response.output_audio.delta", **place, delta=audio.encode(b"\x00\x20\x00\xe0" * 12_000))
        await wire.end_reply("r1")
        await wire.say("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=0)
        await muted.wait()
        await wire.say("input_audio_buffer.speech_stopped", item_id="u2", audio_end_ms=0)
        await wire.say("input_audio_buffer.committed", item_id="u2", previous_item_id=None)
        await wire.transcribe("u2", "")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        spoken = {"OPENAI_BASE_URL": url, "VOICE_UI_OUTPUT": "audio"}
        async with program(folder=tmp_path, **spoken) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_have_class(PENDING)
            await talk.page.get_by_test_id("mute").click()
            await expect(talk.page.get_by_test_id("mute")).to_have_attribute("aria-pressed", "true")
            muted.set()
            await expect(talk.response).not_to_have_class(PENDING)
            await talk.is_in("listening")
            await expect(talk.page.get_by_test_id("speaker")).to_have_attribute("data-played-ms", "5000")
            assert await talk.page.locator("[data-heard]").count() == 0
