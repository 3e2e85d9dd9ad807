"""How soon a spoken reply is silent when somebody speaks over it: `python -m benchmarks.silence`.

From the first loud sample at the microphone to the last at the speaker, both channels of one PulseAudio sink. Beside it
the browser alone, with the microphone connected to the speaker and the same processing. Needs Chromium, PulseAudio and
Xvfb, and a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.browser.conftest import PLACES
from tests.browser.speaker.spoken_over import LATENCY_HINT, spoken_over, tone, voice
from voice_ui.session import percentile

REPLIES = {"a voice": voice, "a tone": tone}

PLAIN = """const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = ({ audio }) => ask({ audio: { ...audio, echoCancellation: false } });"""
FLOORS = 10


async def measure(reply: str, trials: int, *, canceller: bool) -> str:
    """Return a row of the table."""
    chrome = next(path for name in PLACES if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory() as place:
        script = "" if canceller else PLAIN
        async with spoken_over(chrome, Path(place), trials, script=script) as (somebody, server):
            floor = await somebody.floor_ms(LATENCY_HINT, FLOORS)
            server.reply = REPLIES[reply]()
            found = await server.run(somebody)
    silent, truncated = [trial.silent_ms for trial in found], [trial.truncated_ms for trial in found]
    off = [abs(trial.off_ms) for trial in found]
    sys.stderr.write(f"floor {floor}, silent {silent}, off {[trial.off_ms for trial in found]}\n")
    columns = [
        f"{_at(values, 0.5)} / {_at(values, 0.95)} / {max(values)}" for values in (floor, silent, truncated, off)
    ]
    return f"| {reply}, {'on' if canceller else 'off'} | " + " | ".join(columns) + " |"


def _at(values: list[int], share: float) -> int:
    return round(percentile([float(value) for value in values], share))


async def _print(trials: int, replies: list[str], *, off: bool) -> None:
    heads = (
        "reply, echo canceller",
        "browser alone",
        "speech → silence",
        "→ truncate at the server",
        "`audio_end_ms` off by",
    )
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    for canceller in (True, False) if off else (True,):
        for reply in replies:
            sys.stdout.write(await measure(reply, trials, canceller=canceller) + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"\nMilliseconds, p50 / p95 / max of {trials} trials ({FLOORS} of the browser alone).\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.silence", description=__doc__)
    parser.add_argument("--trials", type=int, default=30, help="replies that are spoken over (default: 30)")
    parser.add_argument("--reply", choices=tuple(REPLIES), action="append", help="only this")
    parser.add_argument("--off", action="store_true", help="also without the browser's echo canceller")
    options = parser.parse_args()
    asyncio.run(_print(options.trials, options.reply or list(REPLIES), off=options.off))


if __name__ == "__main__":
    main()
