"""The floors and walls of the house: imports point down only, and some doors lead to one room only."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "voice_ui"

FLOORS = [
    {"app", "measure"},
    {"page", "replicas"},
    {"session", "mic", "speaker", "sharing", "preflight", "offline", "window"},
    {"transport", "tools", "snapshot"},
    {"servers", "conversation", "usage"},
    {"protocol", "settings"},
    {"audio", "base_url", "callbacks", "images", "models", "ports", "log", "tuning"},
    {"errors", "page_socket"},
    {"redaction", "text_frame"},
]
"""A room is a file, or a folder. NOTE: the picture in README.md shows the same."""

WALLS = {
    "nicegui": {"app", "page", "mic", "speaker", "callbacks", "tuning", "page_socket"},
    "websockets": {"transport", "offline.server", "offline.connection", "page_socket", "text_frame"},
    "os": {"settings", "tools.mcp_servers"},
    "mcp": {"tools.mcp_servers"},
    "redis": {"replicas.store"},
}
"""Libraries that only these rooms, or modules of rooms, may import."""

PURE = {
    "audio", "base_url", "conversation", "errors", "images", "models", "redaction", "servers", "snapshot",
    "text_frame", "usage",
    "session.accounts", "session.attention", "session.budget", "session.diagnosis", "session.entries", "session.events",
    "session.names",
    "session.responses", "session.seats", "session.state", "session.timing", "session.turns", "sharing.room",
    "protocol.client", "protocol.items", "protocol.names", "protocol.reading", "protocol.server", "protocol.session",
    "offline.origins", "offline.vad", "offline.replies",
    "page.choices", "page.inspector_rows", "page.messages", "page.turn_texts", "page.usage_words",
    "mic.events", "mic.pace", "mic.problems", "mic.reception",
    "offline.recognizer.agreement", "offline.recognizer.invented", "offline.recognizer.levels",
    "offline.recognizer.tokens", "offline.worker.frames", "offline.worker.handler",
    "session.backchannels", "session.barge_in", "session.given", "session.playback",
    "offline.tool_choice", "offline.tool_arguments", "offline.tool_words",
    "tools.collection", "tools.context", "tools.definition", "tools.docstring", "tools.mcp_config", "tools.refusals",
    "tools.schema",
    "speaker.events", "speaker.play_queue",
}  # fmt: skip
IMPURE = {"asyncio", "socket", "time", "threading", "subprocess", "random"}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in {"__init__", "__main__"}:  # the latter is main.py for those who installed the package
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


def room_of(module: str) -> str:
    return module.partition(".")[0]


def uses(module: str) -> set[str]:
    """Return the modules of ours that a module imports."""
    names = {name.removeprefix("voice_ui.") for name in imported(MODULES[module]) if name.startswith("voice_ui.")}
    return {name if name in MODULES else name.rpartition(".")[0] for name in names} & MODULES.keys() - {module}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down_only(module: str) -> None:
    rooms = {room_of(name) for name in uses(module)} - {room_of(module)}
    assert {room for room in rooms if FLOOR_OF[room] <= FLOOR_OF[room_of(module)]} == set()


def test_inside_a_room_nothing_goes_in_circles() -> None:
    inside = {
        name: {used for used in uses(name) if room_of(used) == room_of(name) and used != room_of(name)}
        for name in MODULES
        if "." in name
    }
    TopologicalSorter(inside).prepare()


@pytest.mark.parametrize("module", MODULES)
def test_each_library_is_behind_its_wall(module: str) -> None:
    libraries = {name.partition(".")[0] for name in imported(MODULES[module])}
    places = {module, room_of(module)}
    assert {wall for wall, rooms in WALLS.items() if wall in libraries and not places & rooms} == set()


@pytest.mark.parametrize("module", sorted(PURE))
def test_the_pure_rooms_know_no_clock_and_no_socket(module: str) -> None:
    assert {name.partition(".")[0] for name in imported(MODULES[module])} & IMPURE == set()


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} - FLOOR_OF.keys() == set()


def test_one_noun_is_one_class() -> None:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in MODULES.values())
    names = Counter(
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    )
    assert [name for name, count in names.items() if count > 1] == []
