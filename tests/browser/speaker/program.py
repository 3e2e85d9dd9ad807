"""A NiceGUI program that has the speaker and nothing else of ours, and what it reports."""

PROGRAM = '''
"""Plays what its buttons say, and writes what the speaker reports as lines of JSON."""

import asyncio
import json
import sys

import numpy as np
from nicegui import ui
from voice_ui.speaker import Speaker

RATE = 24_000


def tone(seconds, hertz=440):
    return np.round(16_000 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)).astype("<i2").tobytes()


def deltas(pcm, ms=100):
    size = 2 * RATE * ms // 1000
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


@ui.page("/")
def index(play_at_once: bool = False):
    def report(name):
        def write(*facts):
            sys.stdout.write(json.dumps({"name": name, "facts": [str(fact) for fact in facts]}) + "\\n")
            sys.stdout.flush()

        return write

    names = ["played", "stopped", "state", "problem", "cured"]
    speaker = Speaker(**{f"on_{name}": report(name) for name in names})

    def play():
        for number, hertz in enumerate((440, 660)):  # two items, one after the other
            for delta in deltas(tone(1.5, hertz)):
                speaker.play(delta, f"item-{number}")

    async def stall():
        for delta in deltas(tone(1)):
            speaker.play(delta, "stalled")
        while speaker.unplayed_ms:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        for delta in deltas(tone(1)):
            speaker.play(delta, "stalled")

    async def jitter():
        await asyncio.sleep(0.2)
        for number, delta in enumerate(deltas(tone(4))):
            speaker.play(delta, "jittered")
            await asyncio.sleep((0.02, 0.17)[number % 2])

    def ten_minutes():
        taken = sum(speaker.play(delta, "long") for delta in deltas(tone(1, 440), 200) * 600)
        report("taken")(taken, speaker.unplayed_ms)

    ui.button("Unlock").on("click", js_handler=speaker.js_unlock)
    ui.button("Play", on_click=play)
    ui.button("Long", on_click=lambda: [speaker.play(delta, "long") for delta in deltas(tone(10))])
    ui.button("Stall", on_click=stall)
    ui.button("Jitter", on_click=jitter)
    ui.button("Ten minutes", on_click=ten_minutes)
    ui.button("Stop", on_click=speaker.stop)
    ui.button("Stop here").on("click", js_handler=speaker.js_stop)
    ui.button("Duck", on_click=speaker.duck)
    ui.button("Unduck", on_click=speaker.unduck)
    ui.button("Quiet", on_click=lambda: setattr(speaker, "volume", 0.5))
    if play_at_once:
        ui.timer(0.2, play, once=True)
    ui.label(str(speaker.id)).props("id=speaker")


@ui.page("/without")
def without():
    ui.label("No speaker here")


ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False, reconnect_timeout=15)
'''
