"""A person speaks, and the model calls functions: each call stands on the page, whatever becomes of it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import ROOT, OpenBrowser, OpenProgram
from tests.browser.inspector import Panel
from tests.browser.page import Talk, open_talk
from tests.browser.test_accessibility import look_at
from tests.cable import Cable
from tests.patience import SECOND, until
from tests.running import free_port, program
from tests.speech import spoken
from voice_ui.offline import server as practice

TOOLS = ("--tools", str(ROOT / "tests" / "servers" / "browser_tools.py"))
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


def call(talk: Talk, name: str) -> Locator:
    return talk.page.get_by_test_id("tool").and_(talk.page.locator(f"[data-name={name}]"))


async def is_over(talk: Talk, name: str, status: str) -> Locator:
    """Wait until a call has a result, and unfold it."""
    found = call(talk, name)
    await expect(found).to_have_attribute("data-status", status, timeout=30_000 * SECOND)
    await found.locator("summary").focus()
    await talk.page.keyboard.press("Enter")
    await expect(found.locator("pre").last).to_be_visible()
    return found


async def test_a_tool_is_called_by_voice(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    question = await spoken("What is the weather in London?")
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await expect(talk.response).to_contain_text("Weather: <b>sunny</b> in London", timeout=30_000 * SECOND)
        found = await is_over(talk, "get_weather", "done")
        await expect(found).to_contain_text('"town": "London"')
        await expect(found.locator("pre").last).to_have_text("<b>sunny</b> in London")  # text, not markup
        assert await look_at(talk.page, "a call that is done") == []
        await talk.stop()
        await talk.is_in("idle")
        assert not talk.complaints
        assert "London" not in app.log
        assert "sunny" not in app.log


async def test_a_call_is_approved_with_the_keyboard(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    question = await spoken("Order a large pizza.")
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await expect(call(talk, "order_pizza")).to_have_attribute("data-status", "waiting", timeout=30_000 * SECOND)
        await talk.is_in("thinking")
        await expect(call(talk, "order_pizza")).to_contain_text("waiting for your approval")
        await expect(call(talk, "order_pizza").locator("pre")).to_contain_text('"size": "large"')
        assert await look_at(talk.page, "a call that waits") == []
        await talk.page.get_by_role("button", name="Approve order_pizza").focus()
        await talk.page.keyboard.press("Enter")
        await is_over(talk, "order_pizza", "done")
        await expect(talk.response).to_contain_text("one large pizza is on its way")
        assert not talk.complaints


async def test_a_call_is_refused(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    question = await spoken("Order a large pizza.")
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await talk.page.get_by_test_id("refuse").click(timeout=30_000 * SECOND)
        await is_over(talk, "order_pizza", "refused")
        await expect(talk.response).to_contain_text("not approved")
        await expect(talk.page.get_by_test_id("approve")).to_be_hidden()
        await talk.is_in("listening")


async def test_a_call_that_fails_costs_no_session(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    question = await spoken("Could you explode the balloon?")
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        failed = await is_over(talk, "explode", "failed")
        await expect(failed).to_contain_text("the balloon is empty")
        await expect(talk.response).to_contain_text("that did not work")
        await talk.is_in("listening")
        assert "the balloon is empty" not in app.log


async def test_a_call_that_takes_too_long_costs_no_session(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    question = await spoken("Count the stars.")
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        late = await is_over(talk, "count_stars", "failed")
        await expect(late).to_contain_text("did not finish within 1 seconds")
        await expect(talk.response).to_contain_text("that did not work")
        await talk.is_in("listening")


async def test_two_calls_at_once(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    question = await spoken("What is the weather in London and what is the weather in Paris?")
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await expect(talk.response).to_contain_text("in London", timeout=30_000 * SECOND)
        await expect(talk.response).to_contain_text("in Paris")
        await expect(call(talk, "get_weather")).to_have_count(2)


async def test_a_slow_call_under_further_talk(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    question = await spoken("Search the archive for old maps.", "What is seven plus five?", pause_ms=6000)
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser(question) as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        slow = call(talk, "search_archive")
        await expect(slow).to_have_attribute("data-status", "running", timeout=30_000 * SECOND)
        await expect(talk.response).to_contain_text("12", timeout=30_000 * SECOND)
        # What was asked first stands in the turn above, and is answered there.
        await expect(talk.history.get_by_test_id("tool")).to_have_attribute(
            "data-status", "done", timeout=30_000 * SECOND
        )
        await expect(talk.history).to_contain_text("three letters about old maps")
        await talk.is_in("listening")
        assert not talk.complaints


async def test_a_call_during_a_cut_connection(tmp_path: Path, open_browser: OpenBrowser) -> None:
    question = await spoken("Search the archive for old maps.")
    async with practice.serve("127.0.0.1", 0) as server, open_browser(question) as browser:
        cable = Cable(int(server.url.split(":")[2].split("/")[0]))
        async with cable.laid() as port:
            url = f"http://127.0.0.1:{port}/v1"
            environment = {**ENVIRONMENT, "OPENAI_BASE_URL": url, "VOICE_UI_MODEL": "practice"}
            async with program(*TOOLS, folder=tmp_path, **environment) as app:
                talk = await open_talk(browser, app.url)
                await talk.start()
                slow = call(talk, "search_archive")
                await expect(slow).to_have_attribute("data-status", "running", timeout=30_000 * SECOND)
                cable.cut()
                await expect(talk.response).to_contain_text("three letters about old maps", timeout=30_000 * SECOND)
                await expect(slow).to_have_attribute("data-status", "done")
                await talk.is_in("listening")


async def test_the_inspector_shows_the_event_that_made_a_call(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program(*TOOLS, **ENVIRONMENT) as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        inspector = await Panel(talk.page).open()
        await talk.type("What is the weather in London?")
        found = await is_over(talk, "get_weather", "done")
        await found.get_by_role("button", name="Show event").click()
        marked = inspector.panel.locator(".inspector-row.marked")
        await expect(marked).to_contain_text("response.output_item.done")


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_an_mcp_server_is_used_by_voice(transport: str, tmp_path: Path, open_browser: OpenBrowser) -> None:
    question = await spoken("Please add 7 and 5.")
    async with mcp_server(transport) as where:
        async with program(folder=tmp_path, VOICE_UI_MCP=f"tests={where}") as app, open_browser(question) as browser:
            await until(lambda: "mcp server tests: " in app.log, 30, what="its tools are known")
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("12", timeout=30_000 * SECOND)
            await expect(call(talk, "add")).to_have_attribute("data-status", "done")


@asynccontextmanager
async def mcp_server(transport: str) -> AsyncIterator[str]:
    """Yield what VOICE_UI_MCP names: the command of a server, or the address of one that runs."""
    command = (sys.executable, str(ROOT / "tests" / "servers" / "mcp_server.py"))
    if transport == "stdio":
        yield " ".join(command)
        return
    port = free_port()
    process = await asyncio.create_subprocess_exec(*command, str(port))
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


def test_a_file_that_is_no_tool_ends_the_start_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "my_tools.py"
    path.write_text("from voice_ui import tool\n\n@tool\ndef nothing(x): 'Nothing.'\n")
    environment = {**os.environ, **ENVIRONMENT}
    command = [sys.executable, str(ROOT / "main.py"), "--no-open", "--tools", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == f"voice-ui: {path}:3: nothing cannot be a tool: its parameter x has no type hint\n"


@pytest.mark.parametrize("allowed", ["no", "yes"])
async def test_visitors_use_tools_only_if_the_owner_says_so_and_approve_their_own_calls(
    allowed: str, tmp_path: Path, open_browser: OpenBrowser
) -> None:
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(tmp_path), "VOICE_UI_TOOLS_FOR_VISITORS": allowed}
    async with program("--share", *TOOLS, folder=tmp_path, **environment) as app, open_browser() as browser:
        owner = await open_talk(browser, app.url)
        context = await browser.new_context(ignore_https_errors=True, permissions=["microphone"])
        guest = await open_talk(context, re.findall(r"https://\S+", app.log)[0])
        await guest.type("Order a large pizza.")
        if allowed == "no":
            await expect(guest.response).to_contain_text("Order a large pizza")
            await expect(call(guest, "order_pizza")).to_have_count(0)
        else:
            await expect(call(guest, "order_pizza")).to_have_attribute("data-status", "waiting")
            await expect(owner.page.get_by_test_id("approve")).to_have_count(0)
            await guest.page.get_by_test_id("approve").click()
            await expect(guest.response).to_contain_text("one large pizza is on its way")
        await owner.type("Order a small pizza.")
        await expect(call(owner, "order_pizza")).to_have_attribute("data-status", "waiting")
        await expect(guest.page.get_by_test_id("approve")).to_have_count(0)
        await owner.page.get_by_test_id("refuse").click()
        await expect(owner.response).to_contain_text("not approved")
