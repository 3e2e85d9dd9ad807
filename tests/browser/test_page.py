"""What the page does with whatever a server says, in a real browser; the server is scripted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import CDPSession, expect

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.page import Talk, open_talk
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program

MARKUP = "<img src=x onerror=\"document.title='owned'\"> <script>document.title='owned'</script>\n\n* **bold** & plain"


def server_that_replies(*texts: str, size: int = 7) -> ScriptedServer:
    async def script(wire: Wire) -> None:
        await wire.configure()
        for number, text in enumerate(texts):
            await wire.heard_speech(item=f"u{number}", transcript=f"<i>question</i> {number}", end_ms=500)
            deltas = [text[at : at + size] for at in range(0, len(text), size)]
            await wire.reply(*deltas, response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    return ScriptedServer(script)


def base_url(server: ScriptedServer) -> str:
    return server.url.partition("/realtime")[0]


async def test_what_a_model_writes_is_text_and_never_markup(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with server_that_replies(MARKUP, MARKUP).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.history).to_contain_text("<script>document.title='owned'</script>")
            await expect(talk.heard).to_have_text("<i>question</i> 1")
            assert (await talk.response.inner_text()).strip() == MARKUP.replace("* **bold**", "bold")
            assert await talk.page.title() == "Listening – Voice UI"
            assert await talk.page.locator("[data-speaker] :is(img, script, i, b)").count() == 0


async def bytes_for_a_reply_of(characters: int, tmp_path: Path, open_browser: OpenBrowser) -> int:
    text = "".join(f"word{number:05d} " for number in range(characters // 10))
    async with server_that_replies(text, size=5).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            context = await browser.new_context(permissions=["microphone"])
            page = await context.new_page()
            wire: CDPSession = await context.new_cdp_session(page)
            received = 0

            def count(event: dict[str, dict[str, str]]) -> None:
                nonlocal received
                received += len(event["response"]["payloadData"])

            wire.on("Network.webSocketFrameReceived", count)
            await wire.send("Network.enable")
            talk = await Talk(page).open(app.url)
            before = received
            await talk.start()
            await expect(talk.response).to_contain_text(text[-10:].strip())
            assert (await talk.response.inner_text()).strip() == text.strip()
            return received - before


async def test_the_bytes_for_a_reply_grow_with_its_length_and_not_with_its_square(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    short = await bytes_for_a_reply_of(5_000, tmp_path, open_browser)
    long = await bytes_for_a_reply_of(20_000, tmp_path, open_browser)
    assert long < 4.6 * short, (short, long)


FAILURES = [
    ("NotAllowedError", "Permission denied", "mic-refused"),
    ("NotAllowedError", "Permission dismissed", "mic-dismissed"),
    ("NotFoundError", "Requested device not found", "mic-none"),
    ("NotReadableError", "Could not start audio source", "mic-busy"),
]


@pytest.mark.parametrize(("name", "message", "code"), FAILURES)
async def test_a_microphone_that_cannot_be_had_is_explained_and_start_works_once_it_can(
    name: str, message: str, code: str, open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.page.evaluate(
            """([name, message]) => {
                window.granted = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
                navigator.mediaDevices.getUserMedia = async () => { throw new DOMException(message, name); };
            }""",
            [name, message],
        )
        await talk.start()
        await talk.shows_error(code)
        await talk.is_in("error")
        await talk.page.evaluate("() => { navigator.mediaDevices.getUserMedia = window.granted; }")
        await talk.start()
        await talk.is_in("listening")
        await expect(talk.error).to_be_hidden()


async def test_a_page_that_is_not_secure_says_so_instead_of_staying_silent(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    """The proxy in front of it does not speak https."""
    async with (
        program("--share", "--behind-proxy", "127.0.0.1", folder=tmp_path, path="/healthz") as app,
        open_browser(flags=["--host-resolver-rules=MAP voice.test 127.0.0.1"]) as browser,
    ):
        context = await browser.new_context(extra_http_headers={"X-Forwarded-For": "192.0.2.7"})
        (code,) = re.findall(r"code=(\w{8})", app.log)
        address = f"{app.url.replace('127.0.0.1', 'voice.test')}/?code={code}"
        talk = await Talk(await context.new_page()).open(address)
        await talk.start()
        await talk.shows_error("mic-insecure-origin")
        await expect(talk.error).to_contain_text("localhost")


async def test_an_error_stays_until_it_is_dismissed(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path, OPENAI_BASE_URL="http://127.0.0.1:9/v1") as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        for times in ("server-unreachable", "2 times"):
            await talk.start()
            await talk.is_in("error")
            await talk.shows_error("server-unreachable")
            await expect(talk.error).to_contain_text(times)
        await talk.page.get_by_role("button", name="Dismiss").click()
        await expect(talk.error).to_be_hidden()
        await talk.is_in("idle")


async def test_a_lost_connection_is_shown_as_such_and_the_reply_comes_when_it_is_back(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async def is_broken(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="tell me a story", end_ms=0)
        await wire.say("response.created", response={"id": "r1"})
        await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta="Once upon a time")
        await wire.until_closed()

    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.reply("There was a king.", response="r2", item="a2")
        await wire.until_closed()

    async with ScriptedServer(is_broken, answers).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("Once upon a time")
            server.refuse_from_now_on()
            await talk.is_in("reconnecting")
            await expect(talk.response).to_contain_text("Once upon a time")
            server.welcome_again()
            await expect(talk.response).to_have_text("There was a king.")
            await expect(talk.history).to_contain_text("Once upon a time")
            await expect(talk.error).to_be_hidden()


async def test_nothing_is_loaded_from_another_host(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    async with open_program() as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        talk = await Talk(page).open(app.url)
        await talk.start()
        await talk.is_in("listening")
        host = app.url.removeprefix("http://")
        assert len(asked) > 5
        assert [url for url in asked if host not in url and not url.startswith(("data:", "blob:"))] == []
