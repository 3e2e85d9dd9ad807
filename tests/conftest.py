"""What all layers share: the mark of each folder, and the one constant that scales every time-out."""

from __future__ import annotations

from pathlib import Path

import pytest

LAYERS = {"unit", "protocol", "browser"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for layer in LAYERS.intersection(Path(item.path).parts):
            item.add_marker(layer)
