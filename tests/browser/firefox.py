"""Firefox, by its own protocol (WebDriver BiDi), with a sound server of its own whose microphone plays what we want.

Firefox has no switch that plays a file as the microphone. Here it asks PulseAudio, as on many desktops, and gets what
is played into a sink that nobody hears.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.patience import SECOND, until
from tests.running import free_port

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox") or ""

RATE = 44_100
"""Hertz, of the microphone: neither the model's rate nor the one that most sound cards have."""

PREFERENCES = {
    "media.navigator.permission.disabled": True,  # nobody is there to allow it
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    # A second tab with a notice would put ours into the background, where nothing is painted or begins to sound.
    "datareporting.policy.firstRunURL": "",
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "app.update.disabledForTesting": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}

AT_REST = """async (selector) => {
    await document.fonts.ready;
    for (let before = "", calm = 0; ; ) {
        await new Promise(requestAnimationFrame);
        const box = document.querySelector(selector).getBoundingClientRect();
        const middle = JSON.stringify([box.left + box.width / 2, box.top + box.height / 2].map(Math.round));
        calm = middle === before ? calm + 1 : 0;
        if (calm === 3) return middle;
        before = middle;
    }
}"""
"""The middle of an element that has not moved for three frames: what loads late may move it away from the mouse."""

_QUIET = asyncio.subprocess.DEVNULL


def missing() -> list[str]:
    """Return the programs that are not installed and would be needed."""
    found = {"Firefox": FIREFOX, **{name: shutil.which(name) for name in ("pulseaudio", "paplay")}}
    return [name for name, path in found.items() if not path]


class Speaker:
    """Plays into the microphone."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        """What a program needs to use this sound server."""

    async def play(self, recording: Path) -> None:
        """Play a WAV, to its end."""
        command = ("paplay", "--device=speaker", str(recording))
        process = await asyncio.create_subprocess_exec(*command, env=self.environ)
        async with asyncio.timeout(20 * SECOND):
            assert await process.wait() == 0


@asynccontextmanager
async def sound_server(folder: Path) -> AsyncIterator[Speaker]:
    """Run a PulseAudio whose only microphone hears what is played on its only speaker."""
    address = folder / "sound"  # "pulse" is a folder that it makes for itself
    modules = (
        f"module-native-protocol-unix socket={address}",
        f"module-null-sink sink_name=speaker rate={RATE} channels=1",
        f"module-remap-source master=speaker.monitor source_name=microphone rate={RATE} channels=1",
    )
    command = ("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes")
    places = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PULSE_SERVER": f"unix:{address}"}
    environ = {**os.environ, **places}
    process = await asyncio.create_subprocess_exec(
        *command, *(f"--load={module}" for module in modules), env=environ, stdout=_QUIET, stderr=_QUIET
    )
    try:
        await until(address.exists, what="the sound server listens")
        yield Speaker(environ)
    finally:
        process.terminate()
        await process.wait()


class Firefox:
    """One tab."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._ids = count(1)
        self._tab = ""

    async def begin(self) -> None:
        """Begin a session, and find the tab that is there."""
        await self._ask("session.new", capabilities={})
        tree = await self._ask("browsingContext.getTree")
        self._tab = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        """Load a page."""
        await self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def evaluate(self, script: str) -> Any:
        """Return what a script comes to: a string, a number or a truth."""
        target = {"context": self._tab}
        told = await self._ask("script.evaluate", expression=script, target=target, awaitPromise=True)
        assert told["type"] == "success", told
        return told["result"].get("value")

    async def becomes(self, script: str, seconds: float = 20) -> None:
        """Wait until a script comes to something true."""
        async with asyncio.timeout(seconds * SECOND):
            while not await self.evaluate(script):  # noqa: ASYNC110 (another process knows)
                await asyncio.sleep(0.05)

    async def click(self, selector: str) -> None:
        """Press the middle of an element, as a mouse does, once it has come to rest."""
        x, y = json.loads(await self.evaluate(f"({AT_REST})({json.dumps(selector)})"))
        move = {"type": "pointerMove", "x": x, "y": y}
        press, release = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        mouse = {"type": "pointer", "id": "mouse", "actions": [move, press, release]}
        await self._ask("input.performActions", context=self._tab, actions=[mouse])

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self._wire.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(20 * SECOND):
            while (answer := json.loads(await self._wire.recv())).get("id") != number:
                pass
        assert answer["type"] == "success", answer
        result: dict[str, Any] = answer["result"]
        return result


@asynccontextmanager
async def firefox(folder: Path, speaker: Speaker) -> AsyncIterator[Firefox]:
    """Run Firefox with an empty profile."""
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
    (folder / "user.js").write_text("".join(lines), encoding="utf-8")
    port = free_port()
    command = (FIREFOX, "--headless", "--no-remote", "--profile", str(folder), f"--remote-debugging-port={port}")
    process = await asyncio.create_subprocess_exec(*command, env=speaker.environ, stdout=_QUIET, stderr=_QUIET)
    try:
        async with await _connected(port) as wire:
            tab = Firefox(wire)
            await tab.begin()
            yield tab
    finally:
        process.terminate()
        await process.wait()


async def _connected(port: int) -> ClientConnection:
    async with asyncio.timeout(30 * SECOND):
        while True:
            try:
                return await connect(f"ws://127.0.0.1:{port}/session", max_size=None)
            except OSError:
                await asyncio.sleep(0.1)  # it starts
