"""One program for all these tests, and a real browser window whose sound can be recorded."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.conftest import FLAGS
from tests.browser.firefox import Speaker as Sink, sound_server
from tests.browser.mic.program import Program, running
from tests.browser.speaker.priority import audio_threads_first
from tests.browser.speaker.program import PROGRAM
from tests.browser.speaker.recording import Recording, recorded
from tests.patience import SECOND, until

NEEDED = ("pulseaudio", "parec", "Xvfb")


@pytest.fixture(scope="package")
def program() -> Iterator[Program]:
    with running(PROGRAM) as program:
        yield program


@asynccontextmanager
async def screen() -> AsyncIterator[str]:
    """Run an X server that nobody looks at; yields its name."""
    read, write = os.pipe()
    command = ("Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp")
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, pass_fds=[write], stdout=quiet, stderr=quiet)
    os.close(write)
    try:
        number = await asyncio.wait_for(asyncio.to_thread(os.read, read, 20), 20 * SECOND)
        yield f":{int(number)}"
    finally:
        os.close(read)
        process.terminate()
        await process.wait()


class Room:
    """A page with a speaker, and the recording of what its sink heard."""

    def __init__(self, page: Page, program: Program, recording: Recording, mark: str) -> None:
        self.page, self.recording, self._mark = page, recording, mark
        self._program, self._begin = program, len(program.told)

    @property
    def reports(self) -> list[tuple[str, ...]]:
        return [(event["name"], *event["facts"]) for event in self._program.told[self._begin :]]

    async def unlock(self) -> None:
        await self.press("Unlock")
        await self.reports_state("idle")
        audio_threads_first(self._mark)

    async def press(self, button: str) -> None:
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def evaluate(self, script: str) -> Any:
        """Evaluate a script in which SPEAKER is the speaker's JavaScript half."""
        return await self.page.evaluate(
            script.replace("SPEAKER", "getElement(+document.getElementById('speaker').innerText)")
        )

    async def hears(self, seconds: float) -> None:
        """Wait until the recording is that much longer."""
        end = self.recording.seconds + seconds
        await until(lambda: self.recording.seconds >= end, 10 + 3 * seconds)

    async def reports_state(self, *states: str, seconds: float = 20) -> None:
        """Wait until the states since the begin are these."""
        await until(lambda: [r[1] for r in self.reports if r[0] == "state"] == list(states), seconds, what=f"{states}")


@asynccontextmanager
async def window(
    chrome: str, folder: Path, flags: Sequence[str] = FLAGS, prepare: Callable[[Sink], Awaitable[None]] | None = None
) -> AsyncIterator[tuple[Browser, Sink]]:
    """Open a browser window whose sound is played on a sink of its own: headless browsers may play nothing.

    `prepare` the sound server before the browser looks at it.
    """
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        if os.environ.get("TESTS_REQUIRE_BROWSER"):
            pytest.fail(f"not installed: {missing}")
        pytest.skip(f"not installed: {missing}")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    async with sound_server(folder) as sound, screen() as display, async_playwright() as playwright:
        if prepare:
            await prepare(sound)
        environ: dict[str, str | float | bool] = {**sound.environ, "DISPLAY": display}
        browser = await playwright.chromium.launch(
            executable_path=chrome, headless=False, env=environ, args=[*flags, *sandbox],
            ignore_default_args=["--mute-audio"],
        )  # fmt: skip
        try:
            yield browser, sound
        finally:
            await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def room(chrome: str, tmp_path: Path, program: Program) -> AsyncIterator[Room]:
    """Open the page in a window."""
    async with window(chrome, tmp_path) as (browser, sound):
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{program.port}/")
        await page.wait_for_function("window.socket?.connected")
        async with recorded(sound.environ) as recording:
            yield Room(page, program, recording, sound.environ["PULSE_SERVER"])
