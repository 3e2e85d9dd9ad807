"""A real Chrome or Chromium, with a recording as its microphone."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.running import Program, program

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
OpenProgram = Callable[..., AbstractAsyncContextManager[Program]]


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


MOST_IDLE = 3
"""Browsers that wait for the next test that wants one like them."""


class Browsers:
    """The browsers of these tests: to start one takes longer than most of them."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._idle: dict[tuple[str, ...], Browser] = {}

    @asynccontextmanager
    async def opened(self, executable: str, *flags: str) -> AsyncIterator[Browser]:
        """Open a browser, or one that another test has left without a page and without memories."""
        browser = self._idle.pop((executable, *flags), None)
        if not browser or not browser.is_connected():
            browser = await self._playwright.chromium.launch(executable_path=executable, args=list(flags))
        try:
            yield browser
            for context in browser.contexts:
                await context.close()
        except BaseException:
            await browser.close()
            raise
        self._idle[executable, *flags], browser = browser, self._idle.pop((executable, *flags), None)
        if not browser and len(self._idle) > MOST_IDLE:
            browser = self._idle.pop(next(iter(self._idle)))
        if browser:
            await browser.close()

    async def close(self) -> None:
        for browser in self._idle.values():
            await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    async with async_playwright() as playwright:
        browsers = Browsers(playwright)
        yield browsers
        await browsers.close()


class Programs:
    """Programs without settings of one test only: they are given from one to the next, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle: dict[tuple[object, ...], list[Program]] = {}
        self._stack = AsyncExitStack()

    @asynccontextmanager
    async def opened(self, *arguments: str, **environ: str) -> AsyncIterator[Program]:
        """Run the program as `tests.running.program` does, or take one that another test has left."""
        idle = self._idle.setdefault((arguments, *sorted(environ.items())), [])
        app = idle.pop() if idle else None
        if not app:
            app = await self._stack.enter_async_context(program(*arguments, folder=self._folder, **environ))
        yield app
        idle.append(app)

    async def close(self) -> None:
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    programs = Programs(tmp_path_factory.mktemp("programs"))
    yield programs
    await programs.close()


@pytest.fixture
def open_program(programs: Programs) -> OpenProgram:
    """Return a context manager that runs the program, in an empty folder; what a test changes in it stays."""
    return programs.opened


@pytest.fixture
def open_browser(chrome: str, browsers: Browsers) -> OpenBrowser:
    """Return a context manager that opens a browser whose microphone plays a WAV once, from the start of capture."""

    shell = next((path for name in WITHOUT_WINDOWS if (path := shutil.which(name))), None)

    @asynccontextmanager
    async def opened(
        microphone: Path = QUESTION, flags: Sequence[str] = (), *, ask: bool = False
    ) -> AsyncIterator[Browser]:
        """`ask`: permissions are those of the page's context, which needs a window; else everything is allowed."""
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        recording = f"--use-file-for-fake-audio-capture={microphone}%noloop"
        known = [flag for flag in FLAGS if not (ask and flag == "--use-fake-ui-for-media-stream")]
        executable = chrome if ask else shell or chrome
        async with browsers.opened(executable, *known, *sandbox, recording, *flags) as browser:
            yield browser

    return opened
