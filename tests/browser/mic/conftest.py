"""One program for all these tests, and a browser that hears the sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import OpenBrowser
from tests.browser.mic.program import PROGRAM, Program, running
from tests.browser.mic.sweep import recording


@pytest.fixture(scope="package")
def program() -> Iterator[Program]:
    with running(PROGRAM) as program:
        yield program


@pytest.fixture
async def browser(open_browser: OpenBrowser, tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(recording(tmp_path / "sweep.wav")) as browser:
        yield browser
