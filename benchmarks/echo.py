"""How often a spoken reply interrupts itself: `python -m benchmarks.echo`.

What the page plays goes back into its microphone, 40 ms later and weaker, through PulseAudio. For each minute of reply:
how often the page ducked it, and how often the practice server's voice detection took the echo for speech. Needs
Chromium or Firefox, PulseAudio, Xvfb and hibari-tts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.barge_in import said
from tests.browser.conftest import FLAGS, PLACES
from tests.browser.firefox import Speaker as Sink, firefox, sound_server
from tests.browser.mic.program import Program, running
from tests.browser.speaker.conftest import window
from tests.browser.speaker.person import control, two_channels
from tests.browser.speaker.priority import audio_threads_first
from tests.patience import until

ROUTES = {
    "Web Audio": "",
    "media element": """
        const element = new Audio();
        const end = new MediaStreamAudioDestinationNode(speaker.ctx);
        element.srcObject = end.stream;
        speaker.gain.disconnect();
        speaker.gain.connect(end);
        await element.play();""",
    "loopback call": """
        const end = new MediaStreamAudioDestinationNode(speaker.ctx);
        const [here, there] = (window.peers = [new RTCPeerConnection(), new RTCPeerConnection()]);
        here.onicecandidate = ({ candidate }) => there.addIceCandidate(candidate);
        there.onicecandidate = ({ candidate }) => here.addIceCandidate(candidate);
        const element = new Audio();
        there.ontrack = ({ streams: [stream] }) => (element.srcObject = stream);
        here.addTrack(end.stream.getAudioTracks()[0], end.stream);
        await here.setLocalDescription();
        await there.setRemoteDescription(here.localDescription);
        await there.setLocalDescription();
        await here.setRemoteDescription(there.localDescription);
        speaker.gain.disconnect();
        speaker.gain.connect(end);
        await element.play();""",
}
CONSTRAINTS = ("true", '"all"', "false")
LOUDNESS_DB = (0, -10, -20)
DELAY_MS = 40

TEXT = (
    "The harbour was quiet that morning, and the boats lay side by side.",
    "A woman with a red umbrella walked along the pier and counted the gulls.",
    "Nobody had told her that the ferry would not come before noon.",
    "So she sat down on a crate, opened her book, and began to read aloud.",
)

PROGRAM = '''
"""Plays a reply and reports every duck, and everything that the practice server would take for speech."""

import json
import sys
from pathlib import Path

from nicegui import ui
from voice_ui.mic import Mic
from voice_ui.offline.vad import SpeechStart, VoiceActivity
from voice_ui.page.spoken_replies import Silencer
from voice_ui.speaker import Speaker

REPLY = Path(PLACE).read_bytes()


def tell(name, *facts):
    sys.stdout.write(json.dumps({"name": name, "facts": list(facts)}) + "\\n")
    sys.stdout.flush()


@ui.page("/")
def index():
    detector = VoiceActivity()

    def listen(chunk):
        for event in detector.process(chunk.pcm):
            if isinstance(event, SpeechStart):
                tell("speech", speaker.played_ms)

    mic = Mic(on_chunk=listen)
    speaker = Speaker(on_state=lambda state: tell("state", state), on_played=lambda item, ms: tell("played", ms))
    silencer = Silencer(mic, speaker, lambda: None)
    silencer._props["gives-way"] = True
    ui.button("Start").props("id=start").on("click", js_handler=mic.js_toggle)
    ui.button("Play", on_click=lambda: speaker.play(REPLY)).props("id=play")
    ui.label(str(speaker.id)).props("id=speaker")


ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False)
'''

BEFORE = """
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = ({ audio }) =>
      ask({ audio: audio.echoCancellation ? { ...audio, echoCancellation: CONSTRAINT } : audio });
    window.ducks = 0;"""
COUNT = """
    const speaker = getElement(+document.getElementById("speaker").innerText);
    const report = speaker.report.bind(speaker);
    const take = speaker.node.port.onmessage;
    speaker.node.port.onmessage = (event) => {
      if (event.data[0] === "ducked") window.ducks++;
      take(event);
    };"""


class Tab:
    """A page in either browser."""

    def __init__(self, evaluate: Callable[[str], Awaitable[Any]], click: Callable[[str], Awaitable[None]]) -> None:
        self.evaluate, self.click = evaluate, click


async def measure(browser: str, route: str, constraint: str, loudness_db: int, reply: Path, minutes: float) -> str:
    """Return a row of the table."""
    with running(PROGRAM.replace("PLACE", repr(str(reply)))) as program, tempfile.TemporaryDirectory() as place:
        async with opened(browser, Path(place), f"http://127.0.0.1:{program.port}/", constraint) as (tab, sink):
            back = ("source=page.monitor", "sink=room", f"latency_msec={DELAY_MS}")
            await control(sink.environ, "load-module", "module-loopback", *back)
            if loudness_db:
                await control(sink.environ, "set-sink-volume", "room", f"{loudness_db}dB")
            await tab.click("#start")
            await asyncio.sleep(3)
            await tab.evaluate(f"(async () => {{ {COUNT}{ROUTES[route]} }})()")
            audio_threads_first(sink.environ["PULSE_SERVER"])
            await tab.click("#play")
            await until(lambda: _states(program)[-2:] == ["playing", "idle"], 180 * minutes + 30)
            await asyncio.sleep(0.5)
            ducks = int(await tab.evaluate("window.ducks"))
    starts = sum(event["name"] == "speech" for event in program.told)
    return f"| {browser} | {route} | `{constraint}` | {loudness_db} | {ducks / minutes:.0f} | {starts / minutes:.0f} |"


def _states(program: Program) -> list[str]:
    return [event["facts"][0] for event in program.told if event["name"] == "state"]


@asynccontextmanager
async def opened(browser: str, place: Path, url: str, constraint: str) -> AsyncIterator[tuple[Tab, Sink]]:
    """Open the page in a browser with a sound server of its own."""
    before = BEFORE.replace("CONSTRAINT", constraint)
    if browser == "Firefox":
        async with sound_server(place) as sink:
            await two_channels(sink)
            (profile := place / "profile").mkdir()
            async with firefox(profile, sink) as fox:
                await fox.open(url)
                await fox.becomes("window.socket?.connected ?? false")
                await fox.evaluate(f"(() => {{ {before} }})()")
                yield Tab(fox.evaluate, fox.click), sink
        return
    flags = [flag for flag in FLAGS if flag != "--use-fake-device-for-media-stream"]
    chrome = next(path for name in PLACES if (path := shutil.which(name)))
    async with window(chrome, place, flags, two_channels) as (chromium, sink):
        page = await chromium.new_page()
        await page.goto(url)
        await page.wait_for_function("window.socket?.connected")
        await page.evaluate(f"(() => {{ {before} }})()")
        yield Tab(page.evaluate, page.click), sink


async def _print(options: argparse.Namespace, pcm: bytes, reply: Path) -> None:
    minutes = len(pcm) / 48_000 / 60
    sys.stdout.write("| browser | route | `echoCancellation` | echo, dB | ducks / min | speech starts / min |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for case in product(options.browser, options.route, options.constraint, options.loudness):
        try:
            row = await measure(*case, reply, minutes)
        except Exception as error:
            row = f"| {' | '.join(map(str, case))} | {type(error).__name__}: {str(error)[:60]} | |"
        sys.stdout.write(row + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"\n{60 * minutes:.0f} s of reply each.\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.echo", description=__doc__)
    parser.add_argument("--browser", nargs="+", default=["Chromium", "Firefox"], choices=("Chromium", "Firefox"))
    parser.add_argument("--route", nargs="+", default=list(ROUTES), choices=tuple(ROUTES))
    parser.add_argument("--constraint", nargs="+", default=list(CONSTRAINTS), help=json.dumps(CONSTRAINTS))
    parser.add_argument("--loudness", nargs="+", type=int, default=list(LOUDNESS_DB), help="of the echo, in dB")
    options = parser.parse_args()
    pcm = b"".join(said(sentence, "hibari") for sentence in TEXT)
    with tempfile.TemporaryDirectory() as place:
        (reply := Path(place, "reply")).write_bytes(pcm)
        asyncio.run(_print(options, pcm, reply))


if __name__ == "__main__":
    main()
