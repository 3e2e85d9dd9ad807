"""A guard against growing slower: ratios to the floor in the same run, at 1.5 times what was measured; never a time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patience import SECOND
from tests.running import ROOT, clean_environment

BOUNDS = {
    "our share p50": 3.3,  # 1.7 to 2.2 were measured
    "process time per chunk, 20 tabs": 4.1,  # 2.2 to 2.7
    "process time per delta, 20 tabs": 5.9,  # 3.7 to 4.0
    "bytes down per delta": 18.0,  # 8.6 to 12.3
}


@pytest.mark.long
async def test_the_app_keeps_its_distance_to_the_floor(tmp_path: Path, report: Callable[[str], None]) -> None:
    told = tmp_path / "told.json"
    command = (sys.executable, "-m", "benchmarks", "turn", "--quick", "--runs", "1", "--json", str(told))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=clean_environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60 * SECOND):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    report(f"\n{said.decode()}")
    ratios = {figure["name"]: figure["ratio"] for figure in json.loads(told.read_text(encoding="utf-8"))["turn"]}
    assert {name: ratios[name] for name, most in BOUNDS.items() if not ratios[name] < most} == {}
