"""Any realtime server: both dialects unasked, and models that are told to be gone before anybody speaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import open_talk
from tests.running import program
from tests.servers.faulty import serve
from tests.servers.realtime import Behaviour, Realtime
from tests.servers.scripted import ScriptedServer

KEY = "sk-proj-0123456789abcdefghij"


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_server_of_either_dialect_is_understood_unasked(
    dialect: str, tmp_path: Path, open_browser: OpenBrowser
) -> None:
    # Either refuses, or complains of, every field that belongs to the other dialect.
    serving = ScriptedServer(Realtime(Behaviour(loud_peak=1000)), beta=True).running() if dialect == "beta" else serve()
    heard, reply = ("hm", "Reply to") if dialect == "beta" else ("seven plus five", "12")
    async with serving as server:
        base = server.url.partition("/realtime")[0].replace("ws://", "http://")
        async with program(folder=tmp_path, OPENAI_BASE_URL=base) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.heard).to_contain_text(heard, ignore_case=True)
            await expect(talk.response).to_contain_text(reply)
            await talk.is_in("listening")
            await expect(talk.error).to_be_hidden()
            await talk.stop()
            await talk.is_in("idle")


async def test_a_model_that_is_gone_is_told_before_connecting_and_its_successor_is_one_click_away(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    model = "gpt-4o-realtime-preview-2024-12-17"
    async with program(folder=tmp_path, OPENAI_API_KEY=KEY, VOICE_UI_MODEL=model) as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.shows_error("model-retired")
        await expect(talk.error).to_contain_text(model)
        await expect(talk.error).to_contain_text("2026-05-07")
        await talk.start()
        await talk.is_in("error")
        await talk.page.get_by_role("button", name="Use gpt-realtime-2.1").click()
        await expect(talk.error).to_be_hidden()
        await expect(talk.page.get_by_test_id("model")).to_have_text("gpt-realtime-2.1")


async def test_the_picker_offers_models_that_live(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path, OPENAI_API_KEY=KEY) as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.open_settings()
        await talk.page.get_by_role("combobox", name="Model", exact=True).click()
        await expect(talk.page.get_by_role("option").first).to_be_visible()
        offered = await talk.page.get_by_role("option").all_inner_texts()
        assert offered[0] == "gpt-realtime-2.1"
        assert "gpt-realtime-2.1-mini" in offered
        assert not [name for name in offered if "preview" in name]


async def test_a_placeholder_is_told_before_connecting(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path, OPENAI_API_KEY="sk-your-key-here") as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.shows_error("key-placeholder")
        await expect(talk.error).to_contain_text("environment")
