"""The table of budgets is written from what was measured, whatever that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.capacity import Step
from benchmarks.figures import Figure
from benchmarks.growth import Series
from benchmarks.layers import Layer, Profile
from benchmarks.peers import Peer


def measured() -> dict[str, Any]:
    found: dict[str, Any] = {part: [] for _, part, _, _ in report.LINES}
    for name, part, figure, _ in report.LINES:
        found[part].append(Figure(figure, "ms" if "share" in name else "µs", "", [1.0, 2.0, 3.0], [1.0]))
    steps = [Step(100, 10, 10, 0.5, 0.1, 0.1, 0), Step(200, 90, 90, 0.99, 0.1, 0.1, 0)]
    turns = Series("conversation, turns", "µs per delta", [50, 150], [1.0, 1.0], [100.0, 101.0])
    peers = [
        Peer(name, "http://127.0.0.1", up=[0.01], first=[first], later=[0.01])
        for name, first in (("ours", 0.012), ("floor", 0.01))
    ]
    profile = Profile({"ours": Layer(10.0, 0.1)}, [])
    return found | {"capacity": [steps, steps], "growth": [turns], "peers": peers, "layers": {"chunk": profile}}


def test_every_budget_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def measure() -> dict[str, Any]:
        return measured()

    monkeypatch.setattr(report, "measure", measure)
    files = {name: tmp_path / f"told.{name}" for name in ("markdown", "json", "chart")}
    report.main("a machine", [part for name, path in files.items() for part in (f"--{name}", str(path))])
    text = files["markdown"].read_text(encoding="utf-8")
    budgets = text.partition("## Budgets")[2].partition("## Start")[0]
    assert budgets.count("≤") + budgets.count("≥") >= len(report.LINES) + 3
    for line in ("1.20 ×", "| 100 (100 to 100)", "10 kB", "≤ 1.3 ×"):
        assert line in budgets
    assert json.loads(files["json"].read_text(encoding="utf-8"))["capacity"][0][0]["sessions"] == 100
    assert "<svg" in files["chart"].read_text(encoding="utf-8")
