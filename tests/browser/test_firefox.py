"""A second browser, of other makers, with a microphone of another rate than the model's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import QUESTION
from tests.browser.firefox import firefox, missing, sound_server
from tests.running import program

TEXT = "document.querySelector('[data-testid={}]').innerText"
STATE = "document.querySelector('[data-testid=status]')?.dataset.state"


async def test_firefox_listens_at_its_own_rate_and_is_understood(tmp_path: Path) -> None:
    if names := missing():
        message = f"not installed: {', '.join(names)} (Debian: firefox-esr pulseaudio pulseaudio-utils)"
        pytest.fail(message) if os.environ.get("TESTS_REQUIRE_BROWSER") else pytest.skip(message)
    (profile := tmp_path / "profile").mkdir()
    async with program(folder=tmp_path) as app, sound_server(tmp_path) as speaker, firefox(profile, speaker) as tab:
        await tab.open(app.url)
        await tab.becomes(f"{STATE} == 'idle'")
        await tab.click("[data-testid=talk]")
        await tab.becomes(f"{STATE} == 'listening'")
        await speaker.play(QUESTION)
        await tab.becomes(f"{TEXT.format('response')}.includes('12')")
        assert "seven plus five" in (await tab.evaluate(TEXT.format("heard"))).lower()
        await tab.click("[data-testid=talk]")
        await tab.becomes(f"{STATE} == 'idle'")
