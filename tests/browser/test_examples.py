"""Each example does what it shows, run as a user runs it, with speech. (level_meter: mic/test_capture.py.)"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ROOT, OpenBrowser
from tests.clips import clip
from tests.patience import SECOND
from tests.running import clean_environment, free_port
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from voice_ui.offline import server as practice

EXAMPLES = ROOT / "examples"

expect.set_options(timeout=15_000 * SECOND)

# Started as a user does, but for the port.
START = """
import functools, runpy, sys
from nicegui import ui
ui.run = functools.partial(ui.run, port=int(sys.argv.pop(1)), show=False)
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@asynccontextmanager
async def running(*command: str, port: int, folder: Path) -> AsyncIterator[str]:
    """Run a program until it answers on `port`; yield its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=folder,
        env=clean_environment(PYTHONPATH=str(ROOT)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30 * SECOND):
            while True:
                assert process.returncode is None, (await process.stderr.read()).decode() if process.stderr else ""
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def example(name: str, *arguments: str, folder: Path, port: int) -> tuple[str, ...]:
    return ("-c", START, str(port), str(EXAMPLES / name), *arguments)


async def page_in(browser: Browser, **options: object) -> Page:
    context = await browser.new_context(permissions=["microphone"], **options)  # type: ignore[arg-type]
    return await context.new_page()


async def test_a_panel_in_five_lines_answers_speech(tmp_path: Path, open_browser: OpenBrowser) -> None:
    port = free_port()
    command = example("panel.py", folder=tmp_path, port=port)
    async with running(*command, port=port, folder=tmp_path) as url, open_browser() as browser:
        page = await page_in(browser)
        await page.goto(url)
        await page.get_by_role("button", name="Start").click()
        await expect(page.get_by_test_id("heard")).to_contain_text("seven plus five", ignore_case=True)
        await expect(page.get_by_test_id("response")).to_contain_text("12")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_test_id("status")).to_have_attribute("data-state", "idle")


async def test_a_panel_below_a_path_of_a_fastapi_app_behind_its_login(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    port = free_port()
    command = ("-m", "uvicorn", "examples.fastapi_panel:app", "--port", str(port))
    async with running(*command, port=port, folder=ROOT) as url, open_browser() as browser:
        stranger = await page_in(browser)
        assert (await stranger.request.get(f"{url}/assistant/")).status == 401
        page = await page_in(browser, http_credentials={"username": "me", "password": "secret"})
        await page.goto(url)
        await page.get_by_role("link").click()
        await page.get_by_role("button", name="Start").click()
        await expect(page.get_by_test_id("response")).to_contain_text("12")
        await expect(page.get_by_text("characters")).to_be_visible()
        assert await page.title() == "My assistant"


async def test_two_panels_hold_two_conversations_that_never_meet(tmp_path: Path, open_browser: OpenBrowser) -> None:
    def says(words: str) -> ScriptedServer:
        async def script(wire: Wire) -> None:
            await wire.configure()
            await wire.hear("response.create")
            await wire.reply(*words.split(), item="a1")
            await wire.until_closed()

        return ScriptedServer(script)

    port = free_port()
    async with says("left left").running() as left, says("right right").running() as right:
        urls = [server.url.partition("/realtime")[0] for server in (left, right)]
        command = example("two_panels.py", *urls, folder=tmp_path, port=port)
        async with running(*command, port=port, folder=tmp_path) as url, open_browser() as browser:
            page = await page_in(browser)
            await page.goto(url)
            panels = [page.locator(".voice-panel").nth(number) for number in range(2)]
            for number, panel in enumerate(panels):
                await panel.get_by_role("textbox").fill(f"question {number}")
                await panel.get_by_role("textbox").press("Enter")
            await expect(panels[0].get_by_test_id("response")).to_have_text("leftleft")
            await expect(panels[1].get_by_test_id("response")).to_have_text("rightright")
            await expect(panels[0].get_by_test_id("heard")).to_have_text("question 0")
            await expect(panels[1].get_by_test_id("heard")).to_have_text("question 1")
            # One microphone at a time: each button is its own panel's.
            await panels[1].get_by_role("button", name="Start").click()
            await expect(panels[1].get_by_test_id("status")).to_have_attribute("data-state", "listening")
            await expect(panels[0].get_by_test_id("status")).to_have_attribute("data-state", "idle")
            await expect(page.locator(".truncate").nth(0)).to_have_text("leftleft")
            await expect(page.locator(".truncate").nth(1)).to_have_text("rightright")


async def test_the_command_line_prints_what_was_heard_and_the_reply(tmp_path: Path) -> None:
    async with practice.serve() as server:
        await server.warm()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / "command_line.py"),
            server.url.removesuffix("/realtime"),
            cwd=tmp_path,
            env=clean_environment(PYTHONPATH=str(ROOT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin and process.stdout
        sound = clip("question.wav") + bytes(48_000)
        try:
            for start in range(0, len(sound), 960):  # as fast as a microphone
                process.stdin.write(sound[start : start + 960])
                await asyncio.sleep(0.02)
            process.stdin.close()
            async with asyncio.timeout(30 * SECOND):
                printed = (await process.stdout.read()).decode()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        assert "> what is seven plus five" in printed.lower()
        assert "7 plus 5 is 12." in printed


async def test_a_session_needs_no_nicegui() -> None:
    code = "import sys, voice_ui; voice_ui.RealtimeSession; sys.exit('nicegui' in sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=clean_environment(PYTHONPATH=str(ROOT))
    )
    assert await process.wait() == 0


async def test_tools_are_called_and_change_the_page(tmp_path: Path, open_browser: OpenBrowser) -> None:
    port = free_port()
    command = example("tools.py", folder=tmp_path, port=port)
    async with running(*command, port=port, folder=tmp_path) as url, open_browser() as browser:
        page = await page_in(browser)
        await page.goto(url)
        line = page.get_by_role("textbox", name="Message")
        await line.fill("Add seven apples to the shopping list.")
        await line.press("Enter")
        await expect(page.get_by_text("7 × apples", exact=True)).to_be_visible()
        await line.fill("What is the weather in Lakeview?")
        await line.press("Enter")
        await expect(page.get_by_test_id("response")).to_contain_text("Weather: sunny, 24 °C.")
        await expect(page.get_by_test_id("history").get_by_test_id("tool")).to_have_attribute("data-status", "done")
