"""A real Chrome or Chromium, with a recording as its microphone."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parents[2]
QUESTION = ROOT / "assets" / "question.wav"

PLACES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)  # fmt: skip

WITHOUT_WINDOWS = ("chromium-headless-shell", "chrome-headless-shell")
"""The same browser without what draws windows: half the processor time for each start."""

FLAGS = [
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip

OpenBrowser = Callable[..., AbstractAsyncContextManager[Browser]]


@pytest.fixture(scope="session")
def chrome() -> str:
    """Return the path of an installed Chrome or Chromium; skip without one, or fail where CI demands it."""
    for place in PLACES:
        if path := shutil.which(place):
            return path
    message = "no Chrome or Chromium found: install one (Debian: apt-get install chromium) to run the browser tests"
    if os.environ.get("TESTS_REQUIRE_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def open_browser(chrome: str) -> OpenBrowser:
    """Return a context manager that opens a browser whose microphone plays a WAV once, from the start of capture."""

    shell = next((path for name in WITHOUT_WINDOWS if (path := shutil.which(name))), None)

    @asynccontextmanager
    async def opened(
        microphone: Path = QUESTION, flags: Sequence[str] = (), *, ask: bool = False
    ) -> AsyncIterator[Browser]:
        """`ask`: permissions are those of the page's context, which needs a window; else everything is allowed."""
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        recording = f"--use-file-for-fake-audio-capture={microphone}%noloop"
        async with async_playwright() as playwright:
            known = [flag for flag in FLAGS if not (ask and flag == "--use-fake-ui-for-media-stream")]
            browser = await playwright.chromium.launch(
                executable_path=chrome if ask else shell or chrome, args=[*known, *sandbox, recording, *flags]
            )
            try:
                yield browser
            finally:
                await browser.close()

    return opened
