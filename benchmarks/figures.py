"""Figures beside their floor, with their spread, as a table. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from voice_ui.session import percentile


@dataclass
class Figure:
    """One thing that was measured, run by run, and the same thing of the floor."""

    name: str
    unit: str
    budget: str = ""
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """Of the medians; None without a floor."""
        if not self.floor or not (floor := statistics.median(self.floor)):
            return None
        return statistics.median(self.ours) / floor

    def json(self) -> dict[str, Any]:
        """Return everything, for other programs."""
        return {**asdict(self), "median": statistics.median(self.ours), "ratio": self.ratio}


Figures = dict[str, float]
"""What one run found, by name with its unit: `up p50, ms`."""


def milliseconds(name: str, seconds: Sequence[float]) -> Figures:
    """Return the percentiles of what took so many seconds each."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {f"{name} {word}, ms": percentile(seconds, share) * 1000 for word, share in shares.items()}


def collect(ours: Sequence[Figures], floor: Sequence[Figures], budgets: dict[str, str]) -> list[Figure]:
    """Return runs of both as figures, in the order of ours."""
    found = []
    for name in ours[0]:
        what, unit = name.rsplit(", ", 1)
        beside = [run[name] for run in floor if name in run]
        found.append(Figure(what, unit, budgets.get(name, ""), [run[name] for run in ours], beside))
    return found


def table(title: str, figures: Sequence[Figure]) -> str:
    """Return the medians, with least and most in brackets."""
    rows = [("", "", "ours", "the floor", "ratio", "budget")]
    for figure in figures:
        ratio = f"{figure.ratio:.2f}" if figure.ratio else ""
        rows.append((figure.name, figure.unit, spread(figure.ours), spread(figure.floor), ratio, figure.budget))
    return f"## {title}\n\n{columns(rows)}\n"


def spread(values: Sequence[float]) -> str:
    """Return `median (least to most)`; nothing for no values."""
    if not values:
        return ""
    return f"{_short(statistics.median(values))} ({_short(min(values))} to {_short(max(values))})"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table: it reads well as it is, too."""
    widths = [max(3, *(len(row[place]) for row in rows)) for place in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _short(value: float) -> str:
    if value != value:  # not known on this system
        return "?"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
