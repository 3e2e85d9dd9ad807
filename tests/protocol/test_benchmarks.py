"""A guard against growing slower: ratios to the floor in the same run, at 1.5 times what was measured; never a time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import layers
from tests.patience import SECOND
from tests.running import ROOT, clean_environment

BOUNDS = {
    "our share p50": 2.3,  # 1.4 to 1.5 were measured
    "process time per chunk, 20 tabs": 2.3,  # 1.5
    "process time per delta, 20 tabs": 3.4,  # 2.2
    "bytes down per delta": 28.0,  # 13.1 to 18.9: the more deltas share a message, the fewer bytes each
}

MOST_CALLS = {"chunk": 140, "delta": 195, "turn": 5_900}
"""Of any function, ours or not, built-in ones included; 122, 181 and 5,150 were counted. No clock disturbs them."""


@pytest.mark.long
async def test_a_chunk_a_delta_and_a_turn_go_through_few_functions_in_the_whole_app(
    report: Callable[[str], None],
) -> None:
    found = await layers.measure(3)
    report(f"\n{layers.table(found)}\n")
    assert {name: profile.calls for name, profile in found.items() if profile.calls > MOST_CALLS[name]} == {}


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
