"""A conversation on a NiceGUI page. Without a key in the environment or in .env.local, the practice server answers."""

from nicegui import ui

from voice_ui import VoicePanel


@ui.page("/")
def index() -> None:
    """Build the page of one browser tab."""
    with ui.card().classes("w-full max-w-xl h-[90vh] mx-auto"):
        VoicePanel()


ui.run(host="127.0.0.1", reload=False)
