"""`--native`: the page in a window of Qt, on a screen of its own. Skips where what that takes is not installed."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import signal
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image, ImageGrab
from websockets.asyncio.client import ClientConnection, connect

from tests.browser.conftest import QUESTION
from tests.patience import SECOND, until
from tests.running import Program, free_port, other_site, program
from voice_ui import window
from voice_ui.errors import SettingsError

SCREEN = (900, 1000)

MICROPHONE = f"--use-fake-device-for-media-stream --use-file-for-fake-audio-capture={QUESTION}%noloop"
"""NOTE: without Chromium's switch that grants everything: it is the window's own answer that is tested."""


IS_READY = "Object.keys(sessionStorage).some(key => key.startsWith('voice-ui'))"
"""The page remembers the run of the program once both have spoken to each other."""


@pytest_asyncio.fixture(loop_scope="session")
async def screen(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Start a screen that nobody sees; return its name."""
    if not (server := shutil.which("Xvfb")):
        pytest.skip("no Xvfb found: install it (Debian: apt-get install xvfb) to run the tests of --native")
    reading, writing = os.pipe()
    size = "x".join(map(str, (*SCREEN, 24)))
    command = (server, "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp")
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, pass_fds=(writing,), stdout=quiet, stderr=quiet)
    os.close(writing)
    number = await asyncio.to_thread(os.read, reading, 10)
    os.close(reading)
    monkeypatch.setenv("DISPLAY", f":{number.decode().strip()}")
    try:
        window.check()
        yield os.environ["DISPLAY"]
    except SettingsError as error:
        pytest.skip(str(error))
    finally:
        process.terminate()
        await process.wait()


class Inside:
    """The page in the window, by the protocol of Chromium's developer tools."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._number = 0

    async def evaluate(self, script: str) -> Any:
        """Return what a script comes to, run as if a person had asked for it."""
        self._number += 1
        asked = {"expression": script, "userGesture": True, "awaitPromise": True, "returnByValue": True}
        await self._wire.send(json.dumps({"id": self._number, "method": "Runtime.evaluate", "params": asked}))
        async with asyncio.timeout(10 * SECOND):
            while (answer := json.loads(await self._wire.recv())).get("id") != self._number:
                pass
        # Between two pages there is nobody to ask.
        return answer.get("result", {}).get("result", {}).get("value")

    async def becomes(self, script: str, seconds: float = 20) -> None:
        """Wait until a script comes to something true."""
        async with asyncio.timeout(seconds * SECOND):
            while not await self.evaluate(script):  # noqa: ASYNC110 (another process knows)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def own_window(folder: Path, screen: str) -> AsyncIterator[tuple[Program, Inside]]:
    port = free_port()
    environ = {
        "DISPLAY": screen,
        "QTWEBENGINE_DISABLE_SANDBOX": "1" if os.geteuid() == 0 else "0",
        "QTWEBENGINE_REMOTE_DEBUGGING": str(port),
        "QTWEBENGINE_CHROMIUM_FLAGS": MICROPHONE,
    }

    def pages() -> list[dict[str, str]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=2) as answer:
                return [page for page in json.load(answer) if page["url"].startswith(app.url)]
        except OSError:
            return []

    async with program("--native", folder=folder, **environ) as app:
        async with asyncio.timeout(20 * SECOND):
            while not (found := await asyncio.to_thread(pages)):
                pass
        async with connect(found[0]["webSocketDebuggerUrl"], max_size=None) as wire:
            yield app, Inside(wire)


def close_window(screen: str) -> None:
    """Ask the window to close, as a window manager does when its button is pressed (ICCCM, section 4.2.8)."""
    x = ctypes.CDLL("libX11.so.6")
    x.XOpenDisplay.restype = x.XDefaultRootWindow.restype = x.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x.XOpenDisplay(screen.encode()))
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    top = ctypes.c_ulong(x.XDefaultRootWindow(display))
    x.XQueryTree(display, top, *map(ctypes.byref, (root, parent, children, count)))
    protocols, delete = (x.XInternAtom(display, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    for window_id in children[: count.value]:
        # XClientMessageEvent: type 33, serial, send_event, display, window, message_type, format, data.
        event = (ctypes.c_long * 24)(33, 0, 0, 0, window_id, protocols, 32, delete, 0)
        x.XSendEvent(display, ctypes.c_ulong(window_id), False, 0, event)
    x.XCloseDisplay(display)


def last_child(pid: int) -> Path:
    """Return the folder of the window's process."""
    return Path("/proc", Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[-1])


async def test_a_spoken_turn_in_the_window_and_closing_it_ends_the_program(tmp_path: Path, screen: str) -> None:
    async with own_window(tmp_path, screen) as (app, inside):
        await inside.becomes(IS_READY)
        await inside.evaluate("document.querySelector('[data-testid=talk]').click()")
        await inside.becomes("document.querySelector('[data-testid=response]').innerText.includes('12')")
        await inside.becomes("document.querySelector('[data-testid=status]').dataset.state == 'listening'")
        picture = await asyncio.to_thread(ImageGrab.grab, xdisplay=screen)
        picture.save(Path(os.environ.get("TESTS_PICTURES", tmp_path)) / "native.png")
        assert (
            len(picture.convert("L").resize((90, 100), Image.Resampling.BOX).getcolors() or ()) > 20
        )  # no empty window
        close_window(screen)
        await until(lambda: app.process.returncode is not None, 15, what="the program ends")


async def test_another_site_gets_no_microphone_and_the_window_ends_with_the_program(
    tmp_path: Path, screen: str
) -> None:
    ask = "navigator.mediaDevices.getUserMedia({audio: true}).then(() => 'granted', error => error.name)"

    async with other_site() as port, own_window(tmp_path, screen) as (app, inside):
        await inside.becomes(IS_READY)
        assert await inside.evaluate(ask) == "granted"
        await inside.evaluate(f"void setTimeout(() => location.href = 'http://127.0.0.1:{port}/')")
        await inside.becomes("document.title == 'elsewhere'")
        assert await inside.evaluate(ask) == "AbortError"  # Qt's word for no
        child = last_child(app.process.pid)
        app.process.send_signal(signal.SIGTERM)
        await until(lambda: app.process.returncode is not None, 15, what="the program ends")
        await until(lambda: not child.exists(), 15, what="the window is gone")
