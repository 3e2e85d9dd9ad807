"""With PYTHONOPTIMIZE=1 nothing is different: no work is done in an assert."""

from __future__ import annotations

import ast
import asyncio
import sys
from pathlib import Path

from tests.patience import within
from tests.running import ROOT, clean_environment, program

TURN = """
import asyncio
from voice_ui import servers
from voice_ui.offline import server
from voice_ui.session import ItemChanged, Phase, RealtimeSession, StateChanged
from voice_ui.settings import load

async def main():
    async with server.serve() as practice, RealtimeSession(servers.offline(practice.url, load([]))) as session:
        session.start()
        session.send_text("what is seven plus five")
        async for event in session:
            if isinstance(event, ItemChanged) and event.item.role == "assistant" and event.item.status == "completed":
                print(event.item.text)
                break
        session.append_audio(bytes(960))
        session.interrupt()
        session.stop()
    print(session.state.phase)

asyncio.run(main())
"""


async def test_a_turn_without_asserts(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-O", "-c", TURN,
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=str(ROOT)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, errors = await within(60, process.communicate())
    assert process.returncode == 0, errors.decode()
    reply, phase = said.decode().splitlines()
    assert "12" in reply and phase == "idle"


async def test_the_page_without_asserts(tmp_path: Path) -> None:
    async with program("--offline", folder=tmp_path, PYTHONOPTIMIZE="1") as app:
        assert await app.answers()


def test_no_assert_does_any_work() -> None:
    """A value that is bound or awaited in an assert is missing when asserts are left out."""
    work = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
    for path in (ROOT / "voice_ui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert):
                assert not any(isinstance(part, work) for part in ast.walk(node)), f"{path}:{node.lineno}"
