"""A level meter: the microphone as an element of a NiceGUI page, without any model. Run it, press the button, speak."""

from nicegui import ui

from voice_ui.mic import Mic


@ui.page("/")
def index() -> None:
    """One tab. The bar is moved by the browser alone; Python only counts."""
    chunks = ui.label("0 chunks")
    with Mic(
        on_chunk=lambda chunk: chunks.set_text(f"{chunk.seq} chunks, {len(chunk.pcm)} bytes at {chunk.rate} Hz"),
        on_problem=lambda problem: ui.notify(f"{problem.code} {problem.detail}", type="negative"),
    ) as mic:
        ui.element("div").classes("w-64 h-4 bg-primary origin-left").style("transform: scaleX(var(--mic-level, 0))")
    ui.button("Start or stop").on("click", js_handler=mic.js_toggle)


ui.run(host="127.0.0.1", reload=False)
