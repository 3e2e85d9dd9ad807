"""A NiceGUI program that has the microphone and nothing else of ours, and what it tells."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.patience import SECOND
from tests.running import clean_environment, free_port

PROGRAM = '''
"""Writes what the microphone of each tab tells as lines of JSON; `?tab=` names the tab."""

import dataclasses
import json
import sys

from nicegui import ui
from voice_ui.mic import Mic


@ui.page("/")
def index(tab: str = ""):
    def told(name):
        def write(*bodies):
            body = bodies[0] if bodies else None
            body = dataclasses.asdict(body) if dataclasses.is_dataclass(body) else {"code": body}
            sys.stdout.write(json.dumps({"tab": tab, "name": name, **body}, default=bytes.hex) + "\\n")
            sys.stdout.flush()

        return write

    names = ["chunk", "starting", "started", "live", "stopped", "problem", "cured", "muted", "held", "released"]
    with Mic(
        **{f"on_{name}": told(name) for name in names},
        echo_cancellation=False,
        noise_suppression=False,
        auto_gain_control=False,
    ) as mic:
        ui.element("meter").props("id=level")
    ui.button("Toggle").on("click", js_handler=mic.js_toggle)
    ui.button("Toggle twice").on("click", js_handler=f"() => {{ for (const _ of [1, 2]) ({mic.js_toggle})() }}")
    ui.button("Start from Python", on_click=mic.start)
    ui.button("Stop from Python", on_click=mic.stop)
    ui.button("Delete", on_click=mic.delete)
    ui.button("Mute", on_click=lambda: mic.mute(True))
    ui.button("Longer", on_click=lambda: setattr(mic, "chunk_ms", 100))
    ui.button("Shorter", on_click=lambda: setattr(mic, "chunk_ms", 20))

    async def by_hand():
        mic.by_hand = True
        await ui.run_javascript("1")  # the page has it
        told("by hand")()

    ui.button("By hand", on_click=by_hand)
    hold = ui.button("Hold").classes("hold")
    hold.on("pointerdown", js_handler=mic.js_hold).on("keydown.space.prevent", js_handler=mic.js_hold)
    ui.input()
    ui.label(str(mic.id)).props("id=mic")


ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False, reconnect_timeout=15)
'''


class Program:
    """The NiceGUI program, and all it has told."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.told: list[dict[str, Any]] = []
        self.ready = threading.Event()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.told.append(json.loads(line))
            self.ready.set()


@contextmanager
def running(source: str) -> Iterator[Program]:
    """Run a program that takes its port as its argument; it is ready with its first line."""
    port = free_port()
    command = [sys.executable, "-c", source, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment(), text=True) as process:
        program = Program(process, port)
        reading = threading.Thread(target=program.read)
        reading.start()
        try:
            assert program.ready.wait(30 * SECOND)
            yield program
        finally:
            process.terminate()
            reading.join()
