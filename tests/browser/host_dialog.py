"""A panel in the dialog of somebody else's page: `python -m tests.browser.host_dialog PORT URL text|audio` runs it.

Quasar unmounts what is in a dialog when it closes, and mounts it again when it opens; so do tabs that are not kept.
"""

from __future__ import annotations

import sys

from nicegui import ui

from voice_ui import Endpoint, SessionConfig, VoicePanel


@ui.page("/")
def index() -> None:
    """A button that opens the dialog, and one in it that closes it."""
    with ui.dialog() as dialog, ui.card().classes("w-[24rem] h-[32rem]"):
        config = SessionConfig(transcription_model="any", output=sys.argv[3])
        VoicePanel(Endpoint.compatible(sys.argv[2], "a-model"), config)
        ui.button("Close it", on_click=dialog.close)
    ui.button("Open it", on_click=dialog.open)


if __name__ == "__main__":
    ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False)
