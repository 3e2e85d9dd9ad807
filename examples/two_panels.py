"""Two servers side by side, for comparing them: `python examples/two_panels.py URL URL`; keys from OPENAI_API_KEY."""

import os
import sys

from nicegui import ui

from voice_ui import Endpoint, VoicePanel


@ui.page("/")
def index() -> None:
    """Build the page of one browser tab."""
    with ui.row(wrap=False).classes("w-full h-[90vh]"):
        for url in sys.argv[1:]:
            endpoint = Endpoint.compatible(url, "", os.environ.get("OPENAI_API_KEY"))
            with ui.card().classes("flex-1 h-full min-w-0"):
                ui.label(f"{endpoint.name}, {endpoint.model}").classes("font-bold")
                latest = ui.label().classes("text-sm text-grey w-full truncate")
                VoicePanel(endpoint).bind_text_to(latest)


ui.run(host="127.0.0.1", reload=False)
