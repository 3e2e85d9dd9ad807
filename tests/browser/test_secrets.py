"""The key stays in the server's process: not a piece of it reaches the browser or the log."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Response, WebSocket, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program

KEY = "sk-proj-Zq7RtYw3Lk9Xv2Bn8Mf5Hc4D"
PIECES = {KEY[at : at + 8] for at in range(8, len(KEY) - 7)}


async def test_no_piece_of_the_key_reaches_the_browser_or_the_log(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async def talks_and_then_refuses(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await wire.reply("Hello.")
        # A server that repeats the key in its complaint, as some do.
        error = {"type": "invalid_request_error", "code": "invalid_api_key", "message": f"Incorrect API key: {KEY}."}
        await wire.say("error", error=error)
        await wire.websocket.close(3000, "invalid_request_error.invalid_api_key")

    (tmp_path / ".env.local").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    async with ScriptedServer(talks_and_then_refuses).running() as server:
        base = server.url.partition("/realtime")[0]
        async with program(folder=tmp_path, OPENAI_BASE_URL=base) as app, open_browser() as browser:
            context = await browser.new_context(permissions=["microphone"])
            page = await context.new_page()
            received: list[bytes] = []
            bodies: list[Response] = []
            page.on("response", lambda response: bodies.append(response))

            def watch(socket: WebSocket) -> None:
                for direction in ("framereceived", "framesent"):
                    socket.on(
                        direction, lambda data: received.append(data if isinstance(data, bytes) else data.encode())
                    )

            page.on("websocket", watch)
            talk = await Talk(page).open(app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("Hello.")
            await talk.shows_error("key-refused")
            received += [await response.body() for response in bodies if response.status == 200]
            received.append((await page.content()).encode())
        presented = server.wires[0].websocket.request
        assert presented is not None and presented.headers["Authorization"] == f"Bearer {KEY}"
        everything = b"".join(received).decode("utf-8", "replace") + app.log
        assert len(everything) > 100_000
        assert not {piece for piece in PIECES if piece in everything}
