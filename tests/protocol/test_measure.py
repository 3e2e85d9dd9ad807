"""`python -m voice_ui.measure`: every stage of a turn at the configured server, and errors in words."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.running import free_port
from tests.servers.realtime import Behaviour, Realtime
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from voice_ui import audio, measure
from voice_ui.settings import SETTINGS

THINK_SECONDS = 0.2


@pytest.fixture(autouse=True)
def nobody_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, with none of this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)


def use(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure this server, as a user would."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url.partition("/realtime")[0])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")


async def test_every_stage_of_each_turn_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    scripts = [Realtime(Behaviour(think_seconds=THINK_SECONDS)) for _ in range(3)]
    async with ScriptedServer(*scripts).running() as server:
        use(server, monkeypatch)
        options = ["--turns", "2", "--connections", "3", "--json", "told.json"]
        assert await asyncio.to_thread(measure.main, options) == 0
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    stages = {name: stage["values"] for name, stage in told["stages"].items()}
    counts = {name: len(values) for name, values in stages.items()}
    of_connections, of_turns = list(measure.STAGES)[:3], list(measure.STAGES)[3:]
    assert counts == dict.fromkeys(of_connections, 3) | dict.fromkeys(of_turns, 2)
    for connected, first_event, ready in zip(stages["connect"], stages["first_event"], stages["ready"], strict=True):
        assert 0 < connected <= first_event <= ready
    for turn_ended, first_text in zip(stages["speech_stopped"], stages["first_text"], strict=True):
        assert turn_ended >= 500 - audio.CHUNK_MS  # the silence that the server waits for
        assert first_text >= turn_ended + THINK_SECONDS * 1000 - 1
    assert [len(script.record.utterances) for script in scripts] == [0, 0, 2], "only the last connection is spoken over"
    shown = capsys.readouterr()
    assert "end of speech → first text " in shown.out and "first text of the answer" not in shown.out
    assert "127.0.0.1" in shown.err


async def test_a_preamble_is_told_apart_from_the_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Realtime(Behaviour(replies="preamble", think_seconds=0.0))
    async with ScriptedServer(script).running() as server:
        use(server, monkeypatch)
        assert await asyncio.to_thread(measure.main, ["--turns", "1", "--connections", "1"]) == 0
    assert "end of speech → first text of the answer" in capsys.readouterr().out


async def test_a_turn_by_hand_is_committed_at_the_last_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = Realtime(Behaviour(think_seconds=0.0))
    async with ScriptedServer(script).running() as server:
        use(server, monkeypatch)
        monkeypatch.setenv("VOICE_UI_TURN_DETECTION", "none")
        assert await asyncio.to_thread(measure.main, ["--turns", "1", "--connections", "1", "--json", "told.json"]) == 0
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert told["turn_detection"] == "none"
    assert told["stages"]["speech_stopped"]["p50"] < 400, "no silence is waited for"


async def test_the_practice_server_is_measured_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(measure.main, ["--offline", "--turns", "1", "--connections", "1"]) == 0
    shown = capsys.readouterr()
    assert "end of speech → first text " in shown.out
    assert "practice server" in shown.err


async def test_a_server_that_is_not_there_is_reported_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")
    assert await asyncio.to_thread(measure.main, []) == 1
    shown = capsys.readouterr()
    assert "Could not connect to 127.0.0.1." in shown.err and "then run this again." in shown.err
    assert "Start" not in shown.err and "Traceback" not in shown.err and not shown.out


async def test_a_failed_reply_ends_the_measurement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Realtime(Behaviour(replies="failed", think_seconds=0.0))
    async with ScriptedServer(script).running() as server:
        use(server, monkeypatch)
        assert await asyncio.to_thread(measure.main, ["--turns", "2", "--connections", "1"]) == 1
    assert capsys.readouterr().err.count("measure: The model failed while replying.") == 1


async def test_an_exhausted_quota_ends_the_measurement_at_once_and_shows_what_was_paid_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def question(wire: Wire, item: str) -> None:
        for _ in range(len(measure.clip()) + 5):
            await wire.hear("input_audio_buffer.append")
        await wire.heard_speech(item=item, end_ms=0)

    async def pays_once(wire: Wire) -> None:
        await wire.configure()
        await question(wire, "u1")
        await wire.reply("12", item="a1")
        await question(wire, "u2")
        await wire.say("response.created", response={"id": "r2"})
        error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your quota."}
        failed = {"id": "r2", "status": "failed", "status_details": {"type": "failed", "error": error}}
        await wire.say("response.done", response=failed)
        await wire.until_closed()

    monkeypatch.setattr(measure, "TURN_SECONDS", 30)
    async with ScriptedServer(pays_once).running() as server:
        use(server, monkeypatch)
        assert await asyncio.to_thread(measure.main, ["--turns", "3", "--connections", "1"]) == 1
    shown = capsys.readouterr()
    assert shown.err.count("no credit left") == 1 and "end of speech → first text " in shown.out


def test_a_file_that_cannot_be_written_is_told_before_anything_is_paid_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert measure.main(["--offline", "--json", str(tmp_path / "gone" / "told.json")]) == 1
    shown = capsys.readouterr()
    assert "cannot write" in shown.err and "Measuring" not in shown.err and not shown.out


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("VOICE_UI_TURN_DETECTION", "sometimes")
    assert measure.main([]) == 2
    assert "measure: VOICE_UI_TURN_DETECTION (from the environment)" in capsys.readouterr().err


def test_no_key_is_sent_that_is_a_placeholder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "your-key-here")
    assert measure.main([]) == 1
    assert "OPENAI_API_KEY (from the environment) does not look like an API key for OpenAI" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "x", "1.5", "99999"])
def test_a_number_of_turns_is_a_number(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        measure.main(["--turns", wrong])
    assert ended.value.code == 2
    assert f"--turns: '{wrong}' is not a whole number from 1 to 9999" in capsys.readouterr().err
