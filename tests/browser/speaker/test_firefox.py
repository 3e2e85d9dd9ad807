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

    def reports() -> list[list[str]]:
        return [[event["name"], *event["facts"]] for event in program.told[begin:]]

    def states() -> list[str]:
        return [report[1] for report in reports() if report[0] == "state"]

    async with sound_server(tmp_path) as sound, firefox(tmp_path, sound) as tab:
        await tab.open(f"http://127.0.0.1:{program.port}/")
        await tab.becomes("window.socket?.connected ?? false")
        mark = "[...document.querySelectorAll('button')].find(b => b.innerText.trim().toLowerCase() === {}).id = {}"

        async def press(name: str) -> None:
            await tab.evaluate(mark.format(json.dumps(name), json.dumps(f"press-{name.replace(' ', '-')}")))
            await tab.click(f"#press-{name.replace(' ', '-')}")

        async with recorded(sound.environ) as recording:
            await press("unlock")
            await until(lambda: states() == ["idle"])
            audio_threads_first(sound.environ["PULSE_SERVER"])
            await press("play")
            await until(lambda: states() == ["idle", "playing", "idle"], 30)
            await press("long")
            await until(lambda: any(name == "played" and int(ms) >= 1000 for name, item, ms in
                                    (r for r in reports() if len(r) == 3) if item == "long"), 30)  # fmt: skip
            await press("stop here")
            await until(lambda: states() == ["idle", "playing"] * 2 + ["idle"], 30)
            end = recording.seconds + 0.5
            await until(lambda: recording.seconds > end)
    played, stopped = recording.stretches
    assert played[1] - played[0] == pytest.approx(3, abs=0.02)
    assert recording.steepest < STEEPEST
    heard_ms = next(int(report[2]) for report in reports() if report[0] == "stopped")
    assert heard_ms == pytest.approx(1000 * (stopped[1] - stopped[0]), abs=60)
