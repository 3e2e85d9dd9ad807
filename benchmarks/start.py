"""How long it takes to start: to the first page, beside an empty NiceGUI page, and to import."""

from __future__ import annotations

import asyncio
import sys

from benchmarks import program
from benchmarks.figures import Figures

BUDGETS = {"first page, s": "≤ 1.3 ×"}

EMPTY = """
from nicegui import ui

@ui.page("/")
def page():
    ui.label("empty")

ui.run(host="127.0.0.1", port={port}, reload=False, show=False)
"""

AS_IT_COMES = "-E"
"""Python's option to take no wishes from the environment: where one of them forbids bytecode, our modules would be
compiled at each start, and those of packages, which are compiled when they are installed, would not."""

IMPORT = "import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"


async def run(*, bare: bool) -> Figures:
    """Start `python main.py` without a key, or the floor: the smallest NiceGUI program there is."""
    port = program.free_port()
    what = ("-c", EMPTY.format(port=port)) if bare else ("main.py", "--no-open", "--offline", "--port", f"{port}")
    async with program.answering(port, AS_IT_COMES, *what) as (_, seconds):
        return {"first page, s": seconds, "import, s": await _seconds_to_import("nicegui" if bare else "voice_ui.app")}


async def _seconds_to_import(module: str) -> float:
    command = (sys.executable, AS_IT_COMES, "-c", IMPORT.format(module=module))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=program.ROOT)
    told, _ = await process.communicate()
    return float(told)
