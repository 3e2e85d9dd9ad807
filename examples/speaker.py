"""An echo: the page plays what the microphone heard two seconds ago. Wear headphones, press the button, speak."""

from collections import deque

from nicegui import ui

from voice_ui import audio
from voice_ui.mic import Chunk, Mic
from voice_ui.speaker import Speaker

DELAY_MS = 2000


@ui.page("/")
def index() -> None:
    """One tab."""
    spoken: deque[bytes] = deque()
    resamplers: dict[int, audio.Resampler] = {}

    def hear(chunk: Chunk) -> None:
        pcm = chunk.pcm
        if chunk.rate != audio.SAMPLE_RATE:
            pcm = resamplers.setdefault(chunk.rate, audio.Resampler(chunk.rate)).process(pcm)
        spoken.append(pcm)
        if sum(map(len, spoken)) > DELAY_MS * audio.SAMPLE_RATE * audio.SAMPLE_BYTES // 1000:
            speaker.play(spoken.popleft())

    def report(problem: object) -> None:
        ui.notify(str(problem), type="negative")

    speaker = Speaker(on_problem=report)
    mic = Mic(on_chunk=hear, on_problem=report).on_stopped(speaker.stop).on_stopped(spoken.clear)
    both = f"() => {{ getElement({speaker.id}).unlock(); getElement({mic.id}).toggle() }}"
    ui.button("Start or stop").on("click", js_handler=both)
    ui.label().bind_text_from(speaker, "state")
    ui.label().bind_text_from(speaker, "played_ms", lambda ms: f"{ms / 1000:.1f} s played")


ui.run(host="127.0.0.1", reload=False)
