"""Voice UI installs with every Python on every platform, with speech recognition on most."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.resolution import PLATFORMS, PYTHONS, resolutions, table

pytestmark = pytest.mark.long


def test_every_python_installs_everywhere_and_most_have_a_recogniser(report: Callable[[str], None]) -> None:
    if shutil.which("uv") is None:
        pytest.skip("no uv here")
    found = resolutions()
    report(table(found))
    assert len(found) == len(PLATFORMS) * len(PYTHONS)
    assert [each for each in found if each.error] == []
    current = ("Linux x86-64", "Linux ARM64", "Windows x86-64", "macOS 15, Apple")
    assert {each.recogniser for each in found if each.platform in current} == {"Moonshine"}
    assert {each.voice for each in found if each.platform in current} == {"hibari"}
