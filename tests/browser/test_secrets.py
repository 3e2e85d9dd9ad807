"""The key stays in the server's process: not a piece of it reaches the browser or the log."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Response, WebSocket, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program

KEYS = {
    "openai": "sk-proj-Zq7RtYw3Lk9Xv2Bn8Mf5Hc4D",
    "azure": "7f3a9c51e2d84b06a1c59e73d240fb68",
    "odd": "Kq+7/Rt=Yw3&Lk9%Xv2",
}


@pytest.mark.parametrize("shape", KEYS)
async def test_no_piece_of_the_key_reaches_the_browser_or_the_log(
    shape: str, tmp_path: Path, open_browser: OpenBrowser
) -> None:
    key = KEYS[shape]
    pieces = {key[at : at + 8] for at in range(8, len(key) - 7)}

    async def talks_and_then_refuses(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        # A server that repeats the key in a reply, which none should, and in its complaint, as some do.
        await wire.reply("Hello.", f" Your key is {key}, {quote(key, safe='')}.")
        words = f"Incorrect API key: {key}.\\n{key}_{key}\n%20{quote(key, safe='')}"
        error = {"type": "invalid_request_error", "code": "invalid_api_key", "message": words}
        await wire.say("error", error=error)
        await wire.websocket.close(3000, "invalid_request_error.invalid_api_key")

    (tmp_path / ".env.local").write_text(f"OPENAI_API_KEY={key}\n", encoding="utf-8")
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
        assert presented is not None and presented.headers["Authorization"] == f"Bearer {key}"
        everything = b"".join(received).decode("utf-8", "replace") + app.log
        assert len(everything) > 100_000
        assert not {piece for piece in pieces if piece in everything}
