"""A panel in an existing FastAPI app, below /assistant and behind the app's own login (`me`, `secret`).

uvicorn examples.fastapi_panel:app
"""

from base64 import b64encode
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from nicegui import ui

from voice_ui import VoicePanel


class Password:
    """The app's own login. Pure ASGI, because the panel's websocket must pass it, too."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._expected = b"Basic " + b64encode(b"me:secret")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or dict(scope["headers"]).get(b"authorization") == self._expected:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            response = HTMLResponse("Please log in.", 401, {"WWW-Authenticate": "Basic"})
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


app = FastAPI()


@app.get("/")
def home() -> HTMLResponse:
    """The app's own page."""
    return HTMLResponse('<h1>My app</h1><a href="/assistant/">Talk to the assistant</a>')


@ui.page("/")
def assistant() -> None:
    """The page with the panel: /assistant/."""
    ui.page_title("My assistant")
    with ui.card().classes("w-full max-w-xl h-[80vh] mx-auto"):
        VoicePanel(on_reply=lambda event: ui.notify(f"{len(event.text)} characters"))


ui.run_with(app, mount_path="/assistant", reconnect_timeout=30)
app.add_middleware(Password)
