"""Somebody else's NiceGUI page with a panel in it: `python -m tests.browser.host PORT URL` runs it."""

from __future__ import annotations

import sys

from nicegui import ui

from voice_ui import Endpoint, SessionConfig, VoicePanel

CSS = """
    body { font-family: Georgia, serif; }
    article { outline: 2px dotted seagreen; }
    .status, .error, .response { color: darkorange; }
    button { letter-spacing: .02em; }
"""

RECIPE = "Chop the onions, and let them sweat in the butter until they are soft. Do not let them brown. " * 3


@ui.page("/")
def index(panel: bool = True) -> None:
    """The page, with or without the panel."""
    ui.page_title("Recipes")
    ui.dark_mode(None)
    ui.add_css(CSS)
    with ui.header().classes("items-center"):
        ui.label("Recipes").classes("text-h6")
    escapes = ui.label("0").props("id=escapes")
    ui.keyboard(on_key=lambda e: e.action.keydown and e.key.escape and escapes.set_text(str(int(escapes.text) + 1)))
    with ui.row().classes("w-full items-start"):
        with ui.column().classes("flex-1 min-w-[16rem]"):
            ui.label("Onion soup").classes("text-h4 status").props("id=host-heading")
            for number in range(8):
                ui.label(RECIPE).classes("error").props(f"id=host-text-{number}")
            ui.button("Add to list", icon="add").props("id=host-button")
            ui.input("Search").props("id=host-input")
        if panel:
            with ui.card().classes("w-[24rem] max-w-full h-[32rem]"):
                VoicePanel(Endpoint.compatible(sys.argv[2], "a-model"), SessionConfig(transcription_model="any"))


if __name__ == "__main__":
    ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False)
