"""The floors and walls of the house: imports point down only, and some doors lead to one room only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "voice_ui"

FLOORS = [
    {"app"},
    {"page", "measure"},
    {"session", "mic", "sharing", "offline.server", "offline.__main__"},
    {"turns", "outbox", "transport", "diagnosis", "offline.engine"},
    {"servers", "conversation", "latency", "state", "offline.vad", "offline.recognizer", "offline.replies"},
    {"protocol", "settings"},
    {"audio", "models"},
    {"errors"},
]
"""NOTE: the picture of the rooms in README.md shows the same."""

WALLS = {
    "nicegui": {"app", "page", "mic"},
    "websockets": {"transport", "offline.server"},
    "os": {"settings"},
}


def room_of(module: str) -> str:
    """Return the room a module below voice_ui belongs to: its file, or its folder; in offline/ each file is a room."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "offline" and len(parts) > 1 else parts[0]


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in {"__init__", "offline"}:
            found[name] = path
    return found


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


MODULES = modules()
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def rooms_used_by(module: str) -> set[str]:
    used = set()
    for name in imported(MODULES[module]):
        below = name.removeprefix("voice_ui.")
        if below != name and (below in MODULES or below.rpartition(".")[0] in MODULES):
            used.add(room_of(below if below in MODULES else below.rpartition(".")[0]))
    return used - {room_of(module)}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down_only(module: str) -> None:
    floor = FLOOR_OF[room_of(module)]
    assert {room for room in rooms_used_by(module) if FLOOR_OF[room] <= floor} == set()


@pytest.mark.parametrize("module", MODULES)
def test_each_library_is_behind_its_wall(module: str) -> None:
    libraries = {name.partition(".")[0] for name in imported(MODULES[module])}
    assert {wall for wall in WALLS if wall in libraries and room_of(module) not in WALLS[wall]} == set()


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} - FLOOR_OF.keys() == set()
