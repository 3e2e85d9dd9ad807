"""The package as people install it: built, unpacked elsewhere, and every documented command run from another folder."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import SECOND
from tests.running import ROOT, Program, clean_environment, free_port

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel's files and scripts; what it depends on is this environment's."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    asyncio.run(_run("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)))
    [wheel] = wheels.glob("*.whl")
    asyncio.run(_run("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)))
    return target


async def _run(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd="/")
    assert await process.wait() == 0


@pytest.fixture
def environment(installed: Path) -> Iterator[dict[str, str]]:
    yield clean_environment(PYTHONPATH=str(installed))


async def _started(command: list[str], folder: Path, environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.mark.parametrize("command", ["voice-ui", "-m voice_ui"])
async def test_the_page_is_served(command: str, installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    start = [str(installed / "bin" / command)] if command == "voice-ui" else [sys.executable, *command.split()]
    process = await _started([*start, "--no-open", "--port", str(port)], tmp_path, environment)
    running = Program(process, f"http://127.0.0.1:{port}")
    reading = asyncio.create_task(running.read())
    try:
        async with asyncio.timeout(30 * SECOND):
            while not await running.answers():
                assert process.returncode is None, running.log
        for path in (installed / "voice_ui").rglob("*.js"):
            assert path.stat().st_size, path
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading
    assert process.returncode == 0, running.log
    assert "Traceback" not in running.log


async def test_the_practice_server_prints_its_address_first(environment: dict[str, str], tmp_path: Path) -> None:
    process = await _started([sys.executable, "-m", "voice_ui.offline"], tmp_path, environment)
    assert process.stdout is not None
    async with asyncio.timeout(30 * SECOND):
        first = await process.stdout.readline()
    process.terminate()
    await process.communicate()
    assert first.startswith(b"ws://127.0.0.1:") and first.strip().endswith(b"/v1/realtime")


async def test_a_server_is_measured(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "voice_ui.measure", "--offline", "--turns", "1", "--connections", "1"]
    process = await _started(command, tmp_path, environment)
    async with asyncio.timeout(60 * SECOND):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "first text" in said.decode()


async def test_the_public_names_are_there_and_typed(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    names = "VoicePanel, Mic, Speaker, RealtimeSession, SessionConfig, Endpoint, tool, Problem"
    process = await _started([sys.executable, "-c", f"from voice_ui import {names}"], tmp_path, environment)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert (installed / "voice_ui" / "py.typed").exists()
