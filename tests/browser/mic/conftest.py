"""One program for all these tests, and a browser that hears the sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.conftest import OpenBrowser
from tests.browser.mic.program import PROGRAM, Program, running
from tests.browser.mic.sweep import recording


@pytest.fixture(scope="package")
def program() -> Iterator[Program]:
    with running(PROGRAM) as program:
        yield program


@pytest.fixture(scope="package")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("sweep") / "sweep.wav")


@pytest_asyncio.fixture(loop_scope="session")
async def browser(open_browser: OpenBrowser, sweep: Path) -> AsyncIterator[Browser]:
    async with open_browser(sweep) as browser:
        yield browser
