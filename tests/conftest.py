"""What all layers share: the mark of each folder, and the one constant that scales every time-out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pytest_asyncio import is_async_test

# How long an example takes says more about the machine than about us.
settings.register_profile("anywhere", deadline=None)
settings.load_profile("anywhere")

HERE = Path(__file__).parent

LAYERS = ("browser", "attack", "protocol", "unit")
"""Those with the longest tests first, so that all workers end at about the same time."""

TIMED = {
    "browser/speaker/test_firefox", "browser/speaker/test_page", "browser/speaker/test_playback",
    "browser/test_barge_in", "browser/test_firefox", "browser/test_voice", "protocol/test_webrtc",
}  # fmt: skip
"""Modules in which sound is played or sent in real time, and lost if late."""

ALONE = {"protocol/test_benchmarks"}
"""Modules in which clocks are held against each other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        layer = layer_of(item)
        item.add_marker(layer)
        if layer == "browser" and is_async_test(item):  # they share browsers, which live in one event loop
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        module = Path(item.path).relative_to(HERE).with_suffix("").as_posix()
        if module in TIMED:
            item.add_marker("timed")
        if module in ALONE:
            item.add_marker("alone")
    items.sort(key=lambda item: LAYERS.index(layer_of(item)))


def layer_of(item: pytest.Item) -> str:
    return Path(item.path).relative_to(HERE).parts[0]


TABLES = pytest.StashKey[list[str]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that puts a table into the report of the test run."""
    return request.config.stash.setdefault(TABLES, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the tables of a worker to the process that reports."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["tables"] = session.config.stash.get(TABLES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the tables of a worker of pytest-xdist that has ended."""
    node.config.stash.setdefault(TABLES, []).extend(getattr(node, "workeroutput", {}).get("tables", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for table in config.stash.get(TABLES, []):
        terminalreporter.write_line(table)
