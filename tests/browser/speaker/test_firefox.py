"""The speaker in Firefox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.firefox import firefox, missing, sound_server
from tests.browser.mic.program import Program
from tests.browser.speaker.priority import audio_threads_first
from tests.browser.speaker.recording import recorded
from tests.patience import until

STEEPEST = 0.07


@pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}")
async def test_two_items_are_one_sound_and_stop_reports_what_was_heard(tmp_path: Path, program: Program) -> None:
    begin = len(program.told)

    async with sound_server(tmp_path) as sound, firefox(tmp_path, sound) as tab:
        await tab.open(f"http://127.0.0.1:{program.port}/")
        await tab.becomes("window.socket?.connected ?? false")
        speaker = "getElement(+document.getElementById('speaker').innerText)"

        async def press(name: str) -> None:
            buttons = "[...document.querySelectorAll('button')]"
            await tab.evaluate(f"{buttons}.find((b) => b.innerText.toLowerCase() === {json.dumps(name)}).id = 'next'")
            await tab.click("#next")
            await tab.evaluate("document.getElementById('next').id = ''")

        async with recorded(sound.environ) as recording:
            await press("unlock")
            await tab.becomes(f"!!{speaker}.ctx")
            await tab.becomes(f"{speaker}.isOpen ?? false")
            audio_threads_first(sound.environ["PULSE_SERVER"])
            await press("play")
            await tab.becomes(f"{speaker}.state === 'empty'")
            await press("long")
            await tab.becomes(f"{speaker}.stream === 1 && {speaker}.heard >= 96000")
            await press("stop here")
            await tab.becomes(f"{speaker}.state === 'stopped'")
            end = recording.seconds + 0.5
            await until(lambda: recording.seconds > end)
    reports = [(event["name"], *event["facts"]) for event in program.told[begin:]]
    assert [report[1] for report in reports if report[0] == "state"] == ["idle", "playing", "idle", "playing", "idle"]
    played, stopped = recording.stretches
    assert played[1] - played[0] == pytest.approx(3, abs=0.02)
    assert recording.steepest < STEEPEST
    heard_ms = next(int(report[2]) for report in reports if report[0] == "stopped")
    assert heard_ms == pytest.approx(1000 * (stopped[1] - stopped[0]), abs=60)
