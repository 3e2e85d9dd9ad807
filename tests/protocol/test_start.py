"""The first page waits for nothing that it does not need."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from tests.patience import SECOND, until
from tests.running import ROOT, Program, clean_environment, free_port

LATER = {"numpy", "soxr", "onnxruntime", "mcp", "aiortc", "av", "webview", "segno", "PIL", "pandas"}
"""Libraries of what happens once somebody speaks, of extras, and of `--share`."""

OTHERS_LATER = {
    "cryptography.x509",
    "voice_ui.measure",
    "voice_ui.page.visitors",
    "voice_ui.sharing.share",
    "voice_ui.transport.webrtc",
}


TELLING = """
import gc, json, os, runpy, signal, sys

def tell(*_):
    with open({told!r} + ".part", "w") as file:
        json.dump([sorted(sys.modules), gc.isenabled(), gc.get_freeze_count()], file)
    os.replace({told!r} + ".part", {told!r})

signal.signal(signal.SIGUSR1, tell)
sys.argv = ["main.py", "--no-open", "--offline", "--port", "{port}"]
runpy.run_path({main!r}, run_name="__main__")
"""


async def test_the_first_page_is_served_before_anything_is_imported_that_it_does_not_need(tmp_path: Path) -> None:
    told, port = tmp_path / "told.json", free_port()
    script = TELLING.format(told=f"{told}", port=port, main=f"{ROOT / 'main.py'}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=tmp_path, env=clean_environment(PYTHONPATH=f"{ROOT}")
    )
    try:
        page = Program(process, f"http://127.0.0.1:{port}")
        async with asyncio.timeout(30 * SECOND):
            while not await page.answers():
                assert process.returncode is None
        process.send_signal(signal.SIGUSR1)
        await until(told.exists)
        modules, collects, frozen = json.loads(told.read_text(encoding="utf-8"))
    finally:
        process.terminate()
        await process.wait()
    assert "nicegui" in modules
    assert LATER & {name.partition(".")[0] for name in modules} == set()
    assert OTHERS_LATER & set(modules) == set()
    assert collects and frozen > 50_000
